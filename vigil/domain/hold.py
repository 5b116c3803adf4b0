"""A legal hold: nothing of a verification is erased while it lasts."""

from datetime import datetime
from enum import StrEnum

from vigil.domain.models import StoredModel
from vigil.domain.terms import Instant, Name, Shown


class HoldReason(StrEnum):
    """Why data must be kept."""

    LITIGATION = "litigation"
    INVESTIGATION = "investigation"
    AUTHORITY_REQUEST = "authority_request"
    AUDIT = "audit"
    LEGAL_MINIMUM = "legal_minimum"
    """The settings name a time for which the account's data must be kept: `keep.at_least`."""
    OTHER = "other"


class Hold(StoredModel):
    """Who holds the data of a verification, why, and until when; without a time until somebody releases it."""

    reason: Shown[HoldReason]
    author: Name
    placed_at: Instant
    until: Instant | None = None

    def lasts(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.until is None or now < self.until
