"""Tables that translate Verdant's words."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from vigil.domain.terms import Decision, EvidenceKind, ReasonCode

PartName: TypeAlias = Literal["identity", "biometric"]

PARTS: Final[Mapping[str, PartName]] = {"document": "identity", "face": "biometric"}
"""The two parts of every inquiry."""

VERDICTS: Final[Mapping[str, Decision]] = {"pass": Decision.APPROVED, "fail": Decision.DECLINED}
"""By the verdict on one part. A part without a decision has no verdict."""

FAILURES: Final[Mapping[PartName, ReasonCode]] = {
    "identity": ReasonCode.DOCUMENT_REJECTED,
    "biometric": ReasonCode.FACE_MISMATCH,
}
"""The reason of a decline, by the part that failed (inferred: Verdant gives no reason)."""

FILES: Final[Mapping[str, EvidenceKind]] = {
    "card": EvidenceKind.DOCUMENT_FRONT,
    "face": EvidenceKind.SELFIE,
}
"""By the name of a file; every other name is a supporting document."""
