"""What all simulated providers share: verifications that follow a script, and the control over them.

A provider brings a scenario (its options), a script (what happens when), payloads (its JSON) and routes (its API).
"""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute

from vigil.domain.models import StrictModel
from vigil.domain.sender_contract import SenderContract
from vigil.simulator.engine import NO_FAULTS, Attempt, Callback, Delivery, Endpoint, Engine, Faults
from vigil.simulator.files import File
from vigil.simulator.responses import download
from vigil.simulator.scenario import Scenario
from vigil.simulator.story import SimulatedAccount, Story


@dataclass(frozen=True, kw_only=True)
class ScriptedEvent:
    """One change of a verification, due when the verification has the age `at`.

    `status` is the provider's word that the result shows from then on; None: the result keeps its word. `lag` is how
    much later the result shows it. An event that `is_announced` has a callback, which `faults` may spoil.
    """

    at: timedelta
    name: str
    status: str | None = None
    is_announced: bool = False
    is_final: bool = False
    lag: timedelta = timedelta(0)
    faults: Faults = NO_FAULTS

    @property
    def shown_at(self) -> timedelta:
        """The age of the verification from which on its result shows the event."""
        return self.at + self.lag


S = TypeVar("S", bound=Scenario)
E = TypeVar("E", bound=ScriptedEvent)

Outgoing: TypeAlias = tuple[SenderContract, Callback, Endpoint]
"""One callback to one endpoint, and the contract by which it is sent."""


def with_faults(scenario: Scenario, events: Iterable[E]) -> tuple[E, ...]:
    """Return the events in order, and give each announced one the faults that the scenario orders, beside its own."""
    ordered = sorted(events, key=lambda event: event.at)
    finals = [event.at for event in ordered if event.is_final]
    index = count()
    return tuple(
        _with_faults(scenario, event, next(index), finals) if event.is_announced else event for event in ordered
    )


def _with_faults(scenario: Scenario, event: E, index: int, finals: Sequence[timedelta]) -> E:
    until_final = next((at - event.at for at in finals if at >= event.at), timedelta(0))
    faults = scenario.faults_of(index=index, final=event.is_final, until_final=until_final)
    is_late = event.is_final and scenario.lagging_report
    lag = scenario.lagging_report + faults.delay if is_late else timedelta(0)
    return replace(event, faults=faults.combined(event.faults), lag=lag)


def latest(events: Iterable[E], age: timedelta) -> E | None:
    """Return the event whose status the result shows at an age; None: there is none yet."""
    shown = [event for event in events if event.status is not None and event.shown_at <= age]
    return shown[-1] if shown else None


def first_problem(error: ValidationError) -> str:
    """Return the first problem: the name of the field, and the message."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


class PlannedEvent(StrictModel):
    """One event of the script, at which age it is due, and whether a callback announces it."""

    at: timedelta
    what: str
    callback: bool


class DeliveryView(StrictModel):
    """One callback to one endpoint, and its attempts so far. Times are the age of the verification."""

    event: str
    url: str
    body: str
    dropped: bool
    finished: bool
    attempts: tuple[Attempt, ...]


class VerificationView(StrictModel):
    """All that a tester can see of a verification. `finished`: no callback is due any more.

    `coordinates` are what the provider returned at the creation beside the reference.
    """

    provider: str
    reference: str
    coordinates: Mapping[str, str]
    finished: bool
    script: tuple[PlannedEvent, ...]
    deliveries: tuple[DeliveryView, ...]
    reads: int
    logins: int
    downloads: Mapping[str, int]


class SimulatedVerification(ABC, Generic[S, E]):
    """One verification at a simulated provider, on contract time: its script, its callbacks, its reads and downloads.

    What its result shows follows from its age, so only the callbacks need a task. `begin` starts it.
    """

    logins_before = 0

    def __init__(self, reference: str, scenario: S, engine: Engine, script: Iterable[E]) -> None:
        self.reference = reference
        self.scenario = scenario
        self.engine = engine
        self.script = with_faults(scenario, script)
        self.began = engine.clock.now()
        self.began_at = datetime.now(UTC)
        self.reads = 0
        self.downloads: Counter[str] = Counter()
        self.deliveries: list[Delivery] = []
        self._announcing: asyncio.Task[None] | None = None
        self._is_announced = False
        self._announced = 0
        """How many events of the script are behind it."""

    @abstractmethod
    def callbacks(self, event: E) -> Iterable[Outgoing]:
        """Return the callbacks that announce an event."""

    @abstractmethod
    def extra_event(self, ordered: bytes) -> E:
        """Return the event of one more callback that a tester orders in JSON. Raises `ValidationError`."""

    @property
    def coordinates(self) -> Mapping[str, str]:
        """What the provider returned at the creation beside the reference."""
        return {}

    @property
    def age(self) -> timedelta:
        """How long ago it was created."""
        return self.engine.clock.now() - self.began

    def happened_at(self, age: timedelta) -> datetime:
        """Return when it had an age, in real time."""
        return self.began_at + age / self.engine.clock.scale

    def begin(self) -> None:
        """Send the callbacks of the script, each when it is due."""
        self._announcing = self.engine.begin(self._announce_all())

    def follow(self, script: Iterable[E]) -> None:
        """Replace the script from now on."""
        if self._announcing is not None:
            self._announcing.cancel()
        self.script = with_faults(self.scenario, script)
        self._announced = 0
        self.begin()

    def __getstate__(self) -> dict[str, Any]:
        """Return what outlives the process: everything but the task that sends the callbacks."""
        return {**vars(self), "_announcing": None}

    def resume(self) -> None:
        """Go on after a restart. Callbacks that became due meanwhile are sent now; repetitions are lost."""
        for delivery in self.deliveries:
            delivery.finished = True
        if not self._is_announced:
            self.begin()

    async def _announce_all(self) -> None:
        for event in self.script[self._announced :]:
            if event.is_announced:
                await self.engine.clock.sleep_until(self.began + event.at)
                if self.scenario.callbacks:
                    self.announce(event)
            self._announced += 1
        self._is_announced = True

    def announce(self, event: E) -> None:
        """Send the callbacks of an event now."""
        for contract, callback, endpoint in self.callbacks(event):
            self.deliveries.append(self.engine.deliver(contract, callback, endpoint, faults=event.faults))

    def count_read(self) -> None:
        """Count a read of the result. Raises `HTTPException` 503 in an outage of this verification."""
        self.reads += 1
        if self.scenario.is_down(self.age):
            raise HTTPException(503)

    def send_file(self, name: str, file: File) -> Response:
        """Return the response to the download of a file, with the faults that the scenario orders."""
        return download(
            file,
            earlier=self.count_download(name),
            cut=self.scenario.cut_downloads,
            corrupt=self.scenario.corrupt_downloads,
        )

    def count_download(self, name: str) -> int:
        """Count a download of a file, and return how many there were before."""
        self.downloads[name] += 1
        return self.downloads[name] - 1

    def view(self, *, provider: str, logins: int) -> VerificationView:
        """Return all that a tester can see; `logins` counts those at the provider so far."""
        return VerificationView(
            provider=provider,
            reference=self.reference,
            coordinates=self.coordinates,
            finished=self._is_announced and all(delivery.finished for delivery in self.deliveries),
            script=tuple(
                PlannedEvent(at=event.at, what=event.name, callback=event.is_announced and self.scenario.callbacks)
                for event in self.script
            ),
            deliveries=tuple(self._delivery_view(delivery) for delivery in self.deliveries),
            reads=self.reads,
            logins=logins - self.logins_before,
            downloads=dict(self.downloads),
        )

    def _delivery_view(self, delivery: Delivery) -> DeliveryView:
        return DeliveryView(
            event=delivery.callback.name,
            url=delivery.endpoint.url,
            body=delivery.callback.content.decode(errors="replace"),
            dropped=delivery.faults.dropped,
            finished=delivery.finished,
            attempts=tuple(each.model_copy(update={"at": each.at - self.began}) for each in delivery.attempts),
        )


V = TypeVar("V", bound=SimulatedVerification[Any, Any])


class ReferenceInUse(ValueError):
    """A scenario names a reference that another verification has."""


class UnknownReference(LookupError):
    """No simulated verification has this reference."""


class SimulatedProvider(ABC, Generic[S, V]):
    """One simulated provider: its verifications, its API and the control over both.

    `accounts` are ours at the provider, `stories` what `vigil demo` plays with them. `markers` are texts about the
    invented person, which occur nowhere else: all of them are in the results, so that one in a log proves a leak.
    """

    name: ClassVar[str]
    accounts: ClassVar[Sequence[SimulatedAccount]]
    stories: ClassVar[Sequence[Story]]
    markers: ClassVar[Mapping[str, str]]
    scenario_type: type[S]

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.verifications: dict[str, V] = {}
        self.logins = 0

    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """Return the provider's own API, without prefix."""

    @abstractmethod
    def create(self, scenario: S) -> V:
        """Create and `add` a verification. Raises `ReferenceInUse`."""

    def begin(self, ordered: bytes) -> VerificationView:
        """Create a verification that a tester orders in JSON. Raises `ValidationError` and `ReferenceInUse`."""
        return self._view(self.create(self.scenario_type.model_validate_json(ordered)))

    def send(self, reference: str, ordered: bytes) -> VerificationView:
        """Send one more callback now. Raises `ValidationError` and `UnknownReference`."""
        verification = self.find(reference)
        verification.announce(verification.extra_event(ordered))
        return self._view(verification)

    def view(self, reference: str) -> VerificationView:
        """Return all that a tester can see of a verification. Raises `UnknownReference`."""
        return self._view(self.find(reference))

    def find(self, reference: str) -> V:
        """Return a verification. Raises `UnknownReference`."""
        if reference not in self.verifications:
            raise UnknownReference(f"{self.name} simulates no verification with the reference {reference}")
        return self.verifications[reference]

    def find_or_404(self, reference: str) -> V:
        """Return a verification that a request names. Raises `HTTPException` 404."""
        if reference not in self.verifications:
            raise HTTPException(404)
        return self.verifications[reference]

    def add(self, verification: V) -> V:
        """Add a new verification, begin it and return it. Raises `ReferenceInUse`."""
        if verification.reference in self.verifications:
            raise ReferenceInUse(f"reference: {verification.reference} is simulated already")
        self.verifications[verification.reference] = verification
        verification.logins_before = self.logins
        verification.begin()
        return verification

    def _view(self, verification: V) -> VerificationView:
        return verification.view(provider=self.name, logins=self.logins)
