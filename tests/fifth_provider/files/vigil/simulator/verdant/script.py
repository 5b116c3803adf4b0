"""One inquiry at Verdant: its script, its callbacks and its result."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from vigil.providers.verdant.senders import CONTRACT
from vigil.simulator.base import Outgoing, ScriptedEvent, SimulatedVerification
from vigil.simulator.engine import WRONG_SECRET, Callback
from vigil.simulator.verdant import payloads
from vigil.simulator.verdant.scenario import ExtraCallback, VerdantScenario


@dataclass(frozen=True, kw_only=True)
class Verdict(ScriptedEvent):
    """The verdict on one part."""

    part: str
    verdict: str


def script(scenario: VerdantScenario) -> Iterator[Verdict]:
    """Return the verdicts on both parts; the second one is final."""
    parts = {"document": scenario.document, "face": scenario.face}
    given = [(part, verdict) for part, verdict in parts.items() if verdict is not None]
    for number, (part, verdict) in enumerate(given, start=1):
        at = scenario.think + scenario.step_every * number
        is_final = number == len(parts)
        yield Verdict(at=at, name=f"{part} {verdict}", is_announced=True, is_final=is_final, part=part, verdict=verdict)


class Inquiry(SimulatedVerification[VerdantScenario, Verdict]):
    """One inquiry."""

    links = 0

    def callbacks(self, event: Verdict) -> Iterable[Outgoing]:
        """Return one callback for each endpoint, with the token in its body."""
        token = WRONG_SECRET if event.faults.wrong_secret else self.scenario.token
        body = payloads.callback(self.reference, part=event.part, verdict=event.verdict, token=token)
        callback = Callback(name=event.name, content=json.dumps(body).encode(), headers=payloads.HEADERS)
        return [(CONTRACT, callback, endpoint) for endpoint in self.scenario.endpoints]

    def extra_event(self, ordered: bytes) -> Verdict:
        """Return the event of one more callback. Raises `ValidationError`."""
        extra = ExtraCallback.model_validate_json(ordered)
        return Verdict(at=self.age, name=f"extra {extra.part}", part=extra.part, verdict=extra.verdict)

    def body(self, base: str) -> dict[str, Any]:
        """Return the inquiry as of now, with a fresh link."""
        verdicts = {event.part: event.verdict for event in self.script if event.shown_at <= self.age}
        self.links += 1
        return payloads.inquiry(self.reference, verdicts, base=base, link=str(self.links))

    def has_expired(self, link: str) -> bool:
        """Return whether a link has expired."""
        return not link.isdecimal() or int(link) <= self.scenario.expired_links
