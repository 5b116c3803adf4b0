"""The files of a finished process, their addresses, and the meaning of answers without a file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from vigil.domain.snapshot import MOST_DRIFTS, Artifact, Drift
from vigil.domain.terms import EvidenceKind, LossReason, as_word
from vigil.providers.parsing import as_list
from vigil.providers.signicat import vocabulary
from vigil.providers.signicat.senders import ELECTRONIC_IDENTIFICATION, ONFIDO, READID
from vigil.providers.vocabulary import StatusMeaning

BUNDLE: Final = "bundle"
RAW: Final = "raw"
VIDEO: Final = "video"

_JSON: Final = "application/json"
_IMAGE: Final = "image-"


@dataclass(frozen=True)
class FileEndpoint:
    """The path of a kind of file below its process, and the meaning of a status other than 200.

    `media_types` are the accepted types. `not_ready` lists the codes of a file that comes later, with the loss that it
    becomes if it does not come in time; None: it will surely come.
    """

    path: str
    media_types: frozenset[str]
    losses: Mapping[int, LossReason]
    not_ready: Mapping[int, LossReason | None]


def _endpoint(
    path: str,
    *media_types: str,
    losses: dict[int, LossReason],
    not_ready: Mapping[int, LossReason | None],
) -> FileEndpoint:
    # 400 is documented for pictures and videos that a process cannot have, 403 for pictures that redaction withholds.
    # For other files both are inferred; 410 is inferred for all.
    usual = {400: LossReason.NEVER_CAPTURED, 403: LossReason.REFUSED, 410: LossReason.GONE}
    return FileEndpoint(path, frozenset(media_types), usual | losses, not_ready)


_IMAGES: Final = {
    f"{_IMAGE}{depiction}": _endpoint(
        f"/images?depiction={depiction}",
        *("image/jpeg", "image/png"),
        losses={404: LossReason.NEVER_CAPTURED},
        not_ready={409: None},
    )
    for depiction in vocabulary.DEPICTIONS
}

FILE_ENDPOINTS: Final[Mapping[str, FileEndpoint]] = MappingProxyType(
    {
        **_IMAGES,
        VIDEO: _endpoint(
            "/video",
            *("video/mp4", "video/quicktime"),
            losses={},
            # inferred: a video may come after the decision, and nothing distinguishes it from one that was never made
            not_ready={404: LossReason.NEVER_CAPTURED},
        ),
        BUNDLE: _endpoint("/download", "application/zip", losses={404: LossReason.GONE}, not_ready={204: None}),
        RAW: _endpoint("/raw", _JSON, losses={404: LossReason.GONE}, not_ready={204: None}),
    }
)
"""By locator, which is also the file's name."""


def artifacts_of(process: dict[str, Any], meaning: StatusMeaning) -> tuple[Artifact, ...]:
    """Return the files of a final process, each once."""
    files = dict(_files(process, has_decision=meaning.decision is not None))
    return tuple(Artifact(name=name, kind=kind, locator=name) for name, kind in files.items())


def drifts_of(process: dict[str, Any]) -> tuple[Drift, ...]:
    """Return the depictions that no table lists, so that an operator learns of pictures that we do not download."""
    words = (as_word(raw) for raw in as_list(process.get("depictions")) if not _is_known(raw))
    return tuple(Drift(field="depictions", value=word) for word in dict.fromkeys(words))[:MOST_DRIFTS]


def _files(process: dict[str, Any], *, has_decision: bool) -> Iterator[tuple[str, EvidenceKind]]:
    for depiction in filter(_is_known, as_list(process.get("depictions"))):
        yield f"{_IMAGE}{depiction}", vocabulary.DEPICTIONS[depiction]
    if not has_decision:
        return
    sender = vocabulary.sender_of(process.get("provider"))
    if _is_filmed(process, sender):
        yield VIDEO, EvidenceKind.LIVENESS_VIDEO
    yield BUNDLE, EvidenceKind.BUNDLE
    # inferred: the archive is documented to need a decision, so the sub-provider's own result needs one, too
    if sender == READID:
        yield RAW, EvidenceKind.RAW_RESULT


def _is_known(depiction: object) -> bool:
    return isinstance(depiction, str) and depiction in vocabulary.DEPICTIONS


def _is_filmed(process: dict[str, Any], sender: str | None) -> bool:
    return sender == ELECTRONIC_IDENTIFICATION or (sender == ONFIDO and process.get("processType") == "documentVideo")
