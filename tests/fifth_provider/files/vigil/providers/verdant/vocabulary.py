"""Verdant's words in ours, as tables."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from vigil.domain.terms import Decision, EvidenceKind, ReasonCode

PartName: TypeAlias = Literal["identity", "biometric"]

PARTS: Final[Mapping[str, PartName]] = {"document": "identity", "face": "biometric"}
"""The two parts of every inquiry."""

VERDICTS: Final[Mapping[str, Decision]] = {"pass": Decision.APPROVED, "fail": Decision.DECLINED}
"""By the verdict on one part. A part that is not decided yet has none."""

FAILURES: Final[Mapping[PartName, ReasonCode]] = {
    "identity": ReasonCode.DOCUMENT_REJECTED,
    "biometric": ReasonCode.FACE_MISMATCH,
}
"""Why an inquiry is declined, by the part that failed (inferred: no reason is told)."""

FILES: Final[Mapping[str, EvidenceKind]] = {
    "card": EvidenceKind.DOCUMENT_FRONT,
    "face": EvidenceKind.SELFIE,
}
"""By the name of a file; every other name is a supporting document."""
