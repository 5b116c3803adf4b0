"""The meaning of a provider's status words, for the tables in each provider's own `vocabulary.py`."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from vigil.domain.terms import Advice, Decision, Ended, ReasonCode, Stage

Looks: TypeAlias = Literal["open", "final", "unrecognised"]
"""What a status in a callback suggests. It decides nothing: only a read does."""


@dataclass(frozen=True)
class StatusMeaning:
    """What one status word means. `reason` is why, as far as the word alone says it."""

    stage: Stage
    decision: Decision | None = None
    ended: Ended | None = None
    advice: Advice = Advice.NONE
    reason: ReasonCode | None = None


def looks_of(meaning: StatusMeaning | None) -> Looks:
    """Return what a status suggests; None is a status that no table lists."""
    if meaning is None:
        return "unrecognised"
    return "final" if meaning.stage is Stage.CONCLUDED else "open"
