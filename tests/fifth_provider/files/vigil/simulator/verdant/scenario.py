"""The knobs of a Verdant verification, in Verdant's own words."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from vigil.domain.terms import Frozen
from vigil.simulator.scenario import Count, Scenario

Part = Literal["document", "face"]
Verdict = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class VerdantScenario(Scenario):
    """One inquiry: the verdict on its document after one step, on the face after another. None: it never comes."""

    reference: Annotated[str, StringConstraints(pattern=r"^inq-[a-z0-9]{1,60}$")] | None = None
    token: str = Field(min_length=1, description="what the callbacks present")
    document: Verdict | None = "pass"
    face: Verdict | None = "pass"
    expired_links: Count = Field(0, description="so many of the first reads give links that have expired when used")


class ExtraCallback(Frozen):
    """One more callback, sent now."""

    part: Part
    verdict: Verdict
