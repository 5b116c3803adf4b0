"""All jobs at the simulated Smile ID, and the keys by which their partners sign."""

import secrets
import uuid

from vigil.simulator.engine import Engine
from vigil.simulator.play import AlreadyPlayed, NotPlayed
from vigil.simulator.smile_id.job import PROVIDER, Job
from vigil.simulator.smile_id.links import Links
from vigil.simulator.smile_id.scenario import (
    API_KEY,
    JOB_ID_LENGTH,
    JOB_ID_LETTERS,
    PARTNER,
    Generation,
    Ids,
    SmileIdScenario,
)
from vigil.simulator.smile_id.signing import is_signed


class Jobs:
    """Everything that was created. A partner has the keys that orders named for it."""

    def __init__(self, engine: Engine) -> None:
        self.links = Links(engine.clock)
        self.logins = 0
        self._engine = engine
        self._jobs: dict[str, Job] = {}
        self._keys: dict[str, set[str]] = {PARTNER: {API_KEY}}

    def begin(self, scenario: SmileIdScenario) -> Job:
        """Create a job and begin to play it. Raises `AlreadyPlayed`."""
        ids = Ids(
            job=scenario.reference or _new_id(scenario.generation),
            user=scenario.user_id or f"user-{uuid.uuid4()}",
            smile_job=f"{501_100 + len(self._jobs):010d}",
        )
        if ids.job in self._jobs:
            raise AlreadyPlayed(f"reference: {ids.job} is being played already")
        self._keys.setdefault(scenario.partner_id, set()).add(scenario.api_key)
        job = Job(ids, scenario, self._engine, self.links, logins_before=self.logins)
        self._jobs[ids.job] = job
        return job

    def played(self, reference: str) -> Job | None:
        """Return a job, whoever's it is."""
        return self._jobs.get(reference)

    def find(self, reference: str) -> Job:
        """Return a job, whoever's it is. Raises `NotPlayed`."""
        job = self.played(reference)
        if job is None:
            raise NotPlayed(f"{PROVIDER} plays no verification with the reference {reference}")
        return job

    def of(self, partner_id: str, reference: str, generation: Generation) -> Job | None:
        """Return a partner's job of one generation; None: it has none of this id."""
        job = self.played(reference)
        if job is None or job.scenario.generation is not generation:
            return None
        return job if _is_same(job.scenario.partner_id, partner_id) else None

    def signing_key(self, partner_id: str, timestamp: object, signature: object) -> str | None:
        """Return the key with which a partner has signed; None: it has not."""
        keys = self._keys.get(partner_id, set())
        return next((key for key in keys if is_signed(timestamp, signature, partner_id, key)), None)

    def has_key(self, partner_id: str, api_key: str) -> bool:
        """Say whether a key is that of a partner, whose id is written without zeros in front."""
        return any(api_key in keys for known, keys in self._keys.items() if _is_same(known, partner_id))


def _is_same(one: str, other: str) -> bool:
    return one.lstrip("0") == other.lstrip("0")


def _new_id(generation: Generation) -> str:
    if generation is Generation.V1:
        return f"job-{uuid.uuid4()}"
    # The first letter of the vendor's ids is small, since it counts time.
    rest = "".join(secrets.choice(JOB_ID_LETTERS) for _ in range(JOB_ID_LENGTH - 1))
    return f"job_0{rest}"
