"""The options of a Verdant verification, in Verdant's own words."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from vigil.domain.models import StrictModel
from vigil.simulator.scenario import Count, Scenario

Part = Literal["document", "face"]
Verdict = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class VerdantScenario(Scenario):
    """One inquiry: the verdict on the document after one step, on the face after another. None: it never comes."""

    reference: Annotated[str, StringConstraints(pattern=r"^inq-[a-z0-9]{1,60}$")] | None = None
    token: str = Field(min_length=1, description="the token in the callbacks")
    document: Verdict | None = "pass"
    face: Verdict | None = "pass"
    expired_links: Count = Field(0, description="so many first reads return links that have expired already")


class ExtraCallback(StrictModel):
    """One more callback, sent now."""

    part: Part
    verdict: Verdict
