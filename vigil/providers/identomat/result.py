"""Identomat's result, in our words."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from vigil.domain.snapshot import MOST_FILES, Artifact, Check, Drift, Reason, Snapshot
from vigil.domain.terms import CheckKind, CheckStatus, Decision, Stage, as_word
from vigil.providers.identomat import vocabulary
from vigil.providers.identomat.rooms import calls_in
from vigil.providers.parsing import as_count, as_object


def unrecognised(field: str, value: object = None) -> Snapshot:
    """Return what a result says that we do not understand: nothing but where we stopped."""
    return Snapshot(stage=Stage.UNRECOGNISED, unrecognised=(Drift(field=field, value=as_word(value)),))


def snapshot_of(result: object) -> Snapshot:
    """Say what a result says. Never raises: odd content is `unrecognised`."""
    if isinstance(result, str):
        return unrecognised("answer", result)
    if not isinstance(result, dict):
        return unrecognised("answer", type(result).__name__)
    word = result.get("result")
    if not isinstance(word, str):
        return unrecognised("result", type(word).__name__)
    standing = vocabulary.standing_of(word)
    if standing is None:
        return unrecognised("result", word).model_copy(update={"word": as_word(word)})
    return _told(result, word, standing)


def _told(result: dict[str, Any], word: str, standing: vocabulary.Standing) -> Snapshot:
    calls = calls_in(result)
    pictures = _pictures(result) if standing.stage is Stage.CONCLUDED else ()
    return Snapshot(
        stage=standing.stage,
        decision=standing.decision,
        ended=standing.ended,
        word=as_word(word),
        reasons=tuple(_reasons(result, standing)),
        checks=tuple(_checks(result)),
        rooms=calls.rooms,
        artifacts=tuple(islice((*pictures, *calls.recordings), MOST_FILES)),
        has_unaddressed_recording=calls.has_unaddressed,
    )


def _reasons(result: dict[str, Any], standing: vocabulary.Standing) -> Iterator[Reason]:
    if standing.reason is not None:
        yield Reason(code=standing.reason)
    value = as_object(result.get("reject_reason")).get("value")
    if standing.decision is Decision.DECLINED and isinstance(value, str) and value:
        yield Reason(code=vocabulary.rejection(value), word=as_word(value))


def _checks(result: dict[str, Any]) -> Iterator[Check]:
    # `similarity` is a biometric score, without a word on where Identomat draws the line: it stays in the result.
    live = result.get("live")
    if isinstance(live, bool):
        yield Check(kind=CheckKind.LIVENESS, name="live", status=_liveness(result, is_live=live))
    status = as_object(result.get("person")).get("status")
    if isinstance(status, str) and status.lower() == vocabulary.FIELDS_MISMATCH:
        yield Check(kind=CheckKind.DOCUMENT, name="data_mismatch", status=CheckStatus.UNCLEAR)


def _liveness(result: dict[str, Any], *, is_live: bool) -> CheckStatus:
    if is_live:
        return CheckStatus.PASSED
    # inferred: without a picture of a face nothing was looked at
    return CheckStatus.NOT_DONE if as_count(result.get("face_images")) == 0 else CheckStatus.FAILED


def _pictures(result: dict[str, Any]) -> Iterator[Artifact]:
    for name in (*_documents(result), *_faces(result)):
        yield Artifact(name=name, kind=vocabulary.PICTURES[name].kind, locator=name)


def _documents(result: dict[str, Any]) -> Iterator[str]:
    """Say which pictures of documents there are (inferred: no field lists them).

    A side that was not captured has no object of its own; where no side has one, the kind of document tells.
    """
    document = result.get("document_type")
    has_document = isinstance(document, str) and bool(document)
    if has_document and str(document).lower() == vocabulary.PASSPORT:
        yield "passport"
        return
    front, back = (isinstance(result.get(name), dict) for name in ("id_card_front", "id_card_back"))
    is_untold = has_document and not front and not back
    if front or is_untold:
        yield "card-front"
    if back or is_untold:
        yield "card-back"


def _faces(result: dict[str, Any]) -> Iterator[str]:
    """Say which pictures of the face there are (inferred): a number of them is told, and whether liveness ran."""
    pictures = as_count(result.get("face_images"))
    was_looked_at = isinstance(result.get("live"), bool)
    if pictures or (pictures is None and was_looked_at):
        yield "face"
        if was_looked_at:
            yield "face-video"
