"""All jobs of the simulated Smile ID, and the keys with which its partners sign."""

import secrets
import uuid

from vigil.simulator.base import SimulatedProvider
from vigil.simulator.engine import Engine
from vigil.simulator.smile_id.files import Links
from vigil.simulator.smile_id.job import Job
from vigil.simulator.smile_id.scenario import (
    API_KEY,
    JOB_ID_LENGTH,
    JOB_ID_LETTERS,
    PARTNER,
    Generation,
    Ids,
    Portal,
    SmileIdScenario,
)
from vigil.simulator.smile_id.signing import SignedTimes, is_signed


class Jobs(SimulatedProvider[SmileIdScenario, Job]):
    """The jobs. A partner has the keys that orders have named for it."""

    scenario_type = SmileIdScenario

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.links = Links(engine.clock)
        self._times = SignedTimes()
        self._keys: dict[str, set[str]] = {PARTNER: {API_KEY}}
        self._portal_addresses: dict[str, str] = {}

    def create(self, scenario: SmileIdScenario) -> Job:
        """Create a job. Raises `ReferenceInUse`."""
        ids = Ids(
            job=scenario.reference or _new_id(scenario.generation),
            user=scenario.user_id or f"user-{uuid.uuid4()}",
            smile_job=f"{501_100 + len(self.verifications):010d}",
        )
        self._keys.setdefault(scenario.partner_id, set()).add(scenario.api_key)
        return self.add(Job(ids, scenario, self.engine, self.links, self._times))

    def set_portal(self, portal: Portal) -> None:
        """Take what a partner has entered in the portal."""
        self._keys.setdefault(portal.partner_id, set()).add(portal.api_key)
        self._portal_addresses[portal.partner_id.lstrip("0")] = portal.callback_url

    def portal_address(self, partner_id: str) -> str | None:
        """Return the default callback address of a partner; None: the portal has none."""
        return self._portal_addresses.get(partner_id.lstrip("0"))

    def partner_with(self, partner_id: str, api_key: str) -> str | None:
        """Return a partner's id as orders and the portal spell it; None: the key is not the partner's."""
        partners = (known for known, keys in self._keys.items() if _is_same(known, partner_id) and api_key in keys)
        return next(partners, None)

    def of(self, partner_id: str, reference: str, generation: Generation) -> Job | None:
        """Return a partner's job of one generation; None: it has none with this id."""
        job = self.verifications.get(reference)
        if job is None or job.scenario.generation is not generation:
            return None
        return job if _is_same(job.scenario.partner_id, partner_id) else None

    def signing_key(self, partner_id: str, timestamp: object, signature: object) -> str | None:
        """Return the key with which a partner has signed; None: the signature is not the partner's."""
        keys = self._keys.get(partner_id, set())
        return next((key for key in keys if is_signed(timestamp, signature, partner_id, key)), None)


def _is_same(one: str, other: str) -> bool:
    return one.lstrip("0") == other.lstrip("0")


def _new_id(generation: Generation) -> str:
    if generation is Generation.V1:
        return f"job-{uuid.uuid4()}"
    # The first letter of real ids is small, since it encodes the time.
    rest = "".join(secrets.choice(JOB_ID_LETTERS) for _ in range(JOB_ID_LENGTH - 1))
    return f"job_0{rest}"
