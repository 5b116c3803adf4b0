"""What activities must know of a configured account."""

from collections.abc import Mapping
from dataclasses import dataclass

from vigil.domain.terms import Name
from vigil.domain.tracking_plan import TrackingPlan, plan_for
from vigil.providers.contract import Reader


@dataclass(frozen=True)
class WatchedAccount:
    """One account: its reader, and its plans by sender, scaled."""

    name: Name
    reader: Reader
    plans: Mapping[Name, TrackingPlan]
    default_sender: Name

    def plan_for(self, sender: Name | None) -> TrackingPlan:
        """Return the plan for a sender; the default one's where it is not known."""
        return plan_for(sender, self.plans, self.default_sender)
