"""An account's own decisions on results whose meaning Smile ID leaves to its partners."""

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from vigil.domain.snapshot import Reason
from vigil.domain.terms import ReasonCode, as_word
from vigil.providers.smile_id.v1.vocabulary import ROWS

PolicyDecision: TypeAlias = Literal["approved", "declined", "inconclusive"]

_V1_ROWS: Final = tuple(f"{job_type}/{code}" for (job_type, code), row in sorted(ROWS.items()) if row.partner_decides)
_V3_ROW: Final = re.compile(r"attention/[a-z_]{1,40}")


def validate_policy(policy: Mapping[str, PolicyDecision]) -> Mapping[str, PolicyDecision]:
    """Return the policy. Raises `ValueError` with the name of a row that Smile ID does not leave to its partners."""
    for row in policy:
        if row not in _V1_ROWS and not _V3_ROW.fullmatch(row):
            rows = ", ".join(_V1_ROWS)
            raise ValueError(f'cannot hold "{row}": Smile ID leaves only these to you: {rows}, attention/REASON')
    return policy


def policy_reason(row: str) -> Reason:
    """Return the reason that names the row of the account's policy that decided, such as `policy:6.0817`."""
    return Reason(code=ReasonCode.OTHER, word=as_word(f"policy:{row.replace('/', '.')}"))
