"""Histories of an installation: exported without anything that identifies a person, and replayed by a candidate."""

import base64
import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.client import Client, WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer

from vigil.sealing.codec import is_sealed
from vigil.temporal import messages
from vigil.temporal.conversion import PLAIN

Json: TypeAlias = Any
Digest: TypeAlias = Callable[[str], str]

TYPES: Final = (
    messages.VERIFICATION_WORKFLOW,
    messages.CONTINUOUS_DISCOVERY_WORKFLOW,
    messages.DISCOVERY_WORKFLOW,
    messages.RECHECK_WORKFLOW,
    messages.NOTIFICATION_WORKFLOW,
    messages.MESSAGE_DELIVERY_WORKFLOW,
    messages.VERIFY_WORKFLOW,
    messages.ERASURE_WORKFLOW,
    messages.RETENTION_WORKFLOW,
)
_IDENTIFYING: Final = frozenset(
    {
        "reference",
        "after",
        "applicant",
        "correlation",
        "coordinates",
        "locator",
        "author",
        "actor",
        "VigilApplicant",
        "VigilVerification",
    }
)
"""The fields of payloads, and the search attributes, whose values may be known outside this installation."""
_OUR_IDS: Final = frozenset({"verification", "recheck", "notification", "message", "discovery", "erasure"})
"""How the ids of the workflows begin that our own processes start."""
_DROPPED: Final = frozenset({"identity", "stackTrace"})
"""What names machines and places on them. A replay does not compare it."""
_WORD: Final = 32


async def export(client: Client, digest: Digest, *, is_open: bool, most: int) -> AsyncIterator[tuple[str, Json]]:
    """Yield the newest histories of all workflow types, each with an opaque name. Raises `RPCError`."""
    kinds = ", ".join(map(repr, TYPES))
    query = f"WorkflowType IN ({kinds}) AND ExecutionStatus {'=' if is_open else '!='} 'Running'"
    async for execution in client.list_workflows(query, limit=most):
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        try:
            history = await handle.fetch_history()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:  # its retention has ended meanwhile
                continue
            raise
        await _open(client, history)
        name = f"{execution.workflow_type}-{digest(execution.run_id)}"
        yield name, make_opaque(json.loads(history.to_json()), execution.id, digest)


async def _open(client: Client, history: WorkflowHistory) -> None:
    """Open what is sealed. The texts of failures are left out, with the stacks that are sealed beside them."""
    for message in [part for event in history.events for part in _messages_in(event)]:
        if isinstance(message, Failure):
            message.ClearField("encoded_attributes")
        elif isinstance(message, Payload) and is_sealed(message) and client.data_converter.payload_codec:
            [opened] = await client.data_converter.payload_codec.decode([message])
            message.CopyFrom(opened)


def _messages_in(message: Message) -> Iterator[Message]:
    """Yield a message and all that are in it, the outer ones first."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            parts = [value[key] for key in value if isinstance(value[key], Message)]
        else:
            parts = list(value) if field.is_repeated else [value]
        for part in parts:
            yield from _messages_in(part)


def make_opaque(history: Json, workflow_id: str, digest: Digest) -> Json:
    """Return a history in which digests stand for what identifies a person or a session.

    The same value has the same digest everywhere, so the history replays as before.
    """
    opaque = _Opaque(digest, _encoded_references_in({"workflowId": workflow_id, **history}))
    return {"workflowId": opaque.text(workflow_id), **opaque.of(history)}


class _Opaque:
    """Puts digests in the place of values, of fields by their name and of segments of paths by their text."""

    def __init__(self, digest: Digest, segments: Iterable[str]) -> None:
        self._digest = digest
        self._segments = frozenset(segments)

    def of(self, value: Json, name: str = "", *, dropped: Collection[str] = _DROPPED) -> Json:
        """Return a value of a history, or of a payload, as it may be shown. A payload keeps all its fields."""
        if isinstance(value, dict):
            if _is_payload(value):
                return self._payload(value, name)
            named = name if name in _IDENTIFYING else ""
            kept = {key: inner for key, inner in value.items() if key not in dropped}
            return {key: self.of(inner, named or key, dropped=dropped) for key, inner in kept.items()}
        if isinstance(value, list):
            return [self.of(inner, name, dropped=dropped) for inner in value]
        if isinstance(value, str):
            return self._unread(value) if name == "payload" else self._word(value, name)
        return value

    def text(self, value: str) -> str:
        """Return a text without the references in its path. A text that a backend chose is replaced whole."""
        if value in self._segments:
            return self._short(value)
        return "/".join(self._short(part) if part in self._segments else part for part in value.split("/"))

    def _word(self, value: str, name: str) -> str:
        return self._short(value) if name in _IDENTIFYING else self.text(value)

    def _short(self, value: str) -> str:
        return f"x{self._digest(value)}"[:_WORD]

    def _payload(self, payload: Json, name: str) -> Json:
        content = _content_of(payload)
        if content is None:
            return payload
        shown = self.of(content, name, dropped=())
        return {**payload, "data": base64.b64encode(json.dumps(shown).encode()).decode()}

    def _unread(self, value: str) -> str:
        """Return a signal that could not be read and was handed on, as base64 of a protobuf message."""
        payload = Payload.FromString(base64.b64decode(value))
        payload.data = json.dumps(self.of(json.loads(payload.data or b"null"), dropped=())).encode()
        return base64.b64encode(payload.SerializeToString()).decode()


def _is_payload(value: Mapping[str, Json]) -> bool:
    return "metadata" in value and isinstance(value["metadata"], dict) and "encoding" in value["metadata"]


def _content_of(payload: Json) -> Json | None:
    if base64.b64decode(payload["metadata"]["encoding"]) != b"json/plain":
        return None
    return json.loads(base64.b64decode(payload.get("data", "")) or b"null")


def _encoded_references_in(value: Json, name: str = "") -> set[str]:
    """Return the references as paths have them: `account/reference`, in a workflow id after the kind of workflow."""
    if isinstance(value, dict):
        inner = _content_of(value) if _is_payload(value) else None
        parts = [(inner, name)] if inner is not None else [(each, key) for key, each in value.items()]
        return {found for each, key in parts for found in _encoded_references_in(each, key)}
    if isinstance(value, list):
        return {found for each in value for found in _encoded_references_in(each, name)}
    if not isinstance(value, str):
        return set()
    if name == "workflowId" and value.partition("/")[0] not in _OUR_IDS:
        return {value}  # a backend chose it, so it may say anything
    # The id of a message holds a keyed digest in the reference's place.
    position = 1 if name == "path" else 2 if name == "workflowId" and not value.startswith("message/") else None
    return set(value.split("/")[position : position + 1]) if position else set()


def make_replayer(workflows: Sequence[type], converter: DataConverter = PLAIN) -> Replayer:
    """Return what replays inside the SDK's whole sandbox, which production does without."""
    return Replayer(workflows=workflows, data_converter=converter)


async def replay(histories: Mapping[str, str], workflows: Sequence[type]) -> Mapping[str, str]:
    """Replay histories, JSON by name, and return what failed: the error's type and the first line of its text."""
    replayer = make_replayer(workflows)
    failures = {}
    for name, text in histories.items():
        history = WorkflowHistory.from_json(json.loads(text).get("workflowId", "verification/acme/recorded"), text)
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        if result.replay_failure is not None:
            failures[name] = f"{type(result.replay_failure).__name__}: {result.replay_failure}".partition("\n")[0]
    return failures
