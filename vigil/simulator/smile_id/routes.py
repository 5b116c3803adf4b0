"""Smile ID, simulated: the APIs of both generations, and the storage behind the links."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from vigil.simulator.smile_id import stories
from vigil.simulator.smile_id.files import file_of
from vigil.simulator.smile_id.jobs import Jobs
from vigil.simulator.smile_id.payloads import MARKERS
from vigil.simulator.smile_id.scenario import Portal
from vigil.simulator.smile_id.v1_routes import V1Api
from vigil.simulator.smile_id.v1_submissions import V1Submissions
from vigil.simulator.smile_id.v3_routes import V3Api


class SmileId(Jobs):
    """The simulated Smile ID."""

    name = "smile_id"
    accounts = stories.ACCOUNTS
    stories = stories.STORIES
    markers = MARKERS

    def routes(self) -> Sequence[BaseRoute]:
        """Return Smile ID's own APIs, and its storage."""
        return [
            *V1Api(self).routes(),
            *V1Submissions(self).routes(),
            *V3Api(self).routes(),
            Route("/storage/{job}/{name}", self._file),
            Route("/portal", self._portal, methods=["PUT"]),
        ]

    async def _portal(self, request: Request) -> Response:
        """Play the web page on which partners enter their default callback address."""
        self.set_portal(Portal.model_validate_json(await request.body()))
        return Response(status_code=204)

    async def _file(self, request: Request) -> Response:
        reference, name = request.path_params["job"], request.path_params["name"]
        if not self.links.is_valid(reference, name, request.query_params):
            return _refusal(403, "AccessDenied")
        job = self.find(reference)
        file = file_of(job.scenario, reference, name)
        return _refusal(404, "NoSuchKey") if file is None else job.send_file(name, file)


def _refusal(status: int, code: str) -> Response:
    content = f"<Error><Code>{code}</Code></Error>"
    return Response(content, status_code=status, media_type="application/xml")
