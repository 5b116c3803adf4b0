"""The files of a job: linked pictures and receipts, and pictures inside the answer itself."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from vigil.domain.errors import ArtifactSpoiled
from vigil.domain.snapshot import Artifact, Drift
from vigil.domain.terms import EvidenceKind, LossReason, as_word
from vigil.providers.parsing import as_list, as_object

PLACEHOLDER: Final = "vigil:stored-apart"
"""Replaces a picture in the stored result. The picture is stored as a file of its own."""

_ABSENT: Final = frozenset({"", "not available"})
_LINKS: Final = ("image_links", "ImageLinks")
_DOCUMENTS: Final = "documents"
_MAX_DRIFTS: Final = 10


@dataclass(frozen=True)
class FileField:
    """The fields of an answer that hold a file: a link to it, or its bytes in base64."""

    kind: EvidenceKind
    fields: tuple[str, ...]
    form: Literal["picture_link", "link", "base64"]


FILES: Final[Mapping[str, FileField]] = MappingProxyType(
    {
        "selfie": FileField(EvidenceKind.SELFIE, ("selfie_image",), "picture_link"),
        "id-card-front": FileField(EvidenceKind.DOCUMENT_FRONT, ("id_card_image",), "picture_link"),
        # The longer name is the third generation's (inferred).
        "id-card-back": FileField(EvidenceKind.DOCUMENT_BACK, ("id_card_back", "id_card_back_image"), "picture_link"),
        "kyc-receipt": FileField(EvidenceKind.RECEIPT, ("KYCReceipt", "kyc_receipt"), "link"),
        "kyb-receipt": FileField(EvidenceKind.RECEIPT, ("kyb_receipt",), "link"),
        "search-certificate": FileField(EvidenceKind.SUPPORTING_DOCUMENT, ("search_certificate",), "link"),
        "photo": FileField(EvidenceKind.PORTRAIT, ("Photo",), "base64"),
        # inferred: that it shows the front
        "document": FileField(EvidenceKind.DOCUMENT_FRONT, ("Document",), "base64"),
    }
)
"""By name, which is also the locator. Links are credentials and expire, so they come from a new answer only."""

_LINKED_PICTURES: Final = {name for file in FILES.values() if file.form == "picture_link" for name in file.fields}
_LINKED_DOCUMENTS: Final = {name for file in FILES.values() if file.form == "link" for name in file.fields}
_INLINE_PICTURES: Final = {name for file in FILES.values() if file.form == "base64" for name in file.fields}


def artifacts_of(frame: Mapping[str, Any]) -> tuple[Artifact, ...]:
    """Return the files in an answer of `job_status`, each once."""
    return tuple(
        Artifact(name=name, kind=file.kind, locator=name)
        for name, file in FILES.items()
        if find_file(frame, file) is not None
    )


def drifts_of(frame: Mapping[str, Any]) -> tuple[Drift, ...]:
    """Return the links that no table lists, or an error in their place, so that an operator learns of them."""
    pictures = (
        Drift(field=_LINKS[0], value=as_word(name))
        for links in _picture_links(frame)
        for name in links
        if name not in _LINKED_PICTURES
    )
    documents = (
        Drift(field=_DOCUMENTS, value=as_word(name))
        for result in results_in(frame)
        for name, link in as_object(result.get(_DOCUMENTS)).items()
        if link and name not in _LINKED_DOCUMENTS
    )
    return tuple(dict.fromkeys((*pictures, *documents)))[:_MAX_DRIFTS]


def find_file(frame: Mapping[str, Any], file: FileField) -> str | None:
    """Return the link to a file, or its base64 text; None if the answer has neither."""
    holders = _picture_links(frame) if file.form == "picture_link" else _holders(frame)
    texts = (_present(holder.get(field)) for holder in holders for field in file.fields)
    return next((text for text in texts if text is not None), None)


def decode_base64(text: str) -> bytes:
    """Return the bytes of a picture. Raises `ArtifactSpoiled` if the text is not base64."""
    bare = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode("".join(bare.split()), validate=True)
    except binascii.Error:
        raise ArtifactSpoiled("not_base64", loss=LossReason.WRONG_TYPE) from None


def remove_pictures(frame: Mapping[str, Any]) -> bytes:
    """Return an answer with a placeholder instead of each picture inside it."""
    result = frame.get("result")
    history = frame.get("history")
    cut = {
        **frame,
        **({"result": _replace_pictures(result)} if isinstance(result, dict) else {}),
        **({"history": [_replace_pictures(each) for each in history]} if isinstance(history, list) else {}),
    }
    return json.dumps(cut).encode()


def results_in(frame: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the results of an answer, newest first: its own, then those of its history."""
    for each in (frame.get("result"), *as_list(frame.get("history"))):
        if isinstance(each, dict):
            yield each


def _replace_pictures(result: Any) -> Any:
    if not isinstance(result, dict):
        return result
    return {
        name: PLACEHOLDER if name in _INLINE_PICTURES and _present(value) else value for name, value in result.items()
    }


def _holders(frame: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield frame
    for result in results_in(frame):
        yield result
        yield as_object(result.get(_DOCUMENTS))


def _picture_links(frame: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for holder in _holders(frame):
        for field in _LINKS:
            yield as_object(holder.get(field))


def _present(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip().lower() not in _ABSENT else None
