"""The files of a job: pictures and receipts that are linked to, and pictures that stand inside the answer itself."""

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

CUT_OUT: Final = "vigil:stored-apart"
"""Stands in the stored result where a picture was: that lies beside it as a file of its own."""

_ABSENT: Final = frozenset({"", "not available"})
_LINKS: Final = ("image_links", "ImageLinks")
_MOST_DRIFTS: Final = 10


@dataclass(frozen=True)
class Held:
    """Where a file is found in an answer: a link to it, or its bytes in base64."""

    kind: EvidenceKind
    fields: tuple[str, ...]
    as_: Literal["picture_link", "link", "base64"]


FILES: Final[Mapping[str, Held]] = MappingProxyType(
    {
        "selfie": Held(EvidenceKind.SELFIE, ("selfie_image",), "picture_link"),
        "id-card-front": Held(EvidenceKind.DOCUMENT_FRONT, ("id_card_image",), "picture_link"),
        # The longer name is that of the third generation (inferred).
        "id-card-back": Held(EvidenceKind.DOCUMENT_BACK, ("id_card_back", "id_card_back_image"), "picture_link"),
        "kyc-receipt": Held(EvidenceKind.RECEIPT, ("KYCReceipt", "kyc_receipt"), "link"),
        "kyb-receipt": Held(EvidenceKind.RECEIPT, ("kyb_receipt",), "link"),
        "search-certificate": Held(EvidenceKind.SUPPORTING_DOCUMENT, ("search_certificate",), "link"),
        "photo": Held(EvidenceKind.PORTRAIT, ("Photo",), "base64"),
        # inferred: that it shows the front
        "document": Held(EvidenceKind.DOCUMENT_FRONT, ("Document",), "base64"),
    }
)
"""By name, which is also the locator. Links are credentials and expire: they are taken from a fresh answer only."""

_PICTURES: Final = {field for held in FILES.values() if held.as_ == "picture_link" for field in held.fields}
_CUT: Final = {field for held in FILES.values() if held.as_ == "base64" for field in held.fields}


def artifacts_of(frame: Mapping[str, Any]) -> tuple[Artifact, ...]:
    """List the files that an answer to `job_status` has, each once."""
    return tuple(
        Artifact(name=name, kind=held.kind, locator=name)
        for name, held in FILES.items()
        if text_of(frame, held) is not None
    )


def drifts_of(frame: Mapping[str, Any]) -> tuple[Drift, ...]:
    """Name the links to pictures that no table knows, and an error in their place: somebody must hear of them."""
    names = dict.fromkeys(name for links in _picture_links(frame) for name in links if name not in _PICTURES)
    return tuple(Drift(field=_LINKS[0], value=as_word(name)) for name in names)[:_MOST_DRIFTS]


def text_of(frame: Mapping[str, Any], held: Held) -> str | None:
    """Return the link to a file or its base64 text; None where the answer has neither."""
    holders = _picture_links(frame) if held.as_ == "picture_link" else _holders(frame)
    texts = (_present(holder.get(field)) for holder in holders for field in held.fields)
    return next((text for text in texts if text is not None), None)


def decoded(text: str) -> bytes:
    """Return the bytes of a picture. Raises `ArtifactSpoiled` for what is not base64."""
    bare = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode("".join(bare.split()), validate=True)
    except binascii.Error:
        raise ArtifactSpoiled("not_base64", loss=LossReason.WRONG_TYPE) from None


def without_pictures(frame: Mapping[str, Any]) -> bytes:
    """Write an answer anew without the pictures that stand in it; a marker stays in the place of each."""
    result = frame.get("result")
    history = frame.get("history")
    cut = {
        **frame,
        **({"result": _cut(result)} if isinstance(result, dict) else {}),
        **({"history": [_cut(each) for each in history]} if isinstance(history, list) else {}),
    }
    return json.dumps(cut).encode()


def results_in(frame: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give the results of an answer, the newest first: the one it is about, and those of its history."""
    for each in (frame.get("result"), *as_list(frame.get("history"))):
        if isinstance(each, dict):
            yield each


def _cut(result: Any) -> Any:
    if not isinstance(result, dict):
        return result
    return {name: CUT_OUT if name in _CUT and _present(value) else value for name, value in result.items()}


def _holders(frame: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield frame
    for result in results_in(frame):
        yield result
        yield as_object(result.get("documents"))


def _picture_links(frame: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for holder in _holders(frame):
        for field in _LINKS:
            yield as_object(holder.get(field))


def _present(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip().lower() not in _ABSENT else None
