"""One job of Smile ID: plays its script and knows what is said of it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vigil.providers.smile_id.senders import CONTRACTS
from vigil.simulator.engine import Engine, Event, Faults
from vigil.simulator.play import Intention, Play, PlayView
from vigil.simulator.smile_id import v1_payloads, v3_payloads
from vigil.simulator.smile_id.links import Links
from vigil.simulator.smile_id.scenario import ExtraCallback, Generation, Ids, SmileIdScenario
from vigil.simulator.smile_id.script import PROCESSING, Beat, result, results, script, status, verdict
from vigil.simulator.smile_id.signing import WRONG_KEY, signature, written

PROVIDER: Final = "smile_id"
EXPIRED: Final = timedelta(days=-1)


class Job(Play):
    """A play of Smile ID, on contract time. What it signs is dated in real time, or nobody would take it for new."""

    def __init__(
        self, ids: Ids, scenario: SmileIdScenario, engine: Engine, links: Links, *, logins_before: int
    ) -> None:
        super().__init__(ids.job, scenario, began=engine.clock.now())
        self.scenario: SmileIdScenario = scenario
        self.ids = ids
        self.beats = script(scenario)
        self._engine = engine
        self._links = links
        self._address = engine.address
        self._logins_before = logins_before
        self._begun_at = datetime.now(UTC)
        self._linked = 0
        self._playing = engine.begin(self._play())

    @property
    def age(self) -> timedelta:
        """How long ago it was created."""
        return self._engine.clock.now() - self.began

    @property
    def is_v3(self) -> bool:
        """Whether it is of the third generation."""
        return self.scenario.generation is Generation.V3

    def is_down(self) -> bool:
        """Whether what it says is in an outage."""
        return self.scenario.is_down(self.age)

    def submit(self) -> None:
        """Begin the verification now: the applicant has sent everything."""
        self._playing.cancel()
        self.scenario = self.scenario.model_copy(update={"silent": False, "think": self.age})
        self.beats = script(self.scenario)
        self._playing = self._engine.begin(self._play())

    def job_status(self, *, history: bool, image_links: bool, address: str) -> Mapping[str, Any]:
        """Return what the first generation's job_status says, signed."""
        if not any(beat.name == "submitted" and beat.at <= self.age for beat in self.beats):
            return self.signed(v1_payloads.not_submitted(self.scenario))
        reported = results(self.beats, self.age)
        told = v1_payloads.job_status(
            self.ids, self.scenario, reported, self._linker(address), history=history, image_links=image_links
        )
        return self.signed(told)

    def signed(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a reply of the first generation with its signature."""
        at = written(datetime.now(UTC), self.scenario.timestamp_form)
        return {**told, "timestamp": at, "signature": signature(at, self.scenario.partner_id, self.scenario.api_key)}

    def status(self) -> str:
        """Return what the third generation's status says."""
        found = status(self.beats, self.age)
        if found is None or found.word is None:
            return v3_payloads.NOT_FOUND
        is_over = found.word != PROCESSING
        return "complete" if is_over and self.scenario.says_complete else found.word

    def replay(self, url: str | None = None) -> bool:
        """Send the last callback again, to an address of its own if one is given; False: the job is not over."""
        found = status(self.beats, self.age)
        if found is None or found.word == PROCESSING:
            return False
        again = {"name": f"replay {found.word}", "faults": Faults(dropped=self.scenario.replays_lost)}
        self._tell(found.model_copy(update=again), url=url)
        return True

    def send(self, extra: ExtraCallback) -> None:
        """Send one more callback now."""
        beat = self._extra_v3(extra) if self.is_v3 else self._extra_v1(extra)
        if extra.changes_result:
            self.beats = (*self.beats, beat)
        faults = {"name": f"extra {beat.name}", "faults": Faults(wrong_secret=extra.wrong_secret)}
        self._tell(beat.model_copy(update=faults))

    def view(self, *, logins: int) -> PlayView:
        """Return all that is known of the play; `logins` counts those at the whole of Smile ID so far."""
        coordinates = {} if self.is_v3 else {"user_id": self.ids.user, "job_type": str(self.scenario.job_type)}
        return PlayView(
            provider=PROVIDER,
            reference=self.reference,
            coordinates=coordinates,
            finished=self.finished,
            will=tuple(
                Intention(at=beat.at, what=beat.name, callback=beat.is_told and self.scenario.callbacks)
                for beat in self.beats
            ),
            meant=self.meant(),
            reads=self.reads,
            logins=logins - self._logins_before,
            downloads=dict(self.downloads),
        )

    def _extra_v1(self, extra: ExtraCallback) -> Beat:
        told = results(self.beats, self.age)
        code = extra.code or (told[-1].word if told else None) or self.scenario.own_code
        beat = result(self.scenario, code, at=self.age)
        return beat.model_copy(update={"is_settled": True, "is_final": True})

    def _extra_v3(self, extra: ExtraCallback) -> Beat:
        said = extra.status or self.scenario.status
        beat = verdict(said, at=self.age, reason=extra.reason, product=extra.product)
        return beat.model_copy(update={"is_settled": True, "is_final": True})

    async def _play(self) -> None:
        # The rest needs no playing: what is said of the job follows from its age.
        for beat in [beat for beat in self.beats if beat.is_told]:
            await self._engine.clock.sleep_until(self.began + beat.at)
            if self.scenario.callbacks:
                self._tell(beat)
        self.script_ended = True

    def _tell(self, beat: Beat, *, url: str | None = None) -> None:
        event = self._event(beat)
        for endpoint in self.scenario.endpoints:
            self.deliveries.append(
                self._engine.deliver(
                    CONTRACTS[self.scenario.generation.value],
                    event,
                    endpoint if url is None else endpoint.model_copy(update={"url": url}),
                    faults=beat.faults,
                    redeliveries=self.scenario.redeliveries,
                )
            )

    def _event(self, beat: Beat) -> Event:
        at = written(datetime.now(UTC) - self.scenario.timestamp_age, self.scenario.timestamp_form)
        key = WRONG_KEY if beat.faults.wrong_secret else self.scenario.api_key
        link = self._linker(self._address)
        kind = self.scenario.content_type
        headers = {} if kind is None else {"Content-Type": kind}
        if self.is_v3:
            # What signs a partner's id that begins with zeros is unknown; v3 itself never writes them.
            proof = signature(at, self.scenario.partner_id.lstrip("0"), key)
            headers |= v3_payloads.headers(self.ids, self.scenario)
            headers |= {"Response-Timestamp": at, "Response-Signature": proof}
            ended_at = self._begun_at + beat.at / self._engine.clock.scale
            body = v3_payloads.webhook(self.ids, self.scenario, beat, link, ended_at=ended_at)
        else:
            body = v1_payloads.result(self.ids, self.scenario, beat, link)
            body |= {"timestamp": at, "signature": signature(at, self.scenario.partner_id, key)}
        return Event(name=beat.name, content=json.dumps(body).encode(), headers=headers)

    def _linker(self, address: str) -> v1_payloads.Link:
        """Return what makes the links of one body."""
        self._linked += 1
        life = EXPIRED if self._linked <= self.scenario.dead_links else self.scenario.links_live_for
        return lambda name: self._links.link(address, self.reference, name, live_for=life)
