"""What an account makes of results that the vendor leaves to its partners."""

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from vigil.domain.snapshot import Reason
from vigil.domain.terms import ReasonCode, as_word
from vigil.providers.smile_id.v1.vocabulary import ROWS

Decided: TypeAlias = Literal["approved", "declined", "inconclusive"]

_OF_V1: Final = frozenset(f"{job_type}/{code}" for (job_type, code), row in ROWS.items() if row.partner_decides)
_OF_V3: Final = re.compile(r"attention/[a-z_]{1,40}")


def checked(policy: Mapping[str, Decided]) -> Mapping[str, Decided]:
    """Return the policy. Raises `ValueError` naming a row that is not the partner's to decide."""
    for row in policy:
        if row not in _OF_V1 and not _OF_V3.fullmatch(row):
            rows = ", ".join(sorted(_OF_V1, key=lambda each: (int(each.partition("/")[0]), each)))
            raise ValueError(f'cannot hold "{row}": the vendor leaves only these to you: {rows}, attention/REASON')
    return policy


def as_reason(row: str) -> Reason:
    """Return the reason that shows that a policy of the account, and not the vendor, decided: `policy:6.0817`."""
    return Reason(code=ReasonCode.OTHER, word=as_word(f"policy:{row.replace('/', '.')}"))
