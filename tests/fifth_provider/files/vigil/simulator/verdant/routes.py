"""Verdant's API, simulated."""

import secrets
from collections.abc import Sequence
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vigil.simulator.base import SimulatedProvider
from vigil.simulator.verdant import stories
from vigil.simulator.verdant.payloads import FILES, MARKERS, file
from vigil.simulator.verdant.scenario import VerdantScenario
from vigil.simulator.verdant.script import Inquiry, script

REFUSED_KEY: Final = "refused"
"""Any other key is accepted; with this one a tester sees a refusal."""


class Verdant(SimulatedProvider[VerdantScenario, Inquiry]):
    """The simulated Verdant."""

    name = "verdant"
    accounts = stories.ACCOUNTS
    stories = stories.STORIES
    markers = MARKERS
    scenario_type = VerdantScenario

    def routes(self) -> Sequence[BaseRoute]:
        """Return Verdant's own API."""
        return [
            Route("/v2/me", self._me),
            Route("/v2/inquiries/{inquiry}", self._inquiry),
            Route("/files/{inquiry}/{name}", self._file),
        ]

    def create(self, scenario: VerdantScenario) -> Inquiry:
        """Create an inquiry. Raises `ReferenceInUse`."""
        reference = scenario.reference or f"inq-{secrets.token_hex(8)}"
        return self.add(Inquiry(reference, scenario, self.engine, script(scenario)))

    async def _me(self, request: Request) -> Response:
        _check_key(request)
        return Response()

    async def _inquiry(self, request: Request) -> Response:
        _check_key(request)
        inquiry = self.find_or_404(request.path_params["inquiry"])
        inquiry.count_read()
        return JSONResponse(inquiry.body(str(request.url).partition("/v2/")[0]))

    async def _file(self, request: Request) -> Response:
        inquiry, name = self.find_or_404(request.path_params["inquiry"]), request.path_params["name"]
        if name not in FILES:
            raise HTTPException(404)
        if inquiry.has_expired(request.query_params.get("link", "")):
            raise HTTPException(403)
        return inquiry.send_file(name, file(inquiry.reference, name))


def _check_key(request: Request) -> None:
    if request.headers.get("x-api-key", REFUSED_KEY) == REFUSED_KEY:
        raise HTTPException(401)
