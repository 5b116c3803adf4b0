"""One enrollment at ID360: its script, its callbacks and its report."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from vigil.providers.id360.senders import CONTRACT
from vigil.simulator.base import Outgoing, ScriptedEvent, SimulatedVerification, latest
from vigil.simulator.engine import Callback
from vigil.simulator.id360 import payloads
from vigil.simulator.id360.payloads import STEPS
from vigil.simulator.id360.scenario import ExtraCallback, Id360Scenario, Outcome

NEW: Final = "NEW"
STARTED: Final = "STARTED"
USER_PROCESSING: Final = "UP"
SYSTEM_PROCESSING: Final = "SP"
"""These two are documented as codes of subscriptions only; what their callbacks hold is not known."""
_OPEN: Final = frozenset({NEW, STARTED, USER_PROCESSING, SYSTEM_PROCESSING})

_CODES: Final = {STARTED: "I", "FAILED": "F", "CANCELED": "C", USER_PROCESSING: "UP", SYSTEM_PROCESSING: "SP"}
"""By status, the code of its callbacks. All others are announced as an end, also those that ID360 does not document."""
_REASONS: Final = {"KO": "1 validations failed: IDENTITY_DOCUMENT.expired", "FAILED": "processing time exceeded"}


@dataclass(frozen=True, kw_only=True)
class Event(ScriptedEvent):
    """One change of an enrollment, with the number of steps that the report shows as done."""

    done: int = 0


def script(scenario: Id360Scenario) -> Iterator[Event]:
    """Return all changes of an enrollment."""
    yield Event(at=timedelta(0), name="created", status=NEW)
    yield Event(at=scenario.think, name="begun", status=STARTED)
    if scenario.external_means:
        for part, status in ((4, USER_PROCESSING), (2, SYSTEM_PROCESSING)):
            at = scenario.think + scenario.step_every / part
            yield Event(at=at, name=f"external means {status}", status=status, is_announced=True)
    is_whole = scenario.outcome not in {Outcome.CANCELED, Outcome.SILENT}
    steps = STEPS if is_whole else STEPS[: len(STEPS) // 2]
    at = scenario.think
    for done, step in enumerate(steps, start=1):
        at += scenario.step_every
        yield Event(at=at, name=f"step {done}: {step}", status=STARTED, is_announced=True, done=done)
    if scenario.outcome is not Outcome.SILENT:
        status = scenario.unknown_status or scenario.outcome.value
        yield _final(status, at=at + scenario.step_every, done=len(steps))


def _final(status: str, *, at: timedelta, done: int) -> Event:
    return Event(at=at, name=f"final {status}", status=status, is_announced=True, is_final=True, done=done)


class Enrollment(SimulatedVerification[Id360Scenario, Event]):
    """One enrollment."""

    @property
    def number(self) -> int:
        """The reference, as ID360's JSON has it."""
        return int(self.reference)

    def callbacks(self, event: Event) -> Iterable[Outgoing]:
        """Return one callback for each endpoint that has subscribed to the event's code."""
        status = event.status or NEW
        done = event.done if status in _OPEN else len(STEPS)
        body = payloads.callback(self.number, status, _REASONS.get(status), done=done)
        if status == STARTED:
            body["enrollment_step"] = payloads.enrollment_step(event.done)
        callback = Callback(name=event.name, content=json.dumps(body).encode(), headers=payloads.HEADERS)
        code = _CODES.get(status, "E")
        return [(CONTRACT, callback, endpoint) for endpoint in self.scenario.endpoints if code in endpoint.on]

    def extra_event(self, ordered: bytes) -> Event:
        """Return the event of one more callback. Raises `ValidationError`."""
        extra = ExtraCallback.model_validate_json(ordered)
        return Event(at=self.age, name=f"extra {extra.status}", status=extra.status, done=len(STEPS))

    def created(self) -> dict[str, Any]:
        """Return ID360's answer to the creation."""
        return payloads.enrollment(self.number, self.scenario.client_reference, created_at=self.began_at)

    def report(self, *, base: str, allow_draft: bool) -> dict[str, Any] | None:
        """Return the report as of now; None: it is not ready."""
        event = self._shown()
        status = event.status or NEW
        if status in _OPEN and not allow_draft:
            return None
        report = payloads.Report(
            reference=self.number,
            client_reference=self.scenario.client_reference,
            status=status,
            reason=_REASONS.get(status),
            done=event.done,
            created_at=self.began_at,
        )
        return report.body(base)

    def documents(self) -> dict[int, tuple[str, int]]:
        """Return the documents that can be downloaded now, by id: slot and number of pages."""
        return payloads.documents(self.number, self._shown().done)

    def _shown(self) -> Event:
        return latest(self.script, self.age) or self.script[0]
