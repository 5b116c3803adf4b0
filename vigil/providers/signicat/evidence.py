"""The files that a finished process has, where each is asked for, and what other answers than a file mean."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from vigil.domain.snapshot import MOST_DRIFTS, Artifact, Drift
from vigil.domain.terms import EvidenceKind, LossReason, as_word
from vigil.providers.parsing import as_list
from vigil.providers.signicat import vocabulary
from vigil.providers.signicat.senders import ELECTRONIC_IDENTIFICATION, ONFIDO, READID
from vigil.providers.signicat.vocabulary import Standing

BUNDLE: Final = "bundle"
RAW: Final = "raw"
VIDEO: Final = "video"

_JSON: Final = "application/json"
_IMAGE: Final = "image-"


@dataclass(frozen=True)
class Shelf:
    """Where a kind of file is asked for below its process, and what comes of a status other than 200.

    `media_types` are those that the first bytes may tell. `lagging` holds what a code becomes if the file has not come
    when it has lagged long enough; None: it will come.
    """

    path: str
    media_types: frozenset[str]
    losses: Mapping[int, LossReason]
    lagging: Mapping[int, LossReason | None]


def _shelf(
    path: str,
    *media_types: str,
    losses: Mapping[int, LossReason],
    lagging: Mapping[int, LossReason | None],
) -> Shelf:
    # 400 is documented for pictures and videos that a process cannot have, 403 for pictures that redaction withholds;
    # on the others both are inferred, as is 410 on all.
    usual = {400: LossReason.NEVER_CAPTURED, 403: LossReason.REFUSED, 410: LossReason.GONE}
    return Shelf(path, frozenset(media_types), MappingProxyType(usual | dict(losses)), MappingProxyType(dict(lagging)))


_IMAGES: Final = {
    f"{_IMAGE}{depiction}": _shelf(
        f"/images?depiction={depiction}",
        *("image/jpeg", "image/png"),
        losses={404: LossReason.NEVER_CAPTURED},
        lagging={409: None},
    )
    for depiction in vocabulary.DEPICTIONS
}

SHELVES: Final[Mapping[str, Shelf]] = MappingProxyType(
    {
        **_IMAGES,
        VIDEO: _shelf(
            "/video",
            *("video/mp4", "video/quicktime"),
            losses={},
            # inferred: a video may come after the decision, and nothing tells it from one that was never made
            lagging={404: LossReason.NEVER_CAPTURED},
        ),
        BUNDLE: _shelf("/download", "application/zip", losses={404: LossReason.GONE}, lagging={204: None}),
        RAW: _shelf("/raw", _JSON, losses={404: LossReason.GONE}, lagging={204: None}),
    }
)
"""By locator, which is also the file's name."""


def artifacts_of(process: dict[str, Any], standing: Standing) -> tuple[Artifact, ...]:
    """List the files of a final process, each once."""
    files = dict(_files(process, has_decision=standing.decision is not None))
    return tuple(Artifact(name=name, kind=kind, locator=name) for name, kind in files.items())


def drifts_of(process: dict[str, Any]) -> tuple[Drift, ...]:
    """Name the depictions that no table knows, so that somebody hears of pictures that we leave behind."""
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
    # inferred: as the archive is documented to come with a decision only, so does the sub-provider's own result
    if sender == READID:
        yield RAW, EvidenceKind.RAW_RESULT


def _is_known(depiction: object) -> bool:
    return isinstance(depiction, str) and depiction in vocabulary.DEPICTIONS


def _is_filmed(process: dict[str, Any], sender: str | None) -> bool:
    return sender == ELECTRONIC_IDENTIFICATION or (sender == ONFIDO and process.get("processType") == "documentVideo")
