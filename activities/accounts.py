"""What activities must know of a configured account."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.plan import WatchPlan, plan_for
from domain.terms import Name
from providers.contract import Reader


@dataclass(frozen=True)
class WatchedAccount:
    """One account: its reader, and its plans by sender, scaled."""

    name: Name
    reader: Reader
    plans: Mapping[Name, WatchPlan]
    default_sender: Name

    def plan_for(self, sender: Name | None) -> WatchPlan:
        """Return the plan for a sender; the default one's where it is not known."""
        return plan_for(sender, self.plans, self.default_sender)
