"""One job of Smile ID: its callbacks and its result."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from vigil.providers.smile_id.senders import CONTRACTS
from vigil.simulator.base import Outgoing, SimulatedVerification, latest
from vigil.simulator.engine import Callback, Engine, Faults
from vigil.simulator.smile_id import v1_payloads, v3_payloads
from vigil.simulator.smile_id.files import Link, Links
from vigil.simulator.smile_id.scenario import ExtraCallback, Generation, Ids, SmileIdScenario
from vigil.simulator.smile_id.script import PROCESSING, Event, result, script, verdict
from vigil.simulator.smile_id.signing import WRONG_KEY, SignedTimes, signature

LINKS_LIVE_FOR: Final = timedelta(minutes=15)
"""As integrators report of v3; unknown of v1."""
EXPIRED: Final = timedelta(days=-1)


class Job(SimulatedVerification[SmileIdScenario, Event]):
    """One job. Its signatures have the real time, since receivers reject old ones."""

    def __init__(self, ids: Ids, scenario: SmileIdScenario, engine: Engine, links: Links, times: SignedTimes) -> None:
        super().__init__(ids.job, scenario, engine, script(scenario))
        self.ids = ids
        self._links = links
        self._times = times
        self._address = engine.address
        self._bodies_with_links = 0

    @property
    def is_v3(self) -> bool:
        """Whether it is of the third generation."""
        return self.scenario.generation is Generation.V3

    @property
    def coordinates(self) -> Mapping[str, str]:
        """The user and the job type, without which the first generation returns no result."""
        return {} if self.is_v3 else {"user_id": self.ids.user, "job_type": str(self.scenario.job_type)}

    def submit(self) -> None:
        """Begin the verification now: the applicant has submitted everything."""
        self.scenario = self.scenario.model_copy(update={"silent": False, "think": self.age})
        self.follow(script(self.scenario))

    def job_status(self, *, history: bool, image_links: bool, address: str) -> Mapping[str, Any]:
        """Return the reply of the first generation's job_status, signed."""
        if not any(event.name == "submitted" and event.at <= self.age for event in self.script):
            return self._signed(v1_payloads.NOT_SUBMITTED)
        results, link = self._results(), self._linker(address)
        body = v1_payloads.job_status(self.ids, self.scenario, results, link)
        if history:
            body["history"] = [v1_payloads.result(self.ids, self.scenario, event, link) for event in results[::-1]]
        if image_links:
            body["image_links"] = v1_payloads.image_links(self.scenario, link)
        return self._signed(body)

    def result_now(self, *, address: str) -> Mapping[str, Any]:
        """Return the newest result, as the reply to a lookup has it, signed."""
        return self._signed(v1_payloads.result(self.ids, self.scenario, self._results()[-1], self._linker(address)))

    def _results(self) -> list[Event]:
        """Return the results that it shows now, the oldest first."""
        return [event for event in self.script if event.kind is not None and event.shown_at <= self.age]

    def _signed(self, body: Mapping[str, Any], *, key: str | None = None) -> Mapping[str, Any]:
        at = self._times.next()
        proof = signature(at, self.scenario.partner_id, key or self.scenario.api_key)
        return {**body, "timestamp": at, "signature": proof}

    def status(self) -> str:
        """Return the status of the third generation."""
        event = latest(self.script, self.age)
        return PROCESSING if event is None else event.status or PROCESSING

    def replay(self) -> bool:
        """Send the last callback again; False: the job is not complete."""
        event = latest(self.script, self.age)
        if event is None or event.status == PROCESSING:
            return False
        faults = Faults(dropped=self.scenario.replays_lost)
        self.announce(replace(event, name=f"replay {event.word}", faults=faults))
        return True

    def extra_event(self, ordered: bytes) -> Event:
        """Return the event of one more callback. Raises `ValidationError`."""
        word = ExtraCallback.model_validate_json(ordered).word
        event = verdict(word, at=self.age) if self.is_v3 else result(self.scenario, word, at=self.age)
        return replace(event, name=f"extra {event.name}", is_settled=True)

    def callbacks(self, event: Event) -> Iterable[Outgoing]:
        """Return one callback for each endpoint."""
        key = WRONG_KEY if event.faults.wrong_secret else self.scenario.api_key
        link, headers = self._linker(self._address), {"Content-Type": "application/json"}
        body: Mapping[str, Any]
        if self.is_v3:
            at = self._times.next()
            # Unknown: what signs a partner id that begins with zeros. v3 itself never writes them.
            proof = signature(at, self.scenario.partner_id.lstrip("0"), key)
            headers |= v3_payloads.headers(self.ids, self.scenario)
            headers |= {"Response-Timestamp": at, "Response-Signature": proof}
            body = v3_payloads.webhook(self.scenario, event, link, ended_at=self.happened_at(event.at))
        else:
            body = self._signed(v1_payloads.result(self.ids, self.scenario, event, link), key=key)
        callback = Callback(name=event.name, content=json.dumps(body).encode(), headers=headers)
        contract = CONTRACTS[self.scenario.generation.value]
        return [(contract, callback, endpoint) for endpoint in self.scenario.endpoints]

    def _linker(self, address: str) -> Link:
        """Return what makes the links of one body."""
        self._bodies_with_links += 1
        life = EXPIRED if self._bodies_with_links <= self.scenario.dead_links else LINKS_LIVE_FOR
        return lambda name: self._links.link(address, self.reference, name, live_for=life)
