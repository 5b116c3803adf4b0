"""An account's own decisions on results whose meaning Smile ID leaves to its partners."""

from typing import Literal, TypeAlias

from vigil.domain.snapshot import Reason
from vigil.domain.terms import ReasonCode, as_word

PolicyDecision: TypeAlias = Literal["approved", "declined", "inconclusive"]


def policy_reason(row: str) -> Reason:
    """Return the reason that names the row of the account's policy that decided, such as `policy:6.0817`."""
    return Reason(code=ReasonCode.OTHER, word=as_word(f"policy:{row.replace('/', '.')}"))
