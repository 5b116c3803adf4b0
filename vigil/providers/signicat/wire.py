"""Reads the bodies of Signicat's callbacks, of both generations."""

import re
from typing import Any, Final

from vigil.domain.callback_event import Observation, StatusSeen, Unreadable
from vigil.domain.terms import as_word
from vigil.providers.contract import Callback, event_identity
from vigil.providers.parsing import NotReadable, as_object, as_text, parse_json, unknown_names
from vigil.providers.signicat import vocabulary
from vigil.providers.signicat.senders import EVENTS
from vigil.providers.signicat.settings import Generation
from vigil.providers.vocabulary import looks_of

PROCESS_COMPLETE: Final = "process.complete"

_LEGACY_FIELDS: Final = {"": frozenset({"dossierId", "processId", "status"})}
_EVENT_FIELDS: Final = {
    "": frozenset(
        {"id", "timestamp", "sender", "eventName", "eventData", "accountId", "organizationId", "expiresAt", "tags"}
    ),
    # Only `externalReference` is documented. We look for the other names, too (unknown).
    "eventData": frozenset({"dossierId", "processId", "status", "externalReference"}),
}
ID_PATTERN: Final = "[A-Za-z0-9-]{1,64}"

_ID: Final = re.compile(ID_PATTERN)
_UUID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MAX_EVENT_ID: Final = 200


def generation_of(body: bytes, taken: tuple[Generation, ...]) -> Generation:
    """Return a callback's generation: an envelope is an event, any other body is legacy if the account accepts that."""
    try:
        is_envelope = "eventName" in as_object(parse_json(body))
    except NotReadable:
        is_envelope = False
    return "events" if is_envelope or "legacy" not in taken else "legacy"


def read_legacy(body: bytes) -> Callback:
    """Return what a callback to a `notificationUrl` reports; `Unreadable` for a body that we do not understand."""
    try:
        content = as_object(parse_json(body))
    except NotReadable as error:
        return Callback(reference=None, observation=Unreadable(why=error.why))
    reference, status = reference_in(content), content.get("status")
    unknown = unknown_names(content, _LEGACY_FIELDS)
    if reference is None or not isinstance(status, str):
        return Callback(reference=reference, observation=Unreadable(why="wrong_shape"), unknown_fields=unknown)
    identity = event_identity(*reference.split(":"), status)
    return Callback(reference=reference, observation=_status_seen(status), identity=identity, unknown_fields=unknown)


def read_event(body: bytes) -> Callback:
    """Return what an event reports; `Unreadable` for a body that we do not understand."""
    try:
        envelope = as_object(parse_json(body))
    except NotReadable as error:
        return Callback(reference=None, observation=Unreadable(why=error.why), sender=EVENTS)
    reference = reference_in(as_object(envelope.get("eventData")))
    identity = envelope.get("id")
    return Callback(
        reference=reference,
        observation=_read_envelope(envelope, reference),
        identity=identity if isinstance(identity, str) and 0 < len(identity) <= _MAX_EVENT_ID else None,
        sender=EVENTS,
        unknown_fields=unknown_names(envelope, _EVENT_FIELDS),
    )


def reference_in(content: dict[str, Any]) -> str | None:
    """Return the reference that `dossierId` and `processId` make."""
    return reference_of(content.get("dossierId"), content.get("processId"))


def reference_of(dossier: object, process: object) -> str | None:
    """Return the reference of two ids; None unless both have the form of an id."""
    ids = read_id(dossier), read_id(process)
    return None if None in ids else "{}:{}".format(*ids)


def read_id(raw: object) -> str | None:
    """Return an id in one spelling; None if it has not the form of an id.

    Observed ids are UUIDs in small letters. Databases and languages give them back in capitals.
    """
    text = as_text(raw)
    if text is None or not _ID.fullmatch(text):
        return None
    return text.lower() if _UUID.fullmatch(text) else text


def normalise_reference(raw: object) -> str | None:
    """Return a reference in one spelling; None if it does not consist of two ids."""
    dossier, _, process = (as_text(raw) or "").partition(":")
    return reference_of(dossier, process)


def split_reference(reference: str) -> tuple[str, str] | None:
    """Return the ids of dossier and process; None for any other text."""
    dossier, _, process = (normalise_reference(reference) or "").partition(":")
    return (dossier, process) if process else None


def _read_envelope(envelope: dict[str, Any], reference: str | None) -> Observation:
    name = envelope.get("eventName")
    if isinstance(name, str) and name != PROCESS_COMPLETE:
        return Unreadable(why="unknown_type")
    if name is None or reference is None:
        return Unreadable(why="wrong_shape")
    status = as_object(envelope.get("eventData")).get("status")
    # The name of the event alone says that the process has ended.
    return _status_seen(status) if isinstance(status, str) else StatusSeen(looks="final")


def _status_seen(status: str) -> StatusSeen:
    return StatusSeen(
        word=as_word(status), looks=looks_of(vocabulary.meaning_of(status)), ended=vocabulary.announced_end(status)
    )
