"""The control routes: a tester orders verifications and outages there, and sees their state."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vigil.domain.models import StrictModel
from vigil.simulator.base import ReferenceInUse, SimulatedProvider, UnknownReference
from vigil.simulator.engine import Engine
from vigil.simulator.outage import OutageSwitch
from vigil.simulator.scenario import Duration

Simulator: TypeAlias = SimulatedProvider[Any, Any]


class OutageOrder(StrictModel):
    """An outage of a provider for a contract time, or until an order with `"on": false`."""

    provider: str
    lasts: Annotated[Duration | None, Field(alias="for")] = None
    on: bool = True


class UnknownProvider(LookupError):
    """No provider of this name is simulated."""


class Control:
    """The control routes over all simulated providers."""

    def __init__(
        self, simulators: Mapping[str, Simulator], switches: Mapping[str, OutageSwitch], engine: Engine
    ) -> None:
        self._simulators = simulators
        self._switches = switches
        self._engine = engine

    def routes(self) -> list[Route]:
        """Return the routes, without prefix."""
        verifications = "/{provider}/verifications"
        return [
            Route("/health", self._health),
            Route("/outage", self._outage, methods=["POST"]),
            Route(verifications, self._begin, methods=["POST"]),
            Route(f"{verifications}/{{reference}}", self._view),
            Route(f"{verifications}/{{reference}}/events", self._send, methods=["POST"]),
        ]

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"providers": sorted(self._simulators), "time_scale": self._engine.clock.scale})

    async def _outage(self, request: Request) -> Response:
        order = OutageOrder.model_validate_json(await request.body())
        if order.provider not in self._switches:
            raise self._unknown(order.provider)
        switch = self._switches[order.provider]
        if order.on:
            switch.begin(order.lasts)
        else:
            switch.end()
        return Response(status_code=204)

    async def _begin(self, request: Request) -> Response:
        self._engine.address = f"{request.url.scheme}://{request.url.netloc}"
        return _shown(self._simulator(request).begin(await request.body()), 201)

    async def _view(self, request: Request) -> Response:
        return _shown(self._simulator(request).view(request.path_params["reference"]), 200)

    async def _send(self, request: Request) -> Response:
        reference = request.path_params["reference"]
        return _shown(self._simulator(request).send(reference, await request.body()), 202)

    def _simulator(self, request: Request) -> Simulator:
        name = request.path_params["provider"]
        if name not in self._simulators:
            raise self._unknown(name)
        return self._simulators[name]

    def _unknown(self, name: str) -> UnknownProvider:
        return UnknownProvider(f"provider: {name} is not simulated, only {', '.join(sorted(self._simulators))}")


def _shown(model: BaseModel, code: int) -> Response:
    return Response(model.model_dump_json(), status_code=code, media_type="application/json")


def _problem(code: int, title: str, **more: object) -> Response:
    content = {"status": code, "title": title, **more}
    return JSONResponse(content, status_code=code, media_type="application/problem+json")


async def _invalid(_: Request, problem: Exception) -> Response:
    errors = problem.errors() if isinstance(problem, ValidationError) else []
    wrong = [{"field": ".".join(map(str, error["loc"])), "problem": error["msg"]} for error in errors]
    return _problem(422, "The order names fields or values that are not possible.", errors=wrong)


async def _unknown(_: Request, problem: Exception) -> Response:
    return _problem(404, str(problem))


async def _conflicting(_: Request, problem: Exception) -> Response:
    return _problem(409, str(problem))


PROBLEMS: Final = {
    ValidationError: _invalid,
    UnknownProvider: _unknown,
    UnknownReference: _unknown,
    ReferenceInUse: _conflicting,
}
"""By error, the handler that the application which serves the routes must have."""
