"""Assure's API, played: dossiers, processes and their files, for whoever has a token."""

import secrets
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vigil.simulator.answers import download
from vigil.simulator.files import File
from vigil.simulator.signicat import creation, files, payloads
from vigil.simulator.signicat.dossiers import Dossier, Dossiers
from vigil.simulator.signicat.files import NoFile
from vigil.simulator.signicat.habits import habits
from vigil.simulator.signicat.listing import InvalidListing, asked
from vigil.simulator.signicat.payloads import Standing
from vigil.simulator.signicat.process import Process
from vigil.simulator.signicat.tokens import Tokens

API: Final = "/assure"
DOSSIER: Final = f"{API}/dossiers/{{dossier}}"
PROCESS: Final = f"{DOSSIER}/processes/{{process}}"

Answer = Callable[[Request], Awaitable[Response]]
_FILES: Final[dict[str, Callable[[Process], File]]] = {
    "video": files.film,
    "raw": files.raw,
    "download": files.bundle,
}
_FAILED_BY_CLIENT: Final = {"category": "client", "reason": "failedByClient", "message": "failed by the client"}


class Refused(Exception):
    """A call that is answered with a problem."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Assure:
    """The routes of the API."""

    def __init__(self, dossiers: Dossiers, tokens: Tokens) -> None:
        self._dossiers = dossiers
        self._tokens = tokens

    def routes(self) -> list[Route]:
        """Return the routes, without prefix."""
        calls: tuple[tuple[str, str, Answer], ...] = (
            ("POST", f"{API}/dossiers", self._open),
            ("GET", DOSSIER, self._dossier),
            ("POST", f"{DOSSIER}/processes", self._create),
            ("POST", f"{DOSSIER}/capture", self._capture),
            ("GET", PROCESS, self._process),
            ("POST", PROCESS, self._start),
            ("POST", f"{PROCESS}/fail", self._fail),
            ("GET", f"{PROCESS}/images", self._image),
            *(("GET", f"{PROCESS}/{name}", self._file) for name in _FILES),
            ("GET", f"{API}/processes", self._list),
        )
        return [Route(path, self._guarded(answer), methods=[method]) for method, path, answer in calls]

    def _guarded(self, answer: Answer) -> Answer:
        async def guarded(request: Request) -> Response:
            try:
                request.state.client = self._tokens.client_of(request.headers.get("authorization", ""))
                if request.state.client is None:
                    raise Refused(401, "the token is missing or has expired")
                return await answer(request)
            except Refused as refused:
                return _problem(request, refused.code, str(refused))
            except (creation.InvalidCreation, InvalidListing) as invalid:
                return _problem(request, 400, str(invalid))

        return guarded

    async def _open(self, request: Request) -> Response:
        reference = creation.external_reference(await request.body())
        return JSONResponse(self._dossiers.open(request.state.client, reference).described(), status_code=201)

    async def _dossier(self, request: Request) -> Response:
        dossier = self._find_dossier(request, otherwise=404)
        rows = [payloads.brief(*each) for each in self._dossiers.standing(request.state.client, dossier.dossier_id)]
        return JSONResponse({**dossier.described(), "processes": rows})

    async def _create(self, request: Request) -> Response:
        dossier = self._find_dossier(request, otherwise=400)
        scenario = creation.process(await request.body()).model_copy(update=dossier.mark())
        process = self._dossiers.begin(scenario, dossier.dossier_id)
        return JSONResponse(payloads.created(scenario, _standing(process)), status_code=201)

    async def _capture(self, request: Request) -> Response:
        dossier = self._find_dossier(request, otherwise=400)
        scenario = creation.capture(await request.body()).model_copy(update=dossier.mark())
        self._dossiers.begin(scenario, dossier.dossier_id)
        return JSONResponse({"url": f"https://capture.example.invalid/{uuid.uuid4()}"}, status_code=201)

    async def _process(self, request: Request) -> Response:
        process = self._played(request)
        process.reads += 1
        if process.is_down():
            raise Refused(503, "the service is unavailable")
        return JSONResponse(payloads.process(process.scenario, _standing(process)))

    async def _start(self, request: Request) -> Response:
        process = self._find(request)
        if not process.submit():
            raise Refused(400, "the process is not pending")
        if habits(process.scenario.provider).starts_silently:
            return Response(status_code=204)
        return JSONResponse({"processId": process.ids.process, "status": "processing"})

    async def _fail(self, request: Request) -> Response:
        process = self._find(request)
        if not process.fail(_FAILED_BY_CLIENT):
            raise Refused(409, "only a pending process can be failed")
        return JSONResponse({"processId": process.ids.process, "status": "failed", "reason": _FAILED_BY_CLIENT})

    async def _image(self, request: Request) -> Response:
        depiction = request.query_params.get("depiction", "")
        return self._sent(request, f"image/{depiction}", lambda process: files.image(process, depiction))

    async def _file(self, request: Request) -> Response:
        name = request.url.path.rpartition("/")[2]
        return self._sent(request, name, _FILES[name])

    async def _list(self, request: Request) -> Response:
        wanted = asked(request.query_params)
        return JSONResponse(wanted.answer(self._dossiers.standing(request.state.client)))

    def _sent(self, request: Request, name: str, file: Callable[[Process], File]) -> Response:
        process = self._find(request)
        try:
            found = file(process)
        except NoFile as problem:
            if problem.code == 204:  # noqa: PLR2004 -- no content, and so no problem either
                return Response(status_code=204)
            raise Refused(problem.code, str(problem)) from None
        earlier = process.downloads[name]
        process.downloads[name] += 1
        scenario = process.scenario
        return download(found, earlier=earlier, cut=scenario.cut_downloads, corrupt=scenario.corrupt_downloads)

    def _find_dossier(self, request: Request, *, otherwise: int) -> Dossier:
        dossier = self._dossiers.dossier(request.state.client, request.path_params["dossier"])
        if dossier is None:
            raise Refused(otherwise, "there is no such dossier")
        return dossier

    def _played(self, request: Request) -> Process:
        asked_for = request.path_params["dossier"], request.path_params["process"]
        process = self._dossiers.process(request.state.client, *asked_for)
        if process is None:
            raise Refused(404, "there is no such process")
        return process

    def _find(self, request: Request) -> Process:
        process = self._played(request)
        _standing(process)
        return process


def _standing(process: Process) -> Standing:
    standing = process.standing()
    if standing is None:
        raise Refused(404, "the process does not exist yet, or no more")
    return standing


def _problem(request: Request, code: int, detail: str) -> Response:
    content = {
        "instance": request.url.path,
        "method": request.method,
        "status": code,
        "type": "base:client-problem",
        "title": "The call could not be answered as it was asked.",
        "detail": detail,
        "traceId": secrets.token_hex(16),
    }
    return JSONResponse(content, status_code=code)
