"""The knobs of a Signicat Assure verification, in Assure's own words."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from vigil.domain.terms import Frozen
from vigil.simulator.engine import Endpoint
from vigil.simulator.scenario import Duration, Scenario

Depiction = Literal["front", "back", "selfie", "portrait"]
Said = Annotated[str, StringConstraints(min_length=1, max_length=64)]

CAMERA_BLOCKED: Final = {"type": "system_requirements", "message": "camera not available"}


class Generation(StrEnum):
    """By which of Assure's two ways an endpoint is told."""

    LEGACY = "legacy"
    EVENTS = "events"


class Outcome(StrEnum):
    """How the process ends; silent: the applicant goes away and nobody ever ends it."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"
    CANCELED = "canceled"
    FAILED = "failed"
    SILENT = "silent"


class Subscriber(Endpoint):
    """An endpoint, and the way in which it is told where that is not the scenario's."""

    generation: Generation | None = None


class SignicatScenario(Scenario):
    """One process of Assure. `reference` presets the ids of dossier and process, so that a callback can come first.

    A dossier that exists already gets one process more.
    """

    reference: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}:[A-Za-z0-9-]{1,64}$")] | None = None
    client: Said | None = Field(None, description="whose it is; no other client is shown it. None: everybody's")
    external_reference: str | None = None
    provider: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9:]{0,63}$")] = "onfido"
    process_type: Said | None = Field(None, description="None: the sub-provider's own")
    generation: Generation = Generation.LEGACY
    endpoints: tuple[Subscriber, ...] = ()
    event_tags: tuple[str, ...] = ()

    outcome: Outcome = Outcome.ACCEPTED
    processing_for: Duration = Field(timedelta(minutes=3), description="between `processing` and the final status")
    hosted_capture: Duration | None = Field(
        None, description="how long after the capture was started the process exists; None: from the beginning"
    )
    fail_reason: Mapping[str, Any] = CAMERA_BLOCKED
    status_reasons: tuple[Mapping[str, Any], ...] = ()
    unknown_status: Said | None = Field(None, description="said in place of the outcome's word")
    second_final: Said | None = Field(None, description="another final word, `second_final_after` the first")
    second_final_after: Duration = timedelta(hours=1)
    deleted_after: Duration | None = Field(None, description="counted from the final; None: never")

    depictions: tuple[Depiction, ...] | None = Field(None, description="None: the sub-provider's own")
    redacted_images: frozenset[Depiction] = frozenset()
    has_video: bool | None = Field(None, description="None: as the sub-provider")
    images_lag: Duration = timedelta(0)
    video_lags: Duration = timedelta(0)
    raw_lags: Duration = timedelta(0)
    zip_lags: Duration = timedelta(0)

    # What no source tells, either way.
    announces_processing: bool = Field(default=False, description="a callback is said to be about the end only")
    content_type: str | None = Field("application/json", description="of callbacks; None: they have none")
    fail_is_told: bool = Field(default=False, description="whether a process that we fail calls back")
    first_attempt_counts: bool = Field(default=True, description="among Electronic IDentification's fifteen")
    held_is_resent: bool = Field(default=True, description="whether what began ReadID's hold comes again after it")
    event_data_ids: bool = Field(default=True, description="whether an event names dossier, process and status")
    event_expires_after: Duration = timedelta(days=1)
    event_repeats: tuple[Duration, ...] = Field((), description="gaps after which an event that was not taken returns")
    zip_event: Said | None = Field(None, description="the name of WebID's event about the zip; None: it is not sent")
    dossier_listed_as: Literal["object", "string"] = "object"
    liveness_detected_as: Literal["boolean", "string"] = "boolean"
    tells_final_result: bool | None = Field(None, description="None: as Assure's examples do")


class ExtraCallback(Frozen):
    """One more callback, sent now: a late final, a stray one, a word that nobody knows."""

    status: Said
    generation: Generation | None = Field(None, description="only to endpoints that are told in this way; None: to all")
    same_event: bool = Field(default=False, description="an event with the id of the last one")
    changes_result: bool = Field(default=False, description="whether the process says the same from now on")
    wrong_secret: bool = False
