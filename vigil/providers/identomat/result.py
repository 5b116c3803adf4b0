"""Translates Identomat's result into a snapshot."""

from collections.abc import Iterator
from typing import Any, Final

from vigil.domain.snapshot import MOST_FILES, Artifact, Check, Reason, Snapshot
from vigil.domain.terms import CheckKind, CheckStatus, Decision, EvidenceKind, Stage, as_word
from vigil.providers.answers import too_many_files, unrecognised
from vigil.providers.identomat import vocabulary
from vigil.providers.identomat.rooms import read_calls
from vigil.providers.parsing import as_count, as_list, as_object
from vigil.providers.vocabulary import StatusMeaning

_GENERAL_DOCUMENTS: Final = ("generalDocuments", "general_document")
"""The second name is of 2022 (O)."""


def snapshot_of(result: object) -> Snapshot:
    """Return the snapshot of a result. Never raises: unknown content is `unrecognised`."""
    if isinstance(result, str):
        return unrecognised("answer", result)
    if not isinstance(result, dict):
        return unrecognised("answer", type(result).__name__)
    word = result.get("result")
    if not isinstance(word, str):
        return unrecognised("result", type(word).__name__)
    meaning = vocabulary.meaning_of(word)
    if meaning is None:
        return unrecognised("result", word, word=word)
    calls = read_calls(result)
    pictures = (*_pictures(result), *_general_documents(result)) if meaning.stage is Stage.CONCLUDED else ()
    files = (*pictures, *calls.recordings)
    return Snapshot(
        stage=meaning.stage,
        decision=meaning.decision,
        ended=meaning.ended,
        word=as_word(word),
        reasons=tuple(_reasons(result, meaning)),
        checks=tuple(_checks(result)),
        rooms=calls.rooms,
        artifacts=files[:MOST_FILES],
        unrecognised=too_many_files("files", len(files)),
        has_unaddressed_recording=calls.has_unaddressed,
    )


def _reasons(result: dict[str, Any], meaning: StatusMeaning) -> Iterator[Reason]:
    if meaning.reason is not None:
        yield Reason(code=meaning.reason)
    value = as_object(result.get("reject_reason")).get("value")
    if meaning.decision is Decision.DECLINED and isinstance(value, str) and value:
        yield Reason(code=vocabulary.rejection(value), word=as_word(value))


def _checks(result: dict[str, Any]) -> Iterator[Check]:
    # `similarity` is a biometric score without a documented threshold. It stays in the result.
    live = result.get("live")
    if isinstance(live, bool):
        yield Check(kind=CheckKind.LIVENESS, name="live", status=_liveness(result, is_live=live))
    status = as_object(result.get("person")).get("status")
    if isinstance(status, str) and status.lower() == vocabulary.FIELDS_MISMATCH:
        yield Check(kind=CheckKind.DOCUMENT, name="data_mismatch", status=CheckStatus.UNCLEAR)


def _liveness(result: dict[str, Any], *, is_live: bool) -> CheckStatus:
    if is_live:
        return CheckStatus.PASSED
    # inferred: without a picture of a face nothing was checked
    return CheckStatus.NOT_DONE if as_count(result.get("face_images")) == 0 else CheckStatus.FAILED


def _pictures(result: dict[str, Any]) -> Iterator[Artifact]:
    for name in (*_documents(result), *_faces(result)):
        yield Artifact(name=name, kind=vocabulary.PICTURES[name].kind, locator=name, per_round=True)


def _general_documents(result: dict[str, Any]) -> Iterator[Artifact]:
    """Yield the pages of other documents, such as a utility bill. No source says how a page is requested."""
    documents = next((result[name] for name in _GENERAL_DOCUMENTS if result.get(name)), None)
    for number, document in enumerate(as_list(documents) or ([documents] if documents else [])):
        # A document whose pages are not listed has at least one.
        for page in range(max(len(as_list(as_object(document).get("pages"))), 1)):
            name = f"general-document-{number}-{page}"
            kind = EvidenceKind.SUPPORTING_DOCUMENT
            yield Artifact(name=name, kind=kind, locator=name, has_address=False, per_round=True)


def _documents(result: dict[str, Any]) -> Iterator[str]:
    """Yield the pictures of documents that exist (inferred: no field lists them).

    A side that was not captured has no object. If neither side has one, the type of the document decides.
    """
    document = result.get("document_type")
    has_document = isinstance(document, str) and bool(document)
    if has_document and str(document).lower() == vocabulary.PASSPORT:
        yield "passport"
        return
    front, back = (isinstance(result.get(name), dict) for name in ("id_card_front", "id_card_back"))
    is_unspecified = has_document and not front and not back
    if front or is_unspecified:
        yield "card-front"
    if back or is_unspecified:
        yield "card-back"


def _faces(result: dict[str, Any]) -> Iterator[str]:
    """Yield the pictures of the face that exist (inferred from their number, and from whether liveness ran)."""
    pictures = as_count(result.get("face_images"))
    liveness_ran = isinstance(result.get("live"), bool)
    if pictures or (pictures is None and liveness_ran):
        yield "face"
        if liveness_ran:
            yield "face-video"
