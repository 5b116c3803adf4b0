"""The options that every simulated provider has. All durations are contract time."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import ConfigDict, Field

from vigil.domain.models import StrictModel
from vigil.simulator.engine import Endpoint, Faults

Duration = Annotated[timedelta, Field(ge=timedelta(0))]
Count = Annotated[int, Field(ge=0, le=100)]


class Outage(StrictModel):
    """A time in which the result endpoint answers 503. `begins` is counted from the creation of the verification."""

    begins: Duration = timedelta(0)
    lasts: Duration

    def holds(self, age: timedelta) -> bool:
        """Return whether a verification of this age is in the outage."""
        return self.begins <= age < self.begins + self.lasts


class Scenario(StrictModel):
    """How one verification proceeds, and what goes wrong with its callbacks, its result and its files.

    Indices count the callbacks in the order of the script, from 0; attempts count from 1.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)

    endpoints: tuple[Endpoint, ...] = ()
    think: Duration = Field(timedelta(minutes=2), description="until the applicant begins")
    step_every: Duration = Field(timedelta(minutes=1), description="between two steps")

    callbacks: bool = Field(default=True, description="False: the provider has no callbacks to send")
    drop_all: bool = Field(default=False, description="no callback is sent, although each was due")
    drop_finals: bool = False
    """The final callbacks are not sent."""
    drop_indices: frozenset[int] = frozenset()
    """The callbacks with these indices are not sent."""
    lost_attempts: frozenset[int] = Field(frozenset(), description="of every callback, lost on the way")
    answered_attempts: Mapping[int, int] = Field(
        {}, description="of every callback: attempt → status code that a proxy answers in place of the receiver"
    )
    duplicate_final: Count = 0
    """So many more copies of the final callback are sent."""
    delay_callbacks: Duration = timedelta(0)
    """How much later than due each callback is sent."""
    final_first: bool = Field(default=False, description="intermediate callbacks are sent a step after the final one")
    wrong_secret: bool = False
    """Callbacks come with a secret that was not agreed."""

    outages: tuple[Outage, ...] = ()
    """Times in which the result answers 503, as [{"begins": ..., "lasts": ...}]."""
    lagging_report: Duration = Field(
        timedelta(0), description="how long after the final callback the result still shows the state before"
    )
    cut_downloads: Count = Field(0, description="so many first downloads of each file end in the middle")
    corrupt_downloads: Count = Field(0, description="so many next downloads of each file have a wrong byte")

    def faults_of(self, *, index: int, final: bool, until_final: timedelta) -> Faults:
        """Return the faults of the callback with this index, due `until_final` before the next final one."""
        is_held_back = self.final_first and not final
        return Faults(
            dropped=self.drop_all or (final and self.drop_finals) or index in self.drop_indices,
            lost=self.lost_attempts,
            answered=self.answered_attempts,
            duplicates=self.duplicate_final if final else 0,
            delay=self.delay_callbacks + (until_final + self.step_every if is_held_back else timedelta(0)),
            wrong_secret=self.wrong_secret,
        )

    def is_down(self, age: timedelta) -> bool:
        """Return whether the result endpoint is down for a verification of this age."""
        return any(outage.holds(age) for outage in self.outages)
