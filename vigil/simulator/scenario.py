"""What a tester asks for: the knobs that every simulated provider has. All durations are contract time."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from vigil.domain.terms import Frozen
from vigil.simulator.engine import Endpoint, Faults

Duration = Annotated[timedelta, Field(ge=timedelta(0))]
Count = Annotated[int, Field(ge=0, le=100)]


class Outage(Frozen):
    """A time, counted from the beginning of the verification, in which its result endpoint answers 503."""

    begins: Duration = timedelta(0)
    lasts: Duration

    def holds(self, age: timedelta) -> bool:
        """Whether a verification of this age lies in the outage."""
        return self.begins <= age < self.begins + self.lasts


class Scenario(Frozen):
    """How one verification goes, and what goes wrong with its callbacks, its result and its files.

    Indices count the events in the order in which they are meant, from 0; attempts count from 1.
    """

    endpoints: tuple[Endpoint, ...] = ()
    think: Duration = Field(timedelta(minutes=2), description="until the applicant begins")
    step_every: Duration = Field(timedelta(minutes=1), description="between two steps")

    callbacks: bool = Field(default=True, description="False: nothing is even meant to be sent")
    redeliveries: Count | None = Field(None, description="at most so many; None: as the contract says")
    drop_all: bool = False
    drop_finals: bool = False
    drop_indices: frozenset[int] = frozenset()
    lost_attempts: frozenset[int] = Field(frozenset(), description="of every event, lost on the way")
    answered_attempts: Mapping[int, int] = Field(
        {}, description="of every event: attempt → status code that a proxy answers in the receiver's stead"
    )
    duplicate_final: Count = 0
    delay_callbacks: Duration = timedelta(0)
    late_intermediates: Duration = Field(timedelta(0), description="added to the delay of intermediates")
    final_first: bool = Field(default=False, description="intermediates are sent a step after the final")
    wrong_secret: bool = False

    outages: tuple[Outage, ...] = ()
    lagging_report: Duration = Field(
        timedelta(0), description="how long the result answers as before after the final callback was due"
    )
    cut_downloads: Count = Field(0, description="of each file, the first so many connections end in the middle")
    corrupt_downloads: Count = Field(0, description="of each file, the next so many have wrong bytes")

    def faults_of(self, *, index: int, final: bool, until_final: timedelta) -> Faults:
        """Return what goes wrong with the event of this index, due `until_final` before the first final."""
        delay = self.delay_callbacks
        if not final:
            delay += self.late_intermediates
            if self.final_first:
                delay += until_final + self.step_every
        return Faults(
            dropped=self.drop_all or (final and self.drop_finals) or index in self.drop_indices,
            lost=self.lost_attempts,
            answered=self.answered_attempts,
            duplicates=self.duplicate_final if final else 0,
            delay=delay,
            wrong_secret=self.wrong_secret,
        )

    def is_down(self, age: timedelta) -> bool:
        """Whether the result endpoint is down for a verification of this age."""
        return any(outage.holds(age) for outage in self.outages)
