"""How long what is stored is kept: for the installation, and by account where its law is another."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from vigil.config.durations import Duration
from vigil.domain.models import StrictModel
from vigil.domain.retention import KeepRules

_CHOSEN: Final = ("results", "artifacts")
"""Of these a production account needs a value: nobody but its operator knows the law."""
_SHORTEST_OF: Final = (*_CHOSEN, "records")
"""What `at_least` keeps."""


class AccountKeep(StrictModel):
    """How long the data of an account is kept after its verification is complete; None: as the installation says."""

    receipts: Duration | None = None
    """Its callbacks."""
    results: Duration | None = None
    """The provider's answers."""
    artifacts: Duration | None = None
    """The files."""
    records: Duration | None = None
    """When the whole verification is erased, as by `vigil erase`."""
    at_least: Duration | None = None
    """A legal minimum: before it nothing but callbacks is erased, on request neither."""


class KeepSettings(StrictModel):
    """How long what is stored is kept."""

    quarantined: Duration = timedelta(days=14)
    """How long callbacks are kept that belong to no verification."""
    refused: Duration = timedelta(days=14)
    """How long the list of refused callbacks goes back."""
    audit: Duration = timedelta(days=730)
    """How long the audit log goes back. It has no personal data, and does not depend on how long the data is kept."""
    receipts: Duration = timedelta(days=30)
    """How long the callbacks of a verification are kept after its end."""
    results: Duration | None = None
    """How long the provider's answers are kept after the end. Required for an account that is not a sandbox."""
    artifacts: Duration | None = None
    """How long the files are kept after the end. Required for an account that is not a sandbox."""
    records: Duration | None = None
    """How long after the end the whole verification is erased, as by `vigil erase`; None: never."""
    tombstones: Duration = timedelta(days=3 * 365)
    """How long the verdict of an erased verification is kept."""
    at_least: Duration = timedelta(0)
    """A legal minimum after the end: before it nothing but callbacks is erased, on request neither."""
    key_backups: Duration = timedelta(days=30)
    """How long you keep backups of the data keys. Receipts of erasures say until when one may exist."""

    def rules_of(self, account: AccountKeep) -> KeepRules:
        """Return the rules of an account."""
        own = {name: value for name, value in account if value is not None}
        common = {name: getattr(self, name) for name in AccountKeep.model_fields}
        return KeepRules(**common | own, tombstones=self.tombstones)


def find_keep_faults(
    keep: KeepSettings, accounts: Mapping[str, AccountKeep], real: frozenset[str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what contradicts itself, and what a production account does not say. `real` are its accounts."""
    for name, account in accounts.items():
        rules, at = keep.rules_of(account), ("accounts", name, "keep")
        for kind in _SHORTEST_OF:
            value = getattr(rules, kind)
            if value is None and kind in _CHOSEN and name in real:
                yield (*at, kind), 'is missing, and the account is not a sandbox: say how long, such as "5y"'
            elif value is not None and value < rules.at_least:
                yield (*at, kind), "is shorter than at_least"
            elif value is not None and rules.records is not None and value > rules.records:
                yield (*at, kind), "is longer than records, with which all is erased"
