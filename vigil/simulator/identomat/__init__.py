"""Identomat, played: sessions that may reopen, their results, files and calls, and the callbacks that announce."""

import secrets
from collections.abc import Sequence
from typing import Final

from starlette.routing import BaseRoute

from vigil.simulator.engine import Engine
from vigil.simulator.identomat.api import REFUSED_KEY, Api
from vigil.simulator.identomat.payloads import CANARIES, MESSAGE_CANARIES
from vigil.simulator.identomat.scenario import ExtraCallback, IdentomatScenario
from vigil.simulator.identomat.session import Session
from vigil.simulator.play import AlreadyPlayed, NotPlayed, PlayView

__all__ = ["CANARIES", "MESSAGE_CANARIES", "REFUSED_KEY", "Identomat"]

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_LENGTH: Final = 40


class Identomat:
    """The simulated Identomat. A session that its API begins calls nobody back: no call names an address for that."""

    name = "identomat"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions: dict[str, Session] = {}
        self._api = Api(self._begin, self._sessions.get)

    def routes(self) -> Sequence[BaseRoute]:
        """Return Identomat's own API."""
        return self._api.routes()

    def begin(self, ordered: bytes) -> PlayView:
        """Create a session and begin to play it."""
        return self._begin(IdentomatScenario.model_validate_json(ordered)).view()

    def send(self, reference: str, ordered: bytes) -> PlayView:
        """Send one more callback of a session now."""
        session = self._find(reference)
        session.send(ExtraCallback.model_validate_json(ordered))
        return session.view()

    def view(self, reference: str) -> PlayView:
        """Return what became of a session."""
        return self._find(reference).view()

    def _begin(self, scenario: IdentomatScenario) -> Session:
        reference = scenario.reference or "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
        if reference in self._sessions:
            raise AlreadyPlayed(f"reference: {reference} is being played already")
        session = Session(reference, scenario, self._engine)
        self._sessions[reference] = session
        return session

    def _find(self, reference: str) -> Session:
        if reference not in self._sessions:
            raise NotPlayed(f"{self.name} plays no verification with the reference {reference}")
        return self._sessions[reference]
