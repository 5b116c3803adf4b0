"""The options of a Smile ID job, in Smile ID's own words."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from vigil.domain.models import StrictModel
from vigil.simulator.engine import Url
from vigil.simulator.scenario import Count, Duration, Scenario

Text = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
Plain = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
PartnersId = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f]{1,100}$")]
"""An id that the partner chooses, in any letters."""
JobType = Literal[1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12]

PARTNER: Final = "2041"
API_KEY: Final = "simulated-key-of-2041"
"""The key of a partner who can create jobs before any order names a key."""

JOB_ID_LENGTH: Final = 26
JOB_ID_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"


class Generation(StrEnum):
    """The interface of Smile ID that creates a job, announces it and returns its result."""

    V1 = "v1"
    V3 = "v3"


class V1Options(StrictModel):
    """The options of a job of the first generation.

    A job of type 1 has two results, a step apart: of the ID number (`identity_code`) and of the face (`code`).
    """

    model_config = ConfigDict(use_attribute_docstrings=True)

    job_type: JobType = 1
    """The kind of the job."""
    user_id: PartnersId | None = None
    """The id that the user gets."""
    code: Code | None = Field(None, description="None: the code that approves a job of this type")
    identity_code: Code = Field("1012", description="of the ID number, in a job of type 1")
    identity_first: bool = Field(default=True, description="whether the ID number is announced before the face")
    reviewed_code: Code | None = Field(None, description="a reviewer's code, `review_for` later; None: no review")
    review_for: Duration = timedelta(minutes=10)
    """How long the reviewer takes."""
    heals_after: Duration | None = Field(
        None, description="how long after a result without the ID authority one with it follows; None: never"
    )
    photo_size: Annotated[int, Field(ge=1, le=2_000_000)] | None = Field(
        None, description="bytes of the ID authority's photo, before base64; None: there is no photo"
    )
    # Unknown.
    unsettled_is_complete: bool = Field(
        default=False, description="whether a job is complete whose last code is provisional or lacks the ID authority"
    )


class V3Options(StrictModel):
    """The options of a job of the third generation."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    status: Text = "clear"
    """The status at the end."""
    product: Text = "document_verification"
    """The product."""
    monitoring_after: Duration | None = Field(
        None, description="how long after the end an aml_monitoring_update is announced; None: never"
    )
    replays_lost: bool = Field(default=False, description="whether replayed callbacks are lost, too")
    # Unknown.
    job_id_header: bool = Field(default=True, description="whether callbacks name the job")
    monitoring_changes_status: bool = Field(default=False, description="whether the update changes the status, too")


class SmileIdScenario(Scenario, V1Options, V3Options):
    """One job. `reference` presets its id, so that a callback can precede its registration.

    `think` is until the applicant has submitted everything; in the third generation the result follows a step later.
    """

    generation: Generation = Generation.V1
    """The interface."""
    reference: PartnersId | None = None
    """The id that the job gets."""
    partner_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")] = PARTNER
    """The partner whose job it is."""
    api_key: Annotated[str, StringConstraints(min_length=1)] = API_KEY
    """The key that signs the callbacks."""
    partner_params: Mapping[Plain, str] = Field(default_factory=dict, description="more of them, to be returned")
    silent: bool = Field(default=False, description="the applicant never submits anything")
    dead_links: Count = Field(0, description="the links of so many first bodies have expired already")

    @model_validator(mode="after")
    def _check_reference(self) -> Self:
        is_v3 = self.generation is Generation.V3
        if is_v3 and self.reference is not None and not _is_v3_job_id(self.reference):
            raise ValueError("reference: must be job_ and 26 letters or digits, like every id of v3")
        return self


def _is_v3_job_id(reference: str) -> bool:
    head, _, rest = reference.partition("_")
    return head == "job" and len(rest) == JOB_ID_LENGTH and set(rest) <= set(JOB_ID_LETTERS)


class ExtraCallback(StrictModel):
    """One more callback, sent now: a late one, or one with an unknown code or status. The result does not change."""

    word: Text = Field(description="the code or the status")


class Portal(StrictModel):
    """What a partner has entered in the portal: its key, and the address of callbacks of jobs that name none."""

    partner_id: str
    api_key: str
    callback_url: Url


class Ids(StrictModel):
    """The ids of a job: of the job and its user, and in the first generation Smile ID's own."""

    job: str
    user: str
    smile_job: str
