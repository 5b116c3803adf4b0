"""The storage behind the links: whoever has a good link has the file."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vigil.simulator.answers import download
from vigil.simulator.smile_id.files import file_of
from vigil.simulator.smile_id.jobs import Jobs


class Storage:
    """The route of the storage."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def routes(self) -> list[Route]:
        """Return the route, without prefix."""
        return [Route("/storage/{job}/{name}", self._file)]

    async def _file(self, request: Request) -> Response:
        reference, name = request.path_params["job"], request.path_params["name"]
        if not self._jobs.links.is_good(reference, name, request.query_params):
            return Response("<Error><Code>AccessDenied</Code></Error>", status_code=403, media_type="application/xml")
        job = self._jobs.find(reference)
        file = file_of(job.scenario, reference, name)
        if file is None:
            return Response("<Error><Code>NoSuchKey</Code></Error>", status_code=404, media_type="application/xml")
        earlier = job.downloads[name]
        job.downloads[name] += 1
        knobs = job.scenario
        return download(file, earlier=earlier, cut=knobs.cut_downloads, corrupt=knobs.corrupt_downloads)
