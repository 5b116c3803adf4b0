"""The knobs of an ID360 verification, in ID360's own words."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from vigil.domain.terms import Frozen
from vigil.simulator.engine import Endpoint
from vigil.simulator.scenario import Count, Duration, Scenario

Code = Literal["E", "F", "C", "I", "UP", "SP"]

Reported = Annotated[str, StringConstraints(min_length=1, max_length=64)]

STEPS: Final = (
    "id_document",
    "fake_photo_id",
    "image_forensics",
    "facecomparison",
    "liveness",
    "liveness",
    "otp",
)


class Outcome(StrEnum):
    """How ID360 ends the verification; silent: the applicant stops half way and nobody ever ends it."""

    OK = "OK"
    KO = "KO"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    SILENT = "silent"


class AfterCanceled(StrEnum):
    """What the report answers for a canceled verification, which no source tells."""

    REPORT_200 = "report_200"
    REPORT_202_FOREVER = "report_202_forever"
    REPORT_404 = "report_404"


class AfterDeleted(StrEnum):
    """What the report answers once the retention has elapsed."""

    REPORT_DELETED = "report_deleted"
    REPORT_404 = "report_404"


class Subscriber(Endpoint):
    """An endpoint and the events that it is told of."""

    on: tuple[Code, ...] = ("E", "F", "C", "I")


class Id360Scenario(Scenario):
    """One ID360 verification. `reference` presets the enrollment's id, so that a callback can come first."""

    reference: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,14}$")] | None = None
    client_reference: str | None = None
    endpoints: tuple[Subscriber, ...] = ()
    outcome: Outcome = Outcome.OK
    steps: tuple[str, ...] = Field(STEPS, min_length=1, max_length=40)
    failed_steps: frozenset[int] = Field(frozenset(), description="indices of steps whose own status is KO")
    reached: Count | None = Field(None, description="steps done when the applicant stops; None: half of them")
    reason_codes: tuple[str, ...] = Field(("VLD_VALIDATION_KO",), description="what a KO report names")

    unknown_status: Reported | None = Field(None, description="said in place of the outcome's word")
    second_final: Reported | None = Field(None, description="another final word, `second_final_after` the first")
    second_final_after: Duration = timedelta(hours=1)
    after_canceled: AfterCanceled = AfterCanceled.REPORT_200
    deleted_after: Duration | None = Field(None, description="counted from the final; None: never")
    after_deleted: AfterDeleted = AfterDeleted.REPORT_DELETED

    # What no source tells about the callbacks' bodies, either way.
    final_step: Literal["absent", "null", "last"] = "absent"
    step_outcome_key: Literal["status", "result"] = "status"
    canceled_counts: Literal["all", "reached"] = "all"

    @model_validator(mode="after")
    def _names_steps_that_exist(self) -> "Id360Scenario":
        if self.reached is not None and self.reached > len(self.steps):
            raise ValueError(f"reached: there are only {len(self.steps)} steps")
        if any(index not in range(len(self.steps)) for index in self.failed_steps):
            raise ValueError(f"failed_steps: there are only the steps 0 to {len(self.steps) - 1}")
        return self

    @property
    def done_at_end(self) -> int:
        """How many steps the applicant takes."""
        if self.outcome not in {Outcome.CANCELED, Outcome.SILENT}:
            return len(self.steps)
        return len(self.steps) // 2 if self.reached is None else self.reached


class ExtraCallback(Frozen):
    """One more callback, sent now: a late final, a stale intermediate, a word that nobody knows."""

    status: Reported
    reason: str | None = None
    done: Annotated[int, Field(ge=0)] | None = Field(None, description="None: all steps")
    step: Annotated[int, Field(ge=0)] | None = Field(None, description="the index of the step it is about")
    changes_report: bool = Field(default=False, description="whether the report says the same from now on")
    wrong_secret: bool = False
