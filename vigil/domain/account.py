"""What must be known of an account at a provider to track its verifications."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vigil.domain.terms import Name, ProviderName
from vigil.domain.tracking_plan import TrackingPlan, plan_for
from vigil.domain.verification_key import SEALED, VerificationKey


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account of the settings. `plans` are by sender, and `time_scale` is applied to them already."""

    name: Name
    provider_name: ProviderName
    environment: str
    reference_is_capability: bool
    """Whether the provider's reference opens the applicant's session. Then a digest stands for it in all names."""
    plans: Mapping[Name, TrackingPlan]
    default_sender: Name
    normalise_reference: Callable[[str], str | None] = str.strip
    """Returns a reference in the provider's one spelling; None if no verification there can have it."""

    def key_of(self, reference: str) -> VerificationKey:
        """Return the key of a reference, whatever its spelling. Every key is made here. Raises `ValidationError`."""
        spelled = None if reference.startswith(SEALED) else self.normalise_reference(reference)
        return VerificationKey(account=self.name, reference=spelled or reference)

    def plan_for(self, sender: Name | None) -> TrackingPlan:
        """Return the plan for a sender; the default sender's plan if the sender is not known."""
        return plan_for(sender, self.plans, self.default_sender)
