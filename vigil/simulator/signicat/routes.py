"""Assure's API, simulated, for every client with a valid token."""

import base64
import binascii
import secrets
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs

from pydantic import Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vigil.domain.models import MessageModel
from vigil.simulator.base import SimulatedProvider, first_problem
from vigil.simulator.engine import Engine, Url
from vigil.simulator.signicat import payloads, stories
from vigil.simulator.signicat.contracts import sub_provider
from vigil.simulator.signicat.files import FILES, NO_CONTENT, image
from vigil.simulator.signicat.listing import Listing
from vigil.simulator.signicat.payloads import State
from vigil.simulator.signicat.process import Process, script
from vigil.simulator.signicat.scenario import Generation, SignicatScenario, Subscriber
from vigil.simulator.tokens import Tokens

API: Final = "/assure"
DOSSIER: Final = f"{API}/dossiers/{{dossier}}"
PROCESS: Final = f"{DOSSIER}/processes/{{process}}"
TOKENS_VALID_FOR: Final = timedelta(minutes=10)
REFUSED_SECRET: Final = "refused"  # noqa: S105 -- any other secret is accepted; with this one a tester sees a refusal
SCOPES: Final[Mapping[str, str]] = {
    "/oidc/token": "client.assure.api",
    "/auth/open/connect/token": "signicat-api",
}
"""By the login address of each generation, the scope that a client must request there."""
CAPTURED_AFTER: Final = timedelta(seconds=30)
"""How long after the start of a hosted capture the applicant has chosen a document, and the process is created."""

Answer = Callable[[Request], Awaitable[Response]]


class _DossierOrder(MessageModel):
    externalReference: str | None = None  # noqa: N815 -- its name on the wire


class _Notified(MessageModel):
    """The callback address of the older generation; the current one calls those in its dashboard."""

    notificationUrl: Url | None = None  # noqa: N815
    authorizationHeader: str | None = None  # noqa: N815

    def endpoints(self) -> tuple[Subscriber, ...]:
        if self.notificationUrl is None:
            return ()
        # Inferred, no source says it: the header comes back as it was given.
        headers = {} if self.authorizationHeader is None else {"Authorization": self.authorizationHeader}
        return (Subscriber(url=self.notificationUrl, headers=headers, generation=Generation.LEGACY),)


class _Offered(MessageModel):
    provider: str
    processType: str | None = None  # noqa: N815

    def scenario(self, **more: Any) -> SignicatScenario:
        return SignicatScenario(provider=self.provider, process_type=self.processType, **more)


class _ProcessOrder(_Notified, _Offered):
    pass


class _CaptureOrder(_Notified):
    providers: list[_Offered] = Field(min_length=1)


@dataclass(frozen=True)
class Dossier:
    """One applicant at Assure, and the client that created the dossier; None: every client sees it."""

    dossier_id: str
    client: str | None
    external_reference: str | None
    created_at: datetime

    def process_fields(self) -> dict[str, str | None]:
        """Return the fields of the scenario of a new process in it."""
        return {
            "reference": f"{self.dossier_id}:{uuid.uuid4()}",
            "client": self.client,
            "external_reference": self.external_reference,
        }

    def body(self) -> dict[str, Any]:
        """Return the answer to its creation."""
        known = {} if self.external_reference is None else {"externalReference": self.external_reference}
        at = payloads.written(self.created_at)
        return {"dossierId": self.dossier_id, **known, "createdAt": at, "updatedAt": at}


class Signicat(SimulatedProvider[SignicatScenario, Process]):
    """The simulated Signicat Assure."""

    name = "signicat"
    accounts = stories.ACCOUNTS
    stories = stories.STORIES
    markers = payloads.MARKERS
    scenario_type = SignicatScenario

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._tokens = Tokens(engine.clock, TOKENS_VALID_FOR)
        self._dossiers: dict[str, Dossier] = {}

    def routes(self) -> Sequence[BaseRoute]:
        """Return Signicat's own API."""
        calls: tuple[tuple[str, str, Answer], ...] = (
            ("POST", f"{API}/dossiers", self._open),
            ("GET", DOSSIER, self._dossier),
            ("POST", f"{DOSSIER}/processes", self._create),
            ("POST", f"{DOSSIER}/capture", self._capture),
            ("GET", PROCESS, self._process),
            ("POST", PROCESS, self._start),
            ("GET", f"{PROCESS}/images", self._image),
            *(("GET", f"{PROCESS}/{name}", self._file) for name in FILES),
            ("GET", f"{API}/processes", self._list),
        )
        return [
            *(Route(path, self._log_in, methods=["POST"]) for path in SCOPES),
            *(Route(path, self._guarded(answer), methods=[method]) for method, path, answer in calls),
        ]

    def create(self, scenario: SignicatScenario) -> Process:
        """Create a process, and its dossier unless that exists. Raises `ReferenceInUse`."""
        reference = scenario.reference or f"{uuid.uuid4()}:{uuid.uuid4()}"
        self._add_dossier(scenario.client, scenario.external_reference, reference.partition(":")[0])
        return self.add(Process(reference, scenario, self.engine, script(scenario)))

    def _add_dossier(self, client: str | None, external_reference: str | None, dossier_id: str) -> Dossier:
        dossier = Dossier(dossier_id, client, external_reference, datetime.now(UTC))
        return self._dossiers.setdefault(dossier_id, dossier)

    async def _log_in(self, request: Request) -> Response:
        client = _authenticated_client(request.headers.get("authorization", ""))
        if client is None:
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode(errors="replace")).items()}
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, status_code=401)
        own = next(scope for path, scope in SCOPES.items() if request.url.path.endswith(path))
        if own not in form.get("scope", "").split():
            return JSONResponse({"error": "invalid_scope"}, status_code=401)
        self.logins += 1
        token = self._tokens.add(secrets.token_urlsafe(32), client)
        body = {"access_token": token, "token_type": "Bearer", "scope": form["scope"]}
        return JSONResponse({**body, "expires_in": int(TOKENS_VALID_FOR.total_seconds())})

    def _guarded(self, answer: Answer) -> Answer:
        async def guarded(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            client = self._tokens.owner_of(token) if scheme == "Bearer" else None
            if client is None:
                return _problem(request, 401, "the token is missing or has expired")
            request.state.client = client
            try:
                return await answer(request)
            except ValidationError as error:
                return _problem(request, 400, first_problem(error))
            except HTTPException as error:
                if error.status_code == NO_CONTENT:
                    return Response(status_code=NO_CONTENT)
                return _problem(request, error.status_code, error.detail)

        return guarded

    async def _open(self, request: Request) -> Response:
        order = _DossierOrder.model_validate_json(await request.body() or b"{}")
        dossier = self._add_dossier(request.state.client, order.externalReference, str(uuid.uuid4()))
        return JSONResponse(dossier.body(), status_code=201)

    async def _dossier(self, request: Request) -> Response:
        dossier = self._find_dossier(request, otherwise=404)
        states = [state for state in self._states(request) if state.ids[0] == dossier.dossier_id]
        return JSONResponse({**dossier.body(), "processes": [payloads.brief(state) for state in states]})

    async def _create(self, request: Request) -> Response:
        dossier = self._find_dossier(request, otherwise=400)
        order = _ProcessOrder.model_validate_json(await request.body())
        process = self.create(order.scenario(endpoints=order.endpoints(), **dossier.process_fields()))
        return JSONResponse(payloads.created(_state(process)), status_code=201)

    async def _capture(self, request: Request) -> Response:
        dossier = self._find_dossier(request, otherwise=400)
        order = _CaptureOrder.model_validate_json(await request.body())
        more = {"endpoints": order.endpoints(), "hosted_capture": CAPTURED_AFTER, **dossier.process_fields()}
        self.create(order.providers[0].scenario(**more))
        return JSONResponse({"url": f"https://capture.example.invalid/{uuid.uuid4()}"}, status_code=201)

    async def _process(self, request: Request) -> Response:
        process = self._find_process(request)
        process.count_read()
        return JSONResponse(payloads.process(_state(process)))

    async def _start(self, request: Request) -> Response:
        process = self._find_process(request)
        _state(process)
        if not process.submit():
            raise HTTPException(400, "the process is not pending")
        if sub_provider(process.scenario.provider).starts_silently:
            return Response(status_code=NO_CONTENT)
        return JSONResponse({"processId": request.path_params["process"], "status": payloads.PROCESSING})

    async def _image(self, request: Request) -> Response:
        process = self._find_process(request)
        _state(process)
        depiction = request.query_params.get("depiction", "")
        return process.send_file(f"image/{depiction}", image(process, depiction))

    async def _file(self, request: Request) -> Response:
        process, name = self._find_process(request), request.url.path.rpartition("/")[2]
        return process.send_file(name, FILES[name](process, _state(process)))

    async def _list(self, request: Request) -> Response:
        listing = Listing.model_validate(dict(request.query_params))
        return JSONResponse(listing.page(self._states(request, only_listed=True)))

    def _states(self, request: Request, *, only_listed: bool = False) -> Iterator[State]:
        for process in self.verifications.values():
            state = process.state()
            is_visible = process.scenario.client in {None, request.state.client}
            if state is not None and is_visible and (process.is_listed or not only_listed):
                yield state

    def _find_dossier(self, request: Request, *, otherwise: int) -> Dossier:
        dossier = self._dossiers.get(request.path_params["dossier"])
        if dossier is None or dossier.client not in {None, request.state.client}:
            raise HTTPException(otherwise, "there is no such dossier")
        return dossier

    def _find_process(self, request: Request) -> Process:
        process = self.verifications.get("{dossier}:{process}".format(**request.path_params))
        if process is None or process.scenario.client not in {None, request.state.client}:
            raise HTTPException(404, "there is no such process")
        return process


def _state(process: Process) -> State:
    state = process.state()
    if state is None:
        raise HTTPException(404, "the process does not exist yet")
    return state


def _authenticated_client(authorization: str) -> str | None:
    scheme, _, encoded = authorization.partition(" ")
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return client if scheme == "Basic" and client and secret and secret != REFUSED_SECRET else None


def _problem(request: Request, code: int, detail: str) -> Response:
    content = {
        "instance": request.url.path,
        "method": request.method,
        "status": code,
        "type": "base:client-problem",
        "title": "The request cannot be answered.",
        "detail": detail,
        "traceId": secrets.token_hex(16),
    }
    return JSONResponse(content, status_code=code)
