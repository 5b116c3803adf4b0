"""Signicat Assure's words in ours, as tables; statuses and providers are compared without regard to case.

A row marked `inferred` or `unknown` rests on no document; all others are documented.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from vigil.domain.terms import (
    Advice,
    CheckKind,
    CheckStatus,
    Decision,
    Ended,
    EvidenceKind,
    Name,
    Outcome,
    ReasonCode,
    Stage,
)
from vigil.providers.signicat import senders


@dataclass(frozen=True)
class Standing:
    """What one status of a process means. `because` is the code of every reason that comes with it."""

    stage: Stage
    decision: Decision | None = None
    ended: Ended | None = None
    advice: Advice = Advice.NONE
    because: ReasonCode | None = None


_CANCELED: Final = Standing(stage=Stage.CONCLUDED, ended=Outcome.CANCELED, because=ReasonCode.OTHER)

STATUSES: Final[Mapping[str, Standing]] = {
    "pending": Standing(stage=Stage.AWAITING_APPLICANT),
    "processing": Standing(stage=Stage.PROCESSING),
    "accepted": Standing(stage=Stage.CONCLUDED, decision=Decision.APPROVED),
    "rejected": Standing(stage=Stage.CONCLUDED, decision=Decision.DECLINED, because=ReasonCode.OTHER),
    "inconclusive": Standing(
        stage=Stage.CONCLUDED,
        decision=Decision.INCONCLUSIVE,
        advice=Advice.NEW_ATTEMPT,
        because=ReasonCode.OTHER,
    ),
    "canceled": _CANCELED,
    "cancelled": _CANCELED,  # inferred: the documents write one L
    "failed": Standing(
        stage=Stage.CONCLUDED,
        ended=Outcome.FAILED,
        advice=Advice.NEW_ATTEMPT,
        because=ReasonCode.TECHNICAL,
    ),
}
"""By status in lower case. `not_matched`, which one old client lists, has no row: what it decides is unknown."""

SENDERS: Final[Mapping[str, Name]] = {
    "onfido": senders.ONFIDO,
    "eid": senders.ELECTRONIC_IDENTIFICATION,
    "signicatvideoid": senders.ELECTRONIC_IDENTIFICATION,
    "readid": senders.READID,
    "paper": senders.PAPER,
    "signicatpaper": senders.PAPER,
    "connect": senders.CONNECT,
}
"""By provider in lower case; `connect:idmethod` and its like are Connect, and every other provider is `other`."""

AGENT_TYPES: Final = frozenset({"high", "attended"})
"""Types of a VideoID process that an agent looks at; `attended` is inferred from an old client."""

CHECKS: Final[Mapping[str, CheckKind]] = {
    "documentVerification": CheckKind.DOCUMENT,
    "facialSimilarity": CheckKind.FACE_MATCH,
}
"""By name under `providerSpecific`; every other name is `other`."""

RESULTS: Final[Mapping[str, CheckStatus]] = {
    "clear": CheckStatus.PASSED,
    "consider": CheckStatus.UNCLEAR,
    "suspected": CheckStatus.FAILED,  # inferred: named in prose only
    "unidentified": CheckStatus.UNCLEAR,
}
"""By result of a check in lower case."""

DEPICTIONS: Final[Mapping[str, EvidenceKind]] = {
    "front": EvidenceKind.DOCUMENT_FRONT,
    "back": EvidenceKind.DOCUMENT_BACK,
    "selfie": EvidenceKind.SELFIE,
    "portrait": EvidenceKind.PORTRAIT,
}


def standing_of(status: str) -> Standing | None:
    """Return what a status means, or None where no table knows it."""
    return STATUSES.get(status.lower())


def looks(status: str) -> Literal["open", "final", "unrecognised"]:
    """Say what a status in a callback looks like; it decides nothing."""
    standing = standing_of(status)
    if standing is None:
        return "unrecognised"
    return "final" if standing.stage is Stage.CONCLUDED else "open"


def announced_end(status: str) -> Ended | None:
    """Return the end without a decision that a status announces."""
    standing = standing_of(status)
    return standing.ended if standing else None


def sender_of(provider: object) -> Name | None:
    """Return the sub-provider's sender; None where the process names no provider."""
    if not isinstance(provider, str) or not provider:
        return None
    return SENDERS.get(provider.lower().partition(":")[0], senders.OTHER)


def result_of(raw: object) -> CheckStatus:
    """Return how a check ended."""
    return RESULTS.get(raw.lower() if isinstance(raw, str) else "", CheckStatus.UNRECOGNISED)
