"""The options of a Signicat Assure process, in Assure's own words."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from vigil.domain.models import StrictModel
from vigil.simulator.engine import Endpoint
from vigil.simulator.scenario import Duration, Scenario

Depiction = Literal["front", "back", "selfie", "portrait"]
Text = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Generation(StrEnum):
    """Assure's two ways to send callbacks."""

    LEGACY = "legacy"
    EVENTS = "events"


class Outcome(StrEnum):
    """How the process ends; silent: the applicant leaves and it never ends."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"
    CANCELED = "canceled"
    FAILED = "failed"
    SILENT = "silent"


class Subscriber(Endpoint):
    """An endpoint, and the way in which it receives callbacks; None: the scenario's."""

    generation: Generation | None = None


class SignicatScenario(Scenario):
    """One process of Assure. `reference` presets the ids of dossier and process, so that a callback can come first.

    A dossier that exists already gets one more process.
    """

    reference: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}:[A-Za-z0-9-]{1,64}$")] | None = None
    """The ids that dossier and process get."""
    client: Text | None = Field(None, description="the client that owns it; None: it is shown to every client")
    external_reference: str | None = None
    """The backend's own id, which the process returns."""
    provider: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9:]{0,63}$")] = "onfido"
    """The sub-provider."""
    process_type: Text | None = Field(None, description="None: the sub-provider's own")
    generation: Generation = Generation.LEGACY
    """How callbacks are sent."""
    endpoints: tuple[Subscriber, ...] = ()

    outcome: Outcome = Outcome.ACCEPTED
    """How it ends."""
    processing_for: Duration = Field(timedelta(minutes=3), description="between `processing` and the final status")
    hosted_capture: Duration | None = Field(
        None, description="how long after the start of the capture the process is created; None: at once"
    )
    unknown_status: Text | None = Field(None, description="in place of the outcome's word")
    redacted_images: frozenset[Depiction] = frozenset()
    """The images that cannot be downloaded."""
    zip_lags: Duration = Field(timedelta(0), description="how long after the final status the zip is ready")
    # Unknown: whether a callback that ReadID holds back is repeated later.
    held_is_resent: bool = True
    """Whether a callback that was held back is sent again."""


class ExtraCallback(StrictModel):
    """One more callback, sent now: a late final one, or one with an unknown word. The process does not change."""

    status: Text
