"""One process of Assure: its script, its callbacks and its state."""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from vigil.simulator.base import Outgoing, ScriptedEvent, SimulatedVerification, latest
from vigil.simulator.engine import Callback, Faults
from vigil.simulator.signicat import payloads
from vigil.simulator.signicat.contracts import contract
from vigil.simulator.signicat.payloads import PENDING, PROCESSING, State
from vigil.simulator.signicat.scenario import ExtraCallback, Generation, Outcome, SignicatScenario

LISTED_FOR: Final = timedelta(days=30)


def script(scenario: SignicatScenario) -> Iterator[ScriptedEvent]:
    """Return all changes of a process."""
    created_at = scenario.hosted_capture or timedelta(0)
    yield ScriptedEvent(at=created_at, name="created", status=PENDING)
    if scenario.outcome is Outcome.SILENT:
        return
    processing_at = created_at + scenario.think
    yield ScriptedEvent(at=processing_at, name=PROCESSING, status=PROCESSING)
    status = scenario.unknown_status or scenario.outcome.value
    yield ScriptedEvent(
        at=processing_at + scenario.processing_for,
        name=f"final {status}",
        status=status,
        is_announced=True,
        is_final=True,
        faults=Faults(lost_when_held=not scenario.held_is_resent),
    )


class Process(SimulatedVerification[SignicatScenario, ScriptedEvent]):
    """One process; its reference is the ids of dossier and process."""

    @property
    def coordinates(self) -> Mapping[str, str]:
        """The id of its dossier."""
        return {"dossier_id": self.reference.partition(":")[0]}

    @property
    def is_listed(self) -> bool:
        """Whether it is young enough for the list over all dossiers."""
        return self.age - self.script[0].at <= LISTED_FOR

    @property
    def final_for(self) -> timedelta | None:
        """How long its result has shown its end; None: it has not ended."""
        event = latest(self.script, self.age)
        return self.age - event.shown_at if event is not None and event.is_final else None

    def state(self) -> State | None:
        """Return its state as of now; None: it does not exist yet."""
        event = latest(self.script, self.age)
        if event is None or event.status is None:
            return None
        return State(
            reference=self.reference,
            scenario=self.scenario,
            status=event.status,
            created_at=self.happened_at(self.script[0].at),
            updated_at=self.happened_at(event.at),
        )

    def submit(self) -> bool:
        """Begin the verification now, as the applicant's application does; False: the process is not pending."""
        state = self.state()
        if state is None or state.status != PENDING:
            return False
        thought_for = self.age - (self.scenario.hosted_capture or timedelta(0))
        self.follow(script(self.scenario.model_copy(update={"think": thought_for})))
        return True

    def callbacks(self, event: ScriptedEvent) -> Iterable[Outgoing]:
        """Return one callback for each endpoint, of the endpoint's generation."""
        status, event_id = event.status or PENDING, secrets.token_hex(16)
        for endpoint in self.scenario.endpoints:
            generation = endpoint.generation or self.scenario.generation
            body: Mapping[str, Any] = payloads.callback(self.reference, status)
            if generation is Generation.EVENTS:
                data = {**body, "externalReference": self.scenario.external_reference}
                body = payloads.event(event_id, data, at=self.happened_at(event.at))
            callback = Callback(name=event.name, content=json.dumps(body).encode())
            yield contract(self.scenario, generation), callback, endpoint

    def extra_event(self, ordered: bytes) -> ScriptedEvent:
        """Return the event of one more callback. Raises `ValidationError`."""
        extra = ExtraCallback.model_validate_json(ordered)
        return ScriptedEvent(at=self.age, name=f"extra {extra.status}", status=extra.status)
