"""Reads the bodies of ID360's callbacks.

Only `id` and `status` are required. `reason`, `errors` and `type` are free text or internal names: no event has them.
"""

import re
from typing import Any, Final

from vigil.domain.callback_event import StatusSeen, StepFinished, Unreadable
from vigil.domain.terms import as_word
from vigil.providers.contract import Callback, event_identity
from vigil.providers.id360 import vocabulary
from vigil.providers.parsing import NotReadable, as_count, as_list, as_object, as_text, parse_json, unknown_names

_KNOWN_FIELDS: Final = {
    "": frozenset({"id", "status", "reason", "steps_status", "enrollment_step"}),
    "steps_status": frozenset({"done", "total"}),
    "enrollment_step": frozenset({"status", "result", "errors", "type", "reason", "name", "documents"}),
}
"""Names by the object that holds them; "" is the body itself."""
_MAX_NAMES: Final = 20


def read_callback(body: bytes) -> Callback:
    """Return the event that a callback reports; `Unreadable` for a body that we do not understand."""
    try:
        content = parse_json(body)
    except NotReadable as error:
        return Callback(reference=None, observation=Unreadable(why=error.why))
    reference = enrollment_id(as_object(content).get("id"))
    status = as_object(content).get("status")
    if reference is None or not isinstance(status, str):
        return Callback(
            reference=reference,
            observation=Unreadable(why="wrong_shape"),
            unknown_fields=unknown_names(content, _KNOWN_FIELDS),
        )
    if status.upper() == vocabulary.STARTED:
        return _read_progress(reference, content)
    return _read_status(reference, status, content)


def read_reason(content: bytes) -> str | None:
    """Return the `reason` of a callback or a report: free text, which may be personal. None: it has none."""
    try:
        reason = as_object(parse_json(content)).get("reason")
    except NotReadable:
        return None
    # Our JSON answer cannot hold lone surrogates.
    text = reason.encode(errors="replace").decode().strip() if isinstance(reason, str) else ""
    return text or None


def enrollment_id(raw: object) -> str | None:
    """Return the id of a user file as a reference. Observed as an integer; a string of digits means the same id."""
    text = as_text(raw)
    return str(int(text)) if text is not None and re.fullmatch(r"[0-9]{1,19}", text) else None


def _read_progress(reference: str, content: dict[str, Any]) -> Callback:
    step = as_object(content.get("enrollment_step"))
    done, total = _counts(content)
    name, ordinal = vocabulary.split_ordinal(as_word(step.get("name")) or "")
    # Further documents are dropped; no step was observed with more than two.
    documents = _words(step.get("documents"))
    observation = StepFinished(
        done=done,
        total=total,
        name=name or None,
        check=vocabulary.check_kind(name),
        ordinal=_shared_ordinal(documents) if ordinal is None else ordinal,
        # The guide calls the field "result"; observed callbacks call it `status`.
        status=vocabulary.step_status(step.get("status", step.get("result"))),
        is_unnamed=not name and bool(content.get("enrollment_step")),
    )
    return Callback(
        reference=reference,
        observation=observation,
        intermediate=True,
        identity=event_identity(reference, vocabulary.STARTED, done, name, *documents),
        unknown_fields=unknown_names(content, _KNOWN_FIELDS),
    )


def _read_status(reference: str, status: str, content: dict[str, Any]) -> Callback:
    word = vocabulary.status_word(status)
    done, total = _counts(content)
    observation = StatusSeen(
        word=word,
        looks=vocabulary.looks(status),
        ended=vocabulary.announced_end(status),
        done=done if vocabulary.counts_what_ran(status) else None,
        total=total,
    )
    return Callback(
        reference=reference,
        observation=observation,
        intermediate=vocabulary.is_external_phase(status),
        identity=event_identity(reference, word.upper()) if word else None,
        unknown_fields=unknown_names(content, _KNOWN_FIELDS),
    )


def _counts(content: dict[str, Any]) -> tuple[int | None, int | None]:
    counts = as_object(content.get("steps_status"))
    done, total = as_count(counts.get("done")), as_count(counts.get("total"))
    if done is not None and total is not None and done > total:
        # The record keeps the largest counts, so one impossible count would stay for ever.
        return None, None
    return done, total


def _shared_ordinal(documents: tuple[str, ...]) -> int | None:
    """Return the number that distinguishes two steps of the same name.

    Two liveness videos are two steps of one name; their documents are `liveness_video$0` and `liveness_video$1`. A step
    with several documents has a number only if all of them share it (inferred).
    """
    ordinals = {vocabulary.split_ordinal(document)[1] for document in documents}
    return ordinals.pop() if len(ordinals) == 1 else None


def _words(raw: object) -> tuple[str, ...]:
    words = (as_word(item) for item in as_list(raw) if isinstance(item, str))
    return tuple(word for word in words if word)[:_MAX_NAMES]
