"""ID360's API, simulated."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from pydantic import Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vigil.domain.models import MessageModel
from vigil.simulator.base import SimulatedProvider, first_problem
from vigil.simulator.engine import Engine, Url
from vigil.simulator.id360 import stories
from vigil.simulator.id360.enrollment import Enrollment, script
from vigil.simulator.id360.payloads import MARKERS, page
from vigil.simulator.id360.scenario import Code, Id360Scenario, Subscriber
from vigil.simulator.tokens import Tokens

API: Final = "/api/1.0.0"
TOKENS_VALID_FOR: Final = timedelta(minutes=15)
REFUSED_PASSWORD: Final = "refused"  # noqa: S105 -- any other password is accepted; with this one a tester sees a refusal


class _Header(MessageModel):
    name: str
    value: str


class _CallbackEndpoint(MessageModel):
    url: Url
    # The meaning of an empty or missing list is unknown: here nothing is sent.
    on: tuple[Code, ...] = ()
    headers: tuple[_Header, ...] = ()


class _Creation(MessageModel):
    callback_endpoints: list[_CallbackEndpoint] = Field(min_length=1)
    client_reference: str | None = None

    def scenario(self) -> Id360Scenario:
        endpoints = tuple(
            Subscriber(url=each.url, on=each.on, headers={header.name: header.value for header in each.headers})
            for each in self.callback_endpoints
        )
        return Id360Scenario(client_reference=self.client_reference, endpoints=endpoints)


class Id360(SimulatedProvider[Id360Scenario, Enrollment]):
    """The simulated ID360."""

    name = "id360"
    accounts = stories.ACCOUNTS
    stories = stories.STORIES
    markers = MARKERS
    scenario_type = Id360Scenario

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._tokens = Tokens(engine.clock, TOKENS_VALID_FOR, renewed_by_use=True)

    def routes(self) -> Sequence[BaseRoute]:
        """Return ID360's own API."""
        return [
            Route(f"{API}/user/login/", self._login, methods=["POST"]),
            Route(f"{API}/user/whoami", self._whoami),
            # ID360 documents no trailing slash, but its integrators send one.
            Route(f"{API}/process/{{process}}/enrollment", self._create, methods=["POST"]),
            Route(f"{API}/process/{{process}}/enrollment/", self._create, methods=["POST"]),
            Route(f"{API}/enrollment/{{number}}/report", self._report),
            Route(f"{API}/document/{{document:int}}/file_contents/", self._file),
        ]

    def create(self, scenario: Id360Scenario) -> Enrollment:
        """Create an enrollment. Raises `ReferenceInUse`."""
        # Not counted from one: a tracker that outlives the simulator would take a new enrollment for an old one.
        reference = scenario.reference or str(10**9 + secrets.randbelow(9 * 10**9))
        return self.add(Enrollment(reference, scenario, self.engine, script(scenario)))

    async def _login(self, request: Request) -> Response:
        try:
            given = await request.json()
            username, password = given["username"], given["password"]
        except (ValueError, KeyError, TypeError):
            raise HTTPException(400) from None
        if not username or not password or password == REFUSED_PASSWORD:
            raise HTTPException(401)
        self.logins += 1
        return JSONResponse({"token": self._tokens.add(secrets.token_hex(25))})

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Token" or self._tokens.owner_of(token) is None:
            raise HTTPException(401)

    async def _whoami(self, request: Request) -> Response:
        self._check_token(request)
        return JSONResponse({})

    async def _create(self, request: Request) -> Response:
        self._check_token(request)
        try:
            creation = _Creation.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"detail": first_problem(error)}, status_code=400)
        return JSONResponse(self.create(creation.scenario()).created())

    async def _report(self, request: Request) -> Response:
        self._check_token(request)
        enrollment = self.find_or_404(request.path_params["number"])
        enrollment.count_read()
        allow_draft = request.query_params.get("allow_draft", "false").lower() == "true"
        report = enrollment.report(base=str(request.url).partition(API)[0], allow_draft=allow_draft)
        return Response(status_code=202) if report is None else JSONResponse(report)

    async def _file(self, request: Request) -> Response:
        self._check_token(request)
        document: int = request.path_params["document"]
        enrollment = self.find_or_404(str(document // 100))
        slot, pages = enrollment.documents().get(document, ("", 0))
        number = request.query_params.get("page_number", "0")
        if not number.isdecimal() or int(number) >= pages:
            raise HTTPException(404)
        return enrollment.send_file(f"{slot}/{number}", page(enrollment.number, slot, int(number)))
