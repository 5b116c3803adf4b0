"""What must be known of an account at a provider to track its verifications."""

from collections.abc import Mapping
from dataclasses import dataclass

from vigil.domain.terms import Name, ProviderName
from vigil.domain.tracking_plan import TrackingPlan, plan_for


@dataclass(frozen=True)
class Account:
    """An account of the settings. `plans` are by sender, and `time_scale` is applied to them already."""

    name: Name
    provider_name: ProviderName
    environment: str
    reference_is_capability: bool
    """Whether the provider's reference opens the applicant's session. Then a digest stands for it in all names."""
    plans: Mapping[Name, TrackingPlan]
    default_sender: Name

    def plan_for(self, sender: Name | None) -> TrackingPlan:
        """Return the plan for a sender; the default sender's plan if the sender is not known."""
        return plan_for(sender, self.plans, self.default_sender)
