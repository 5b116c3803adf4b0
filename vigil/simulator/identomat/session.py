"""One session at Identomat: plays its script and knows what is said of it."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from vigil.providers.identomat.senders import CONTRACT
from vigil.simulator.engine import Engine, Event, Faults
from vigil.simulator.identomat import payloads
from vigil.simulator.identomat.scenario import Company, ExtraCallback, IdentomatScenario, Room
from vigil.simulator.identomat.script import DELETED, EXPIRED, Beat, is_submitted, script, status_beat, status_of
from vigil.simulator.play import Intention, Play, PlayView


class Session(Play):
    """A play of Identomat, on contract time."""

    def __init__(self, reference: str, scenario: IdentomatScenario, engine: Engine) -> None:
        super().__init__(reference, scenario, began=engine.clock.now())
        self.scenario: IdentomatScenario = scenario
        self.beats = script(scenario)
        self._engine = engine
        self._is_erased = False
        engine.begin(self._play())

    @property
    def age(self) -> timedelta:
        """How long ago it was created."""
        return self._engine.clock.now() - self.began

    @property
    def is_gone(self) -> bool:
        """Whether Identomat knows nothing of it any more."""
        status = status_of(self.beats, self.age)
        is_forgotten = status == EXPIRED and self.scenario.expired_result == "not_found"
        return self._is_erased or status == DELETED or is_forgotten

    def is_down(self) -> bool:
        """Whether its result is in an outage."""
        return self.scenario.is_down(self.age)

    def is_submitted(self) -> bool:
        """Whether the applicant has sent pictures and data."""
        return is_submitted(self.beats, self.age)

    def result(self) -> Mapping[str, Any]:
        """Return what its result says now."""
        status = status_of(self.beats, self.age)
        return payloads.result(self.scenario, status, age=self.age, is_submitted=self.is_submitted())

    def recorded(self) -> tuple[Room, ...]:
        """Return the calls whose recording has been announced, or would have been."""
        return tuple(room for room in self.scenario.rooms if room.ends == "recorded" and room.told_at <= self.age)

    def erase(self) -> None:
        """Forget all that is known of the applicant."""
        self._is_erased = True

    def send(self, extra: ExtraCallback) -> None:
        """Send one more callback now."""
        beat = status_beat(self.scenario, extra.result, at=self.age)
        if extra.changes_result:
            self.beats = tuple(sorted((*self.beats, beat), key=lambda each: each.at))
        told = {
            "name": f"extra {beat.name}",
            "body": payloads.session_change(self.scenario, extra.result),
            "faults": Faults(wrong_secret=extra.wrong_secret),
        }
        self._tell(beat.model_copy(update=told))

    def view(self) -> PlayView:
        """Return all that is known of the play."""
        return PlayView(
            provider=CONTRACT.sender,
            reference=self.reference,
            finished=self.finished,
            will=tuple(
                Intention(at=beat.at, what=beat.name, callback=beat.body is not None and self.scenario.callbacks)
                for beat in self.beats
            ),
            meant=self.meant(),
            reads=self.reads,
            logins=0,
            downloads=dict(self.downloads),
        )

    async def _play(self) -> None:
        # The rest needs no playing: what is said of the session follows from its age.
        for beat in [beat for beat in self.beats if beat.body is not None]:
            await self._engine.clock.sleep_until(self.began + beat.at)
            if self.scenario.callbacks:
                self._tell(beat)
        self.script_ended = True

    def _tell(self, beat: Beat) -> None:
        if beat.body is None:
            return
        for endpoint in self.scenario.endpoints:
            self.deliveries.append(
                self._engine.deliver(
                    CONTRACT,
                    self._event(beat, beat.body, endpoint),
                    endpoint,
                    faults=beat.faults,
                    redeliveries=self.scenario.redeliveries,
                )
            )

    def _event(self, beat: Beat, body: Mapping[str, Any], endpoint: Company) -> Event:
        key = payloads.WRONG_KEY if beat.faults.wrong_secret else endpoint.callback_api_key
        kind = self.scenario.content_type
        return Event(
            name=beat.name,
            content=json.dumps(payloads.signed(body, self.reference, key)).encode(),
            headers={} if kind is None else {"Content-Type": kind},
        )
