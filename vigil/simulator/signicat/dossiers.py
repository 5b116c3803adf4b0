"""All dossiers at the simulated Assure, and the processes in them."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from vigil.domain.terms import Frozen
from vigil.simulator.engine import Engine
from vigil.simulator.play import AlreadyPlayed
from vigil.simulator.signicat.payloads import Ids, Standing, written
from vigil.simulator.signicat.process import Process
from vigil.simulator.signicat.scenario import SignicatScenario
from vigil.simulator.signicat.tokens import Tokens


class Dossier(Frozen):
    """One end user, as Assure sees them."""

    dossier_id: str
    client: str | None
    external_reference: str | None
    created_at: datetime

    def mark(self) -> dict[str, str | None]:
        """Return what the scenario of each of its processes says of it."""
        return {"client": self.client, "external_reference": self.external_reference}

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

    def open(self, client: str | None, external_reference: str | None, dossier_id: str | None = None) -> Dossier:
        """Return a new dossier, or the one that has this id."""
        new = Dossier(
            dossier_id=dossier_id or str(uuid.uuid4()),
            client=client,
            external_reference=external_reference,
            created_at=datetime.now(UTC),
        )
        return self._dossiers.setdefault(new.dossier_id, new)

    def begin(self, scenario: SignicatScenario, dossier_id: str | None = None) -> Process:
        """Create a process and begin to play it. Raises `AlreadyPlayed`."""
        wanted, _, process_id = (scenario.reference or "").partition(":")
        dossier = self.open(scenario.client, scenario.external_reference, wanted or dossier_id)
        ids = Ids(dossier=dossier.dossier_id, process=process_id or str(uuid.uuid4()))
        key = (ids.dossier, ids.process)
        if key in self._processes:
            raise AlreadyPlayed(f"reference: {ids.reference} is being played already")
        process = Process(ids, scenario, self._engine, logins_before=self._tokens.logins)
        self._processes[key] = process
        return process

    def played(self, dossier_id: str, process_id: str) -> Process | None:
        """Return a process that is being played, whoever's it is and whether or not Assure would know of it now."""
        return self._processes.get((dossier_id, process_id))

    def dossier(self, client: str, dossier_id: str) -> Dossier | None:
        """Return a client's dossier; None: it has none of this id."""
        dossier = self._dossiers.get(dossier_id)
        return dossier if dossier is not None and dossier.client in {None, client} else None

    def process(self, client: str, dossier_id: str, process_id: str) -> Process | None:
        """Return a client's process that is being played; None: it has none of these ids."""
        found = self.played(dossier_id, process_id)
        return found if found is not None and found.scenario.client in {None, client} else None

    def standing(self, client: str, dossier_id: str | None = None) -> Iterator[tuple[SignicatScenario, Standing]]:
        """Return how the client's processes of one dossier stand; or all of its processes that are still listed."""
        for (dossier, _), process in self._processes.items():
            standing = process.standing()
            is_asked = dossier == dossier_id or (dossier_id is None and process.is_listed)
            if standing is not None and is_asked and process.scenario.client in {None, client}:
                yield process.scenario, standing
