"""Signicat Assure, played: both generations, their dossiers, processes and files, and the callbacks that announce."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from vigil.simulator.engine import Engine
from vigil.simulator.play import NotPlayed, PlayView
from vigil.simulator.signicat.assure import Assure
from vigil.simulator.signicat.dossiers import Dossiers
from vigil.simulator.signicat.payloads import CANARIES
from vigil.simulator.signicat.process import PROVIDER, Process
from vigil.simulator.signicat.scenario import ExtraCallback, SignicatScenario
from vigil.simulator.signicat.tokens import REFUSED_SECRET, Tokens

__all__ = ["CANARIES", "REFUSED_SECRET", "Signicat"]


class Signicat:
    """The simulated Signicat Assure."""

    name = PROVIDER

    def __init__(self, engine: Engine) -> None:
        self._tokens = Tokens(engine.clock)
        self._dossiers = Dossiers(engine, self._tokens)
        self._assure = Assure(self._dossiers, self._tokens)

    def routes(self) -> Sequence[BaseRoute]:
        """Return Signicat's own API."""
        return [*self._tokens.routes(), *self._assure.routes()]

    def begin(self, ordered: bytes) -> PlayView:
        """Create a process, in a dossier that may exist already, and begin to play it."""
        process = self._dossiers.begin(SignicatScenario.model_validate_json(ordered))
        return process.view(logins=self._tokens.logins)

    def send(self, reference: str, ordered: bytes) -> PlayView:
        """Send one more callback of a process now."""
        process = self._find(reference)
        process.send(ExtraCallback.model_validate_json(ordered))
        return process.view(logins=self._tokens.logins)

    def view(self, reference: str) -> PlayView:
        """Return what became of a process."""
        return self._find(reference).view(logins=self._tokens.logins)

    def _find(self, reference: str) -> Process:
        dossier, _, number = reference.partition(":")
        process = self._dossiers.played(dossier, number)
        if process is None:
            raise NotPlayed(f"{self.name} plays no verification with the reference {reference}")
        return process
