"""All dossiers at the simulated Assure, and the processes in them."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from domain.terms import Frozen
from simulator.engine import Engine
from simulator.play import AlreadyPlayed
from simulator.signicat.payloads import Ids, Standing, written
from simulator.signicat.process import Process
from simulator.signicat.scenario import SignicatScenario
from simulator.signicat.tokens import Tokens


class Dossier(Frozen):
    """One end user, as Assure sees them."""

    dossier_id: str
    external_reference: str | None
    created_at: datetime

    def described(self) -> dict[str, Any]:
        """Return it as the answer to its creation has it."""
        known = {} if self.external_reference is None else {"externalReference": self.external_reference}
        at = written(self.created_at)
        return {"dossierId": self.dossier_id, **known, "createdAt": at, "updatedAt": at}


class Dossiers:
    """Everything that was created, in the order of its creation."""

    def __init__(self, engine: Engine, tokens: Tokens) -> None:
        self._engine = engine
        self._tokens = tokens
        self._dossiers: dict[str, Dossier] = {}
        self._processes: dict[tuple[str, str], Process] = {}

    def open(self, external_reference: str | None, dossier_id: str | None = None) -> Dossier:
        """Return a new dossier, or the one that has this id."""
        number = dossier_id or str(uuid.uuid4())
        new = Dossier(dossier_id=number, external_reference=external_reference, created_at=datetime.now(UTC))
        return self._dossiers.setdefault(number, new)

    def begin(self, scenario: SignicatScenario, dossier_id: str | None = None) -> Process:
        """Create a process and begin to play it. Raises `AlreadyPlayed`."""
        wanted, _, process_id = (scenario.reference or "").partition(":")
        dossier = self.open(scenario.external_reference, wanted or dossier_id)
        ids = Ids(dossier=dossier.dossier_id, process=process_id or str(uuid.uuid4()))
        key = (ids.dossier, ids.process)
        if key in self._processes:
            raise AlreadyPlayed(f"reference: {ids.reference} is being played already")
        process = Process(ids, scenario, self._engine, logins_before=self._tokens.logins)
        self._processes[key] = process
        return process

    def dossier(self, dossier_id: str) -> Dossier | None:
        """Return a dossier; None: there is none of this id."""
        return self._dossiers.get(dossier_id)

    def played(self, dossier_id: str, process_id: str) -> Process | None:
        """Return a process that is being played, whether or not Assure would know of it now."""
        return self._processes.get((dossier_id, process_id))

    def standing(self, dossier_id: str | None = None) -> Iterator[tuple[SignicatScenario, Standing]]:
        """Return how the processes of one dossier stand that exist now; or of all, as long as Assure lists them."""
        for (dossier, _), process in self._processes.items():
            standing = process.standing()
            if standing is not None and (dossier == dossier_id or (dossier_id is None and process.is_listed)):
                yield process.scenario, standing
