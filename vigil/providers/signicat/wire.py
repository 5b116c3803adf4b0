"""Signicat's callback bodies, both generations: what they hold, and nothing else of what comes with it."""

import json
import re
from typing import Any, Final

from vigil.domain.callback_event import Observation, StatusSeen, Unreadable
from vigil.domain.terms import as_word
from vigil.providers.contract import Callback
from vigil.providers.parsing import NotReadable, as_object, parse_json, unknown_names
from vigil.providers.signicat import vocabulary
from vigil.providers.signicat.senders import EVENTS
from vigil.providers.signicat.settings import Generation

PROCESS_COMPLETE: Final = "process.complete"

_LEGACY_FIELDS: Final = {"": frozenset({"dossierId", "processId", "status"})}
_EVENT_FIELDS: Final = {
    "": frozenset(
        {"id", "timestamp", "sender", "eventName", "eventData", "accountId", "organizationId", "expiresAt", "tags"}
    ),
    # Only `externalReference` is documented; the rest is what we look for (unknown).
    "eventData": frozenset({"dossierId", "processId", "status", "externalReference"}),
}
ID_PATTERN: Final = "[A-Za-z0-9-]{1,64}"

_ID: Final = re.compile(ID_PATTERN)
_LONGEST_EVENT_ID: Final = 200


def generation_of(body: bytes, taken: tuple[Generation, ...]) -> Generation:
    """Say whose callback a body is: an envelope is an event; what is neither is taken for the elder of those taken."""
    try:
        is_envelope = "eventName" in as_object(parse_json(body))
    except NotReadable:
        is_envelope = False
    return "events" if is_envelope or "legacy" not in taken else "legacy"


def read_legacy(body: bytes) -> Callback:
    """Say what a callback to a `notificationUrl` says; what is not understood is `Unreadable`."""
    try:
        content = parse_json(body)
    except NotReadable as error:
        return Callback(reference=None, observation=Unreadable(why=error.why))
    told = as_object(content)
    reference, status = reference_in(told), told.get("status")
    unknown = unknown_names(content, _LEGACY_FIELDS)
    if reference is None or not isinstance(status, str):
        return Callback(reference=reference, observation=Unreadable(why="wrong_shape"), unknown_fields=unknown)
    identity = json.dumps([told["dossierId"], told["processId"], status], separators=(",", ":"))
    return Callback(reference=reference, observation=_seen(status), identity=identity, unknown_fields=unknown)


def read_event(body: bytes) -> Callback:
    """Say what an event says; what is not understood is `Unreadable`."""
    try:
        content = parse_json(body)
    except NotReadable as error:
        return Callback(reference=None, observation=Unreadable(why=error.why), sender=EVENTS)
    envelope = as_object(content)
    reference = reference_in(as_object(envelope.get("eventData")))
    identity = envelope.get("id")
    return Callback(
        reference=reference,
        observation=_told_by(envelope, reference),
        identity=identity if isinstance(identity, str) and 0 < len(identity) <= _LONGEST_EVENT_ID else None,
        sender=EVENTS,
        unknown_fields=unknown_names(content, _EVENT_FIELDS),
    )


def reference_in(told: dict[str, Any]) -> str | None:
    """Return the reference that `dossierId` and `processId` make, as they are spelled."""
    return reference_of(told.get("dossierId"), told.get("processId"))


def reference_of(dossier: object, process: object) -> str | None:
    """Join two ids; None unless both have the form of one."""
    return f"{dossier}:{process}" if is_id(dossier) and is_id(process) else None


def is_id(raw: object) -> bool:
    """Whether a value has the form of an id. Those seen are UUIDs."""
    return isinstance(raw, str) and _ID.fullmatch(raw) is not None


def ids_of(reference: str) -> tuple[str, str] | None:
    """Split a reference into dossier and process; None where it is none of ours."""
    dossier, _, process = reference.partition(":")
    return (dossier, process) if reference_of(dossier, process) else None


def _told_by(envelope: dict[str, Any], reference: str | None) -> Observation:
    name = envelope.get("eventName")
    if isinstance(name, str) and name != PROCESS_COMPLETE:
        return Unreadable(why="unknown_type")
    if name is None or reference is None:
        return Unreadable(why="wrong_shape")
    status = as_object(envelope.get("eventData")).get("status")
    # The name alone says that the process is over.
    return _seen(status) if isinstance(status, str) else StatusSeen(looks="final")


def _seen(status: str) -> StatusSeen:
    return StatusSeen(word=as_word(status), looks=vocabulary.looks(status), ended=vocabulary.announced_end(status))
