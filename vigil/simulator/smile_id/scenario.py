"""The knobs of a Smile ID job, in Smile ID's own words."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from vigil.domain.terms import Frozen
from vigil.simulator.scenario import Count, Duration, Scenario

Said = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
Plain = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
JobType = Literal[1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12]

PARTNER: Final = "2041"
API_KEY: Final = "simulated-key-of-2041"
"""Of a partner who can create jobs although no order ever named a key."""

JOB_ID_LENGTH: Final = 26
JOB_ID_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"

BIOMETRIC_KYC: Final = 1
APPROVING: Final[Mapping[int, str]] = {
    1: "0810",
    2: "0820",
    4: "0840",
    5: "1012",
    6: "0810",
    7: "1012",
    8: "0840",
    9: "0810",
    10: "1031",
    11: "0810",
    12: "1012",
}
"""By job type, what a job says when all is well; of 8, 9 and 12 no sample is known."""


class Generation(StrEnum):
    """By which of Smile ID's interfaces a job is created, told of and asked for."""

    V1 = "v1"
    V3 = "v3"


class V1Knobs(Frozen):
    """What only jobs of the first generation have.

    A job of type 1 has two results, a step apart: that of the ID number (`identity_code`) and the face's (`code`).
    """

    job_type: JobType = 1
    user_id: Plain | None = None
    code: Code | None = Field(None, description="None: the one that approves a job of this type")
    identity_code: Code = Field("1012", description="of the ID number, in a job of type 1")
    identity_first: bool = Field(default=True, description="whether the ID number is told of before the face")
    reviewed_code: Code | None = Field(None, description="what a reviewer says, `review_for` later; None: no review")
    review_for: Duration = timedelta(minutes=10)
    heals_after: Duration | None = Field(
        None, description="how long after a result without its authority there is one with it; None: never"
    )
    photo_size: Annotated[int, Field(ge=1, le=2_000_000)] | None = Field(
        None, description="bytes of the authority's photo, of which base64 makes a third more; None: there is none"
    )

    # What no source tells, either way.
    before_upload: Literal["2304", "2314"] = Field("2314", description="what is said before the applicant is done")
    unsettled_is_complete: bool = Field(
        default=False, description="whether a job is complete whose last word is provisional or lacks its authority"
    )
    success_is_told: bool = Field(default=True, description="False: `job_success` is false whatever was found")
    final_flag: Literal["at the end", "always", "never"] = Field("at the end", description="who has `IsFinalResult`")
    job_type_as: Literal["integer", "text", "decimal"] = "integer"
    code_as: Literal["text", "integer"] = "text"
    has_actions: bool = True
    no_images_as: Literal["empty", "error", "absent"] = Field(
        "empty", description="the links of a job without pictures"
    )
    history_order: Literal["newest first", "oldest first"] = "newest first"


class V3Knobs(Frozen):
    """What only jobs of the third generation have."""

    status: Said = "clear"
    reason: Said | None = Field(None, description="None: a likely one for the status")
    product: Said = "document_verification"
    appears_after: Duration = Field(timedelta(0), description="until then its status is not_found")
    monitoring_after: Duration | None = Field(
        None, description="how long after the end an aml_monitoring_update is told; None: never"
    )
    monitoring_status: Said = "attention"
    replays_allowed: bool = Field(default=True, description="False: a replay is 403")
    replays_lost: bool = Field(default=False, description="whether what is sent again is lost, too")

    # What no source tells, either way.
    job_id_header: bool = Field(default=True, description="whether callbacks name the job")
    says_complete: bool = Field(default=False, description="the status says `complete`, as an older document has it")
    monitoring_changes_status: bool = Field(default=False, description="whether the status says so, too, from then on")
    tells_completed_at: bool = True
    tells_ids: bool = Field(default=False, description="whether partner_params hold job_id and user_id")


class SmileIdScenario(Scenario, V1Knobs, V3Knobs):
    """One job. `reference` presets its id, so that a callback can come before it exists for us.

    `think` is until the applicant has sent everything; of the third generation the verdict follows a step later.
    """

    generation: Generation = Generation.V1
    reference: Plain | None = None
    partner_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")] = PARTNER
    api_key: Annotated[str, StringConstraints(min_length=1)] = API_KEY
    partner_params: Mapping[Plain, str] = Field(default_factory=dict, description="more of them, to be told again")
    silent: bool = Field(default=False, description="the applicant never sends anything")

    links_live_for: Duration = Field(timedelta(minutes=15), description="as integrators tell of v3; unknown of v1")
    dead_links: Count = Field(0, description="the links of the first so many bodies have expired already")
    timestamp_form: Literal["milliseconds", "offset", "whole seconds", "epoch"] = "milliseconds"
    timestamp_age: timedelta = Field(timedelta(0), description="real time: by how much a callback is dated back")
    content_type: str | None = Field("application/json", description="of callbacks; None: they have none")

    @property
    def own_code(self) -> str:
        """What is said of the face, or of the whole job where it has one result only."""
        return self.code or APPROVING[self.job_type]

    @model_validator(mode="after")
    def _job_ids_of_v3_have_a_form(self) -> Self:
        is_v3 = self.generation is Generation.V3
        if is_v3 and self.reference is not None and not _is_job_id(self.reference):
            raise ValueError("reference: must be job_ and 26 letters or digits, as every id of v3 is")
        return self


class ExtraCallback(Frozen):
    """One more callback, sent now: a late one, a stray one, a code or a status that nobody knows."""

    code: Code | None = Field(None, description="of v1; None: the last one again")
    status: Said | None = Field(None, description="of v3; None: the last one again")
    reason: Said | None = None
    product: Said | None = None
    changes_result: bool = Field(default=False, description="whether whoever asks is told the same from now on")
    wrong_secret: bool = False


def _is_job_id(reference: str) -> bool:
    head, _, rest = reference.partition("_")
    return head == "job" and len(rest) == JOB_ID_LENGTH and set(rest) <= set(JOB_ID_LETTERS)


class Ids(Frozen):
    """What a job is called: by the partner or by Smile ID, its user, and in the first generation by Smile ID too."""

    job: str
    user: str
    smile_job: str
