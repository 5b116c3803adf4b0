"""ID360, played: enrollments, reports, files, tokens and the callbacks that announce."""

import secrets
from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vigil.simulator.answers import download
from vigil.simulator.engine import Engine
from vigil.simulator.id360.creation import InvalidCreation, scenario_from
from vigil.simulator.id360.enrollment import Enrollment
from vigil.simulator.id360.payloads import CANARIES, page
from vigil.simulator.id360.scenario import ExtraCallback, Id360Scenario
from vigil.simulator.id360.tokens import Tokens
from vigil.simulator.play import AlreadyPlayed, NotPlayed, PlayView

__all__ = ["CANARIES", "REFUSED_PASSWORD", "Id360"]

API: Final = "/api/1.0.0"
# Any other password opens; this one lets a tester see a refused login.
REFUSED_PASSWORD: Final = "refused"  # noqa: S105


class Id360:
    """The simulated ID360."""

    name = "id360"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tokens = Tokens(engine.clock)
        self._enrollments: dict[int, Enrollment] = {}

    def routes(self) -> Sequence[BaseRoute]:
        """Return ID360's own API."""
        return [
            Route(f"{API}/user/login/", self._login, methods=["POST"]),
            Route(f"{API}/user/whoami", self._whoami),
            # ID360 documents no trailing slash, its integrators send one.
            Route(f"{API}/process/{{process}}/enrollment", self._create, methods=["POST"]),
            Route(f"{API}/process/{{process}}/enrollment/", self._create, methods=["POST"]),
            Route(f"{API}/enrollment/{{number:int}}/report", self._report),
            Route(f"{API}/document/{{document:int}}/file_contents/", self._file),
        ]

    def begin(self, ordered: bytes) -> PlayView:
        """Create an enrollment and begin to play it."""
        enrollment = self._begin(Id360Scenario.model_validate_json(ordered))
        return enrollment.view(logins=self._tokens.logins)

    def send(self, reference: str, ordered: bytes) -> PlayView:
        """Send one more callback of an enrollment now."""
        enrollment = self._find(reference)
        enrollment.send(ExtraCallback.model_validate_json(ordered))
        return enrollment.view(logins=self._tokens.logins)

    def view(self, reference: str) -> PlayView:
        """Return what became of an enrollment."""
        return self._find(reference).view(logins=self._tokens.logins)

    def _begin(self, scenario: Id360Scenario) -> Enrollment:
        # Not counted up from one: a tracker that outlives the simulator would take a new one for an old one.
        number = int(scenario.reference or 0) or 10**9 + secrets.randbelow(9 * 10**9)
        if number in self._enrollments:
            raise AlreadyPlayed(f"reference: {number} is being played already")
        enrollment = Enrollment(number, scenario, self._engine, logins_before=self._tokens.logins)
        self._enrollments[number] = enrollment
        return enrollment

    def _find(self, reference: str) -> Enrollment:
        enrollment = self._enrollments.get(int(reference)) if reference.isdecimal() else None
        if enrollment is None:
            raise NotPlayed(f"{self.name} plays no verification with the reference {reference}")
        return enrollment

    def _knows(self, request: Request) -> bool:
        return self._tokens.accept(request.headers.get("authorization", ""))

    async def _login(self, request: Request) -> Response:
        try:
            given = await request.json()
            username, password = given["username"], given["password"]
        except (ValueError, KeyError, TypeError):
            return Response(status_code=400)
        if not username or not password or password == REFUSED_PASSWORD:
            return Response(status_code=401)
        return JSONResponse({"token": self._tokens.hand_out()})

    async def _whoami(self, request: Request) -> Response:
        return JSONResponse({}) if self._knows(request) else Response(status_code=401)

    async def _create(self, request: Request) -> Response:
        if not self._knows(request):
            return Response(status_code=401)
        try:
            scenario = scenario_from(await request.body())
        except InvalidCreation as problem:
            return JSONResponse({"detail": str(problem)}, status_code=400)
        return JSONResponse(self._begin(scenario).created())

    async def _report(self, request: Request) -> Response:
        if not self._knows(request):
            return Response(status_code=401)
        enrollment = self._enrollments.get(request.path_params["number"])
        if enrollment is None:
            return Response(status_code=404)
        enrollment.reads += 1
        if enrollment.is_down():
            return Response(status_code=503)
        allow_draft = request.query_params.get("allow_draft", "false").lower() == "true"
        base = str(request.url).partition(API)[0]
        code, body = enrollment.report(base=base, allow_draft=allow_draft)
        return Response(status_code=code) if body is None else JSONResponse(body, status_code=code)

    async def _file(self, request: Request) -> Response:
        if not self._knows(request):
            return Response(status_code=401)
        document: int = request.path_params["document"]
        number = request.query_params.get("page_number", "0")
        enrollment = self._enrollments.get(document // 100)
        slot, pages = enrollment.documents().get(document, ("", 0)) if enrollment else ("", 0)
        if enrollment is None or not number.isdecimal() or int(number) >= pages:
            return Response(status_code=404)
        name = f"{slot}/{number}"
        earlier = enrollment.downloads[name]
        enrollment.downloads[name] += 1
        return download(
            page(enrollment.number, slot, int(number)),
            earlier=earlier,
            cut=enrollment.scenario.cut_downloads,
            corrupt=enrollment.scenario.corrupt_downloads,
        )
