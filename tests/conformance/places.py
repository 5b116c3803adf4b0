"""Everywhere that a person must not be found, and the search for one there."""

import base64
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import structlog
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from temporalio.api.common.v1 import Memo, Payload, SearchAttributes
from temporalio.api.failure.v1 import Failure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.client import WorkflowExecutionDescription

from tests.conformance.rig import Rig
from tests.sealed import SEAL
from vigil.sealing.codec import SealingCodec, is_sealed
from vigil.sealing.data_keys import FOLDER as DATA_KEYS
from vigil.sealing.storage import find_sealed
from vigil.storage.contract import names_under

_CODEC = SealingCodec(SEAL, "default")


class Place(StrEnum):
    """Where personal data must not be."""

    WORKFLOW_IDS = "workflow ids"
    TASK_QUEUES = "task queues"
    SEARCH_ATTRIBUTES = "search attributes"
    MEMOS = "memos"
    PAYLOADS = "payloads"
    FAILURES = "failures"
    HEARTBEATS = "heartbeats"
    HISTORIES = "histories"
    LOGS = "logs"
    METRICS = "metrics"
    ERROR_BODIES = "error bodies"
    STORAGE_NAMES = "storage names"


def leaks(text: bytes, canaries: Iterable[str]) -> set[str]:
    """Return the canaries in a text: plain, escaped as in JSON, in base64 at any offset, in hex, or URL-encoded."""
    lower = text.lower()
    return {
        canary
        for canary in canaries
        if any(form in text for form in _forms(canary)) or any(form in lower for form in _forms_in_any_case(canary))
    }


def _forms(canary: str) -> list[bytes]:
    plain = canary.encode()
    # At each of its three offsets a text has letters of its own. One that holds bits of a neighbour, too, is cut off.
    letters = ((-(-shift * 8 // 6), (shift + len(plain)) * 8 // 6) for shift in range(3))
    shifted = [base64.b64encode(b"x" * shift + plain)[first:end] for shift, (first, end) in enumerate(letters)]
    return [plain, *shifted, *(each.translate(bytes.maketrans(b"+/", b"-_")) for each in shifted)]


def _forms_in_any_case(canary: str) -> list[bytes]:
    written = [quote(canary), quote(canary, safe=""), quote_plus(canary), json.dumps(canary)[1:-1]]
    return [canary.encode().hex().encode(), *(each.lower().encode() for each in written)]


@dataclass
class Overheard:
    """What is said while a test listens: every log line of every library at DEBUG, and every error that is answered."""

    logs: list[str] = field(default_factory=list)
    errors: list[bytes] = field(default_factory=list)
    pending: list[bytes] = field(default_factory=list)
    """What Temporal said of activities that were waiting or running: gone from it once they are done."""

    async def note(self, response: httpx.Response) -> None:
        """Keep an answer that is an error, headers and all."""
        if response.is_error:
            self.errors += [str(response.headers).encode(), await response.aread()]


@contextmanager
def listening(rig: Rig) -> Iterator[Overheard]:
    """Listen for as long as the context lasts."""
    heard = Overheard()
    rig.api.event_hooks = {"response": [heard.note]}
    with _all_logs(heard.logs):
        yield heard
    rig.api.event_hooks = {}


class _Ear(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.NOTSET)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        # Not as our own formatter would have it, which drops what it does not know: with all that a line carries.
        self._lines.append(f"{record.getMessage()} {vars(record)!r} {record.exc_info and record.exc_info[1]!r}")


@contextmanager
def _all_logs(lines: list[str]) -> Iterator[None]:
    ear = _Ear(lines)
    known = logging.root.manager.loggerDict.values()
    loggers = [logging.root, *(each for each in known if isinstance(each, logging.Logger))]
    before = {logger: (logger.level, logger.propagate, logger.disabled) for logger in loggers}
    configured = structlog.get_config()
    for logger in loggers:
        # Some, such as uvicorn's, keep what they say to themselves.
        logger.propagate, logger.disabled = True, False
        logger.setLevel(logging.DEBUG)
    logging.root.addHandler(ear)
    structlog.configure(
        processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**configured)
        logging.root.removeHandler(ear)
        for logger, (level, propagates, is_disabled) in before.items():
            logger.propagate, logger.disabled = propagates, is_disabled
            logger.setLevel(level)


async def said(rig: Rig, heard: Overheard, *, since: datetime) -> Mapping[Place, bytes]:
    """Return all that can be read in each place, of what was started since a time."""
    found: dict[Place, list[bytes]] = {place: [] for place in Place}
    client = rig.tracker.client
    async for listed in client.list_workflows(f'StartTime >= "{since.isoformat()}"'):
        handle = client.get_workflow_handle(listed.id, run_id=listed.run_id)
        _add(found, listed.id, await handle.describe(), (await handle.fetch_history()).events)
    found[Place.HEARTBEATS] += heard.pending
    found[Place.FAILURES] += heard.pending
    found[Place.LOGS] += [line.encode() for line in heard.logs]
    found[Place.ERROR_BODIES] += heard.errors
    found[Place.METRICS].append((await rig.api.get("/metrics")).content)
    found[Place.STORAGE_NAMES] += [name.encode() async for name in names_under(rig.dependencies.storage, "")]
    return {place: b"\n".join(texts) for place, texts in found.items()}


async def kept(rig: Rig) -> bytes:
    """Return all that storage holds, which is where a person may be."""
    names = [name async for name in names_under(rig.dependencies.storage, "") if not name.startswith(f"{DATA_KEYS}/")]
    return b"\n".join([await rig.dependencies.storage.read(name) for name in names])


async def at_rest(rig: Rig) -> bytes:
    """Return all that storage holds, as somebody reads it who has the store and no key."""
    sealed = find_sealed(rig.dependencies.storage)
    assert sealed is not None
    return b"\n".join([await sealed.below.read(name) async for name in names_under(sealed.below, "")])


def waiting(description: WorkflowExecutionDescription) -> list[bytes]:
    """Return what a description says of the activities that wait or run, failures and heartbeats decoded."""
    return [text for each in description.raw_description.pending_activities for text in texts_of(each)]


def _add(
    found: dict[Place, list[bytes]], name: str, description: WorkflowExecutionDescription, events: Iterable[Message]
) -> None:
    told = [description.raw_description, *events]
    found[Place.WORKFLOW_IDS].append(name.encode())
    for place, kind in (
        (Place.TASK_QUEUES, TaskQueue),
        (Place.SEARCH_ATTRIBUTES, SearchAttributes),
        (Place.MEMOS, Memo),
        (Place.FAILURES, Failure),
        (Place.PAYLOADS, Payload),
    ):
        found[place] += [text for message in told for part in parts_of(message, kind) for text in texts_of(part)]
    for pending in description.raw_description.pending_activities:
        found[Place.HEARTBEATS] += texts_of(pending.heartbeat_details)
    found[Place.HISTORIES] += [text for message in told for text in texts_of(message)]


def texts_of(message: Message) -> list[bytes]:
    """Return a message as text, and the contents of every payload in it, opened too."""
    payloads = parts_of(message, Payload)
    opened = [_CODEC.open(payload).data for payload in payloads if is_sealed(payload)]
    return [MessageToJson(message).encode(), *(payload.data for payload in payloads), *opened]


def parts_of(message: Any, kind: type[Message]) -> list[Any]:
    """Return every message of a kind inside a message, itself included."""
    found = [message] if isinstance(message, kind) else []
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        if descriptor.message_type.GetOptions().map_entry:
            values = [value[key] for key in value if hasattr(value[key], "ListFields")]
        else:
            values = list(value) if descriptor.is_repeated else [value]
        found += [part for one in values for part in parts_of(one, kind)]
    return found
