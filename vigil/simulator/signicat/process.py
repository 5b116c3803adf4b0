"""One process of Assure: plays its script and knows what is said of it."""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vigil.simulator.engine import Engine, Event, Faults
from vigil.simulator.play import Intention, Play, PlayView
from vigil.simulator.signicat import payloads
from vigil.simulator.signicat.habits import contract
from vigil.simulator.signicat.payloads import Ids, Standing
from vigil.simulator.signicat.scenario import ExtraCallback, Generation, Outcome, SignicatScenario, Subscriber
from vigil.simulator.signicat.script import COMPLETE, DELETED, PENDING, Beat, ending, final, reported, script

LISTED_FOR: Final = timedelta(days=30)
PROVIDER: Final = "signicat"


class Process(Play):
    """A play of Assure, on contract time."""

    def __init__(self, ids: Ids, scenario: SignicatScenario, engine: Engine, *, logins_before: int) -> None:
        super().__init__(ids.reference, scenario, began=engine.clock.now())
        self.scenario: SignicatScenario = scenario
        self.ids = ids
        self.beats = script(scenario)
        self._engine = engine
        self._logins_before = logins_before
        self._begun_at = datetime.now(UTC)
        self._event_id = secrets.token_hex(16)
        self._failed_by_us: Mapping[str, Any] | None = None
        self._playing = engine.begin(self._play())

    @property
    def age(self) -> timedelta:
        """How long ago the dossier or the capture was created."""
        return self._engine.clock.now() - self.began

    @property
    def created_at(self) -> datetime:
        """When the process itself came into being, in real time."""
        return self._happened_at(self.beats[0].at)

    @property
    def is_listed(self) -> bool:
        """Whether it is young enough for the list over all dossiers."""
        return self.age - self.beats[0].at <= LISTED_FOR

    def is_down(self) -> bool:
        """Whether its result is in an outage."""
        return self.scenario.is_down(self.age)

    def standing(self) -> Standing | None:
        """Return how it stands; None: it does not exist yet, or no more."""
        beat = reported(self.beats, self.age)
        if beat is None or beat.status is None or beat.status == DELETED:
            return None
        reason = self._failed_by_us or self.scenario.fail_reason
        return Standing(
            ids=self.ids,
            status=beat.status,
            created_at=self.created_at,
            updated_at=self._happened_at(beat.at),
            fail_reason=reason if beat.status == "failed" else None,
        )

    def final_for(self) -> timedelta | None:
        """Return how long ago its result told its end; None: it has not."""
        ends = [beat.reported_at for beat in self.beats if beat.is_final]
        return self.age - ends[0] if ends and ends[0] <= self.age else None

    def submit(self) -> bool:
        """Begin the verification now, as the end user's application asks; False: it is not pending."""
        if not self._is_pending():
            return False
        waited = self.age - (self.scenario.hosted_capture or timedelta(0))
        self._play_on(script(self.scenario.model_copy(update={"think": waited})))
        return True

    def fail(self, reason: Mapping[str, Any]) -> bool:
        """End it as failed; False: it is not pending."""
        if not self._is_pending():
            return False
        self._failed_by_us = reason
        failed = self.scenario.model_copy(update={"outcome": Outcome.FAILED, "unknown_status": None})
        self._play_on((self.beats[0], *ending(failed, at=self.age, index=0, is_told=self.scenario.fail_is_told)))
        return True

    def send(self, extra: ExtraCallback) -> None:
        """Send one more callback now."""
        said = final(self.scenario, extra.status, at=self.age, index=0)
        beat = said.model_copy(
            update={
                "reported_at": said.at,
                "name": f"extra {extra.status}",
                "faults": Faults(wrong_secret=extra.wrong_secret),
            }
        )
        if extra.changes_result:
            self.beats = (*self.beats, beat)
        self._tell(beat, only=extra.generation, same_event=extra.same_event)

    def view(self, *, logins: int) -> PlayView:
        """Return all that is known of the play; `logins` counts those at the whole of Assure so far."""
        return PlayView(
            provider=PROVIDER,
            reference=self.reference,
            coordinates={"dossier_id": self.ids.dossier},
            finished=self.finished,
            will=tuple(
                Intention(at=beat.at, what=beat.name, callback=beat.event is not None and self.scenario.callbacks)
                for beat in self.beats
            ),
            meant=self.meant(),
            reads=self.reads,
            logins=logins - self._logins_before,
            downloads=dict(self.downloads),
        )

    def _is_pending(self) -> bool:
        standing = self.standing()
        return standing is not None and standing.status == PENDING

    def _play_on(self, beats: tuple[Beat, ...]) -> None:
        """Play another script from now on."""
        self._playing.cancel()
        self.beats = beats
        self._playing = self._engine.begin(self._play())

    def _happened_at(self, age: timedelta) -> datetime:
        return self._begun_at + age / self._engine.clock.scale

    async def _play(self) -> None:
        # The rest needs no playing: what is said of the process follows from its age.
        for beat in [beat for beat in self.beats if beat.event is not None]:
            await self._engine.clock.sleep_until(self.began + beat.at)
            if self.scenario.callbacks:
                self._tell(beat)
        self.script_ended = True

    def _tell(self, beat: Beat, *, only: Generation | None = None, same_event: bool = False) -> None:
        if not same_event:
            self._event_id = secrets.token_hex(16)
        for endpoint in self.scenario.endpoints:
            generation = endpoint.generation or self.scenario.generation
            if only in {None, generation} and (beat.event == COMPLETE or generation is Generation.EVENTS):
                self._deliver(beat, endpoint, generation)

    def _deliver(self, beat: Beat, endpoint: Subscriber, generation: Generation) -> None:
        kind = self.scenario.content_type
        event = Event(
            name=beat.name,
            content=json.dumps(self._body(beat, generation)).encode(),
            headers={} if kind is None else {"Content-Type": kind},
        )
        self.deliveries.append(
            self._engine.deliver(
                contract(self.scenario, generation),
                event,
                endpoint,
                faults=beat.faults,
                redeliveries=self.scenario.redeliveries,
            )
        )

    def _body(self, beat: Beat, generation: Generation) -> dict[str, Any]:
        standing = self.standing()
        status = beat.status or (standing.status if standing else DELETED)
        if generation is Generation.LEGACY:
            return payloads.callback(self.ids, status)
        return payloads.event(
            self.scenario,
            self.ids,
            number=self._event_id,
            name=beat.event or COMPLETE,
            status=status,
            at=self._happened_at(beat.at),
        )
