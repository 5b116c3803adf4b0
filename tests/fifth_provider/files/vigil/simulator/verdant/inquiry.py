"""One inquiry at Verdant: plays its two parts and knows what is told of it."""

import json
from datetime import timedelta
from typing import Any

from vigil.domain.terms import Frozen
from vigil.providers.verdant.senders import CONTRACT
from vigil.simulator.engine import WRONG_SECRET, Engine, Event, Faults
from vigil.simulator.files import File
from vigil.simulator.play import Intention, Play, PlayView
from vigil.simulator.verdant import payloads
from vigil.simulator.verdant.scenario import ExtraCallback, VerdantScenario


class Beat(Frozen):
    """One part gets its verdict. `told_at` is when the inquiry shows it."""

    at: timedelta
    told_at: timedelta
    part: str
    verdict: str
    faults: Faults


class Inquiry(Play):
    """A play of Verdant, on contract time."""

    def __init__(self, reference: str, scenario: VerdantScenario, engine: Engine) -> None:
        super().__init__(reference, scenario, began=engine.clock.now())
        self.scenario: VerdantScenario = scenario
        self.beats = _beats(scenario)
        self._engine = engine
        self._links = 0
        engine.begin(self._play())

    def is_down(self) -> bool:
        """Whether Verdant answers nothing about this inquiry now."""
        return self.scenario.is_down(self._age())

    def told(self, *, base: str) -> dict[str, Any]:
        """Return the inquiry as of now, with a fresh link."""
        verdicts = {beat.part: beat.verdict for beat in self.beats if beat.told_at <= self._age()}
        self._links += 1
        return payloads.inquiry(self.reference, verdicts, base=base, link=str(self._links))

    def has_expired(self, link: str) -> bool:
        """Whether a link opens nothing any more."""
        return not link.isdecimal() or int(link) <= self.scenario.expired_links

    def file(self, name: str) -> File:
        """Return a file's bytes."""
        return payloads.file(self.reference, name)

    def send(self, extra: ExtraCallback) -> None:
        """Send one more callback now."""
        self._tell(extra.part, extra.verdict, Faults())

    def view(self) -> PlayView:
        """Return all that is known of the play."""
        return PlayView(
            provider=CONTRACT.sender,
            reference=self.reference,
            finished=self.finished,
            will=tuple(Intention(at=beat.at, what=beat.part, callback=self.scenario.callbacks) for beat in self.beats),
            meant=self.meant(),
            reads=self.reads,
            logins=0,
            downloads=dict(self.downloads),
        )

    async def _play(self) -> None:
        for beat in self.beats:
            await self._engine.clock.sleep_until(self.began + beat.at)
            if self.scenario.callbacks:
                self._tell(beat.part, beat.verdict, beat.faults)
        self.script_ended = True

    def _tell(self, part: str, verdict: str, faults: Faults) -> None:
        token = WRONG_SECRET if faults.wrong_secret else self.scenario.token
        body = payloads.callback(self.reference, part=part, verdict=verdict, token=token)
        event = Event(name=f"{part} {verdict}", content=json.dumps(body).encode(), headers=payloads.HEADERS)
        for endpoint in self.scenario.endpoints:
            self.deliveries.append(
                self._engine.deliver(CONTRACT, event, endpoint, faults=faults, redeliveries=self.scenario.redeliveries)
            )

    def _age(self) -> timedelta:
        return self._engine.clock.now() - self.began


def _beats(scenario: VerdantScenario) -> tuple[Beat, ...]:
    given = {"document": scenario.document, "face": scenario.face}
    verdicts = [(part, verdict) for part, verdict in given.items() if verdict is not None]
    ends_at = scenario.think + scenario.step_every * len(verdicts)
    beats = []
    for index, (part, verdict) in enumerate(verdicts):
        at = scenario.think + scenario.step_every * (index + 1)
        is_last = index + 1 == len(given)
        faults = scenario.faults_of(index=index, final=is_last, until_final=ends_at - at)
        lag = scenario.lagging_report + faults.delay if is_last and scenario.lagging_report else timedelta(0)
        beats.append(Beat(at=at, told_at=at + lag, part=part, verdict=verdict, faults=faults))
    return tuple(beats)
