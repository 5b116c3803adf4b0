"""Tables that translate Signicat Assure's words. Statuses and providers are compared without regard to case.

A row marked `inferred` or `unknown` has no document behind it. All other rows are documented.
"""

from collections.abc import Mapping
from typing import Final

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
from vigil.providers.vocabulary import StatusMeaning

_CANCELED: Final = StatusMeaning(stage=Stage.CONCLUDED, ended=Outcome.CANCELED, reason=ReasonCode.OTHER)

STATUSES: Final[Mapping[str, StatusMeaning]] = {
    "pending": StatusMeaning(stage=Stage.AWAITING_APPLICANT),
    "processing": StatusMeaning(stage=Stage.PROCESSING),
    "accepted": StatusMeaning(stage=Stage.CONCLUDED, decision=Decision.APPROVED),
    "rejected": StatusMeaning(stage=Stage.CONCLUDED, decision=Decision.DECLINED, reason=ReasonCode.OTHER),
    "inconclusive": StatusMeaning(
        stage=Stage.CONCLUDED,
        decision=Decision.INCONCLUSIVE,
        advice=Advice.NEW_ATTEMPT,
        reason=ReasonCode.OTHER,
    ),
    "canceled": _CANCELED,
    "cancelled": _CANCELED,  # inferred: the documents write one L
    "failed": StatusMeaning(
        stage=Stage.CONCLUDED,
        ended=Outcome.FAILED,
        advice=Advice.NEW_ATTEMPT,
        reason=ReasonCode.TECHNICAL,
    ),
}
"""By status in lower case. `not_matched`, which one old client lists, has no row: its meaning is unknown."""

SENDERS: Final[Mapping[str, Name]] = {
    "onfido": senders.ONFIDO,
    "eid": senders.ELECTRONIC_IDENTIFICATION,
    "signicatvideoid": senders.ELECTRONIC_IDENTIFICATION,
    "readid": senders.READID,
    "paper": senders.PAPER,
    "signicatpaper": senders.PAPER,
    "connect": senders.CONNECT,
}
"""By provider in lower case. `connect:<method>` is Connect; every other provider is `other`."""

AGENT_TYPES: Final = frozenset({"high", "attended"})
"""Types of a VideoID process that an agent reviews; `attended` is inferred from an old client."""

CHECKS: Final[Mapping[str, CheckKind]] = {
    "documentVerification": CheckKind.DOCUMENT,
    "facialSimilarity": CheckKind.FACE_MATCH,
}
"""By name under `providerSpecific`. Every other name is `other`."""

RESULTS: Final[Mapping[str, CheckStatus]] = {
    "clear": CheckStatus.PASSED,
    "consider": CheckStatus.UNCLEAR,
    "suspected": CheckStatus.FAILED,  # inferred: mentioned in prose only
    "unidentified": CheckStatus.UNCLEAR,
}
"""By result of a check in lower case."""

DEPICTIONS: Final[Mapping[str, EvidenceKind]] = {
    "front": EvidenceKind.DOCUMENT_FRONT,
    "back": EvidenceKind.DOCUMENT_BACK,
    "selfie": EvidenceKind.SELFIE,
    "portrait": EvidenceKind.PORTRAIT,
}


def meaning_of(status: str) -> StatusMeaning | None:
    """Return the meaning of a status; None if no table lists it."""
    return STATUSES.get(status.lower())


def announced_end(status: str) -> Ended | None:
    """Return the end without a decision that a status announces; None for all other statuses."""
    meaning = meaning_of(status)
    return meaning.ended if meaning else None


def sender_of(provider: object) -> Name | None:
    """Return the sender of a sub-provider; None if the process names no provider."""
    if not isinstance(provider, str) or not provider:
        return None
    return SENDERS.get(provider.lower().partition(":")[0], senders.OTHER)


def check_status(raw: object) -> CheckStatus:
    """Return the status of a check."""
    return RESULTS.get(raw.lower() if isinstance(raw, str) else "", CheckStatus.UNRECOGNISED)
