"""The options of an ID360 verification, in ID360's own words."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import StringConstraints

from vigil.domain.models import StrictModel
from vigil.simulator.engine import Endpoint
from vigil.simulator.scenario import Scenario

Code = Literal["E", "F", "C", "I", "UP", "SP"]
Status = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Outcome(StrEnum):
    """How ID360 ends the verification; silent: the applicant stops half way and ID360 never ends it."""

    OK = "OK"
    KO = "KO"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    SILENT = "silent"


class Subscriber(Endpoint):
    """An endpoint, and the codes of the callbacks that it receives."""

    on: tuple[Code, ...] = ("E", "F", "C", "I", "UP", "SP")


class Id360Scenario(Scenario):
    """One ID360 verification. `reference` presets the enrollment's id, so that a callback can precede its creation."""

    reference: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,14}$")] | None = None
    """The id that the enrollment gets."""
    client_reference: str | None = None
    """The backend's own id, which the report returns."""
    endpoints: tuple[Subscriber, ...] = ()
    outcome: Outcome = Outcome.OK
    """How it ends."""
    external_means: bool = False
    """The applicant is sent to an external means of identification first."""
    unknown_status: Status | None = None
    """In place of the outcome's word."""


class ExtraCallback(StrictModel):
    """One more callback, sent now: a late final one, or one with an unknown word. The report does not change."""

    status: Status
