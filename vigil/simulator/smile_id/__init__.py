"""Smile ID, played: jobs of its first and third generation, their results and files, and the callbacks that tell."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from vigil.simulator.engine import Engine
from vigil.simulator.play import PlayView
from vigil.simulator.smile_id.job import PROVIDER, Job
from vigil.simulator.smile_id.jobs import Jobs
from vigil.simulator.smile_id.person import CANARIES
from vigil.simulator.smile_id.scenario import ExtraCallback, SmileIdScenario
from vigil.simulator.smile_id.storage import Storage
from vigil.simulator.smile_id.tokens import Tokens
from vigil.simulator.smile_id.v1_api import V1Api
from vigil.simulator.smile_id.v3_api import V3Api

__all__ = ["CANARIES", "SmileId"]


class SmileId:
    """The simulated Smile ID."""

    name = PROVIDER

    def __init__(self, engine: Engine) -> None:
        self._jobs = Jobs(engine)
        self._tokens = Tokens(engine.clock)

    def routes(self) -> Sequence[BaseRoute]:
        """Return Smile ID's own APIs, and its storage."""
        apis = (V1Api(self._jobs), V3Api(self._jobs, self._tokens), Storage(self._jobs))
        return [route for api in apis for route in api.routes()]

    def begin(self, ordered: bytes) -> PlayView:
        """Create a job and begin to play it."""
        return self._view(self._jobs.begin(SmileIdScenario.model_validate_json(ordered)))

    def send(self, reference: str, ordered: bytes) -> PlayView:
        """Send one more callback of a job now."""
        job = self._jobs.find(reference)
        job.send(ExtraCallback.model_validate_json(ordered))
        return self._view(job)

    def view(self, reference: str) -> PlayView:
        """Return what became of a job."""
        return self._view(self._jobs.find(reference))

    def _view(self, job: Job) -> PlayView:
        return job.view(logins=self._jobs.logins)
