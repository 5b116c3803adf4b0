"""One verification being played, and the protocol that a simulated provider keeps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from starlette.routing import BaseRoute

from vigil.domain.terms import Frozen
from vigil.simulator.engine import Attempt, Delivery
from vigil.simulator.scenario import Scenario


class Intention(Frozen):
    """What will happen, at which age of the verification; `callback` says whether anyone is told."""

    at: timedelta
    what: str
    callback: bool


class Meant(Frozen):
    """One event that was meant for one endpoint, and the attempts so far. Times are the verification's age."""

    event: str
    url: str
    body: str
    dropped: bool
    finished: bool
    attempts: tuple[Attempt, ...]


class PlayView(Frozen):
    """All that is known of a play. `finished`: no callback is due any more.

    `coordinates` are what the provider told at its creation beside the reference, or in its stead.
    """

    provider: str
    reference: str
    coordinates: Mapping[str, str] = {}
    finished: bool
    will: tuple[Intention, ...]
    meant: tuple[Meant, ...]
    reads: int
    logins: int
    downloads: Mapping[str, int]


class Play:
    """One verification being played: its scenario, its deliveries and what was asked of it."""

    def __init__(self, reference: str, scenario: Scenario, *, began: timedelta) -> None:
        self.reference = reference
        self.scenario = scenario
        self.began = began
        self.deliveries: list[Delivery] = []
        self.script_ended = False
        self.reads = 0
        self.downloads: Counter[str] = Counter()

    @property
    def finished(self) -> bool:
        """Whether no callback is due any more."""
        return self.script_ended and all(delivery.finished for delivery in self.deliveries)

    def meant(self) -> tuple[Meant, ...]:
        """Return every event that was meant so far, once per endpoint."""
        return tuple(
            Meant(
                event=delivery.event.name,
                url=delivery.endpoint.url,
                body=delivery.event.content.decode(errors="replace"),
                dropped=delivery.faults.dropped,
                finished=delivery.finished,
                attempts=tuple(
                    attempt.model_copy(update={"at": attempt.at - self.began}) for attempt in delivery.attempts
                ),
            )
            for delivery in self.deliveries
        )


class AlreadyPlayed(ValueError):
    """A scenario names a reference that is being played already."""


class NotPlayed(LookupError):
    """No verification with this reference is being played."""


class Simulator(Protocol):
    """One provider, played.

    `begin` and `send` take the JSON that the tester wrote and raise pydantic's `ValidationError` where it is wrong;
    `begin` raises `AlreadyPlayed`, `send` and `view` raise `NotPlayed`.
    """

    name: str

    def routes(self) -> Sequence[BaseRoute]:
        """Return the provider's own API, without prefix."""
        ...

    def begin(self, ordered: bytes) -> PlayView:
        """Create a verification at the provider and begin to play it."""
        ...

    def send(self, reference: str, ordered: bytes) -> PlayView:
        """Send one more event now."""
        ...

    def view(self, reference: str) -> PlayView:
        """Return what became of a verification."""
        ...
