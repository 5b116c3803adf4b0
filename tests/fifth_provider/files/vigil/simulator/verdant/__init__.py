"""Verdant, played: inquiries, files behind links that expire, and the callbacks that announce each part."""

import secrets
from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vigil.simulator.answers import download
from vigil.simulator.engine import Engine
from vigil.simulator.play import AlreadyPlayed, NotPlayed, PlayView
from vigil.simulator.verdant.inquiry import Inquiry
from vigil.simulator.verdant.payloads import CANARIES, FILES
from vigil.simulator.verdant.scenario import ExtraCallback, VerdantScenario
from vigil.simulator.verdant.stories import ACCOUNTS, STORIES

__all__ = ["ACCOUNTS", "CANARIES", "REFUSED_KEY", "STORIES", "Verdant"]

# Any other key opens; this one lets a tester see a refused call.
REFUSED_KEY: Final = "refused"


class Verdant:
    """The simulated Verdant."""

    name = "verdant"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._inquiries: dict[str, Inquiry] = {}

    def routes(self) -> Sequence[BaseRoute]:
        """Return Verdant's own API."""
        return [
            Route("/v2/me", self._me),
            Route("/v2/inquiries/{inquiry}", self._inquiry),
            Route("/files/{inquiry}/{name}", self._file),
        ]

    def begin(self, ordered: bytes) -> PlayView:
        """Open an inquiry and begin to play it."""
        scenario = VerdantScenario.model_validate_json(ordered)
        reference = scenario.reference or f"inq-{secrets.token_hex(8)}"
        if reference in self._inquiries:
            raise AlreadyPlayed(f"reference: {reference} is being played already")
        self._inquiries[reference] = Inquiry(reference, scenario, self._engine)
        return self.view(reference)

    def send(self, reference: str, ordered: bytes) -> PlayView:
        """Send one more callback of an inquiry now."""
        self._find(reference).send(ExtraCallback.model_validate_json(ordered))
        return self.view(reference)

    def view(self, reference: str) -> PlayView:
        """Return what became of an inquiry."""
        return self._find(reference).view()

    def _find(self, reference: str) -> Inquiry:
        if reference not in self._inquiries:
            raise NotPlayed(f"{self.name} plays no verification with the reference {reference}")
        return self._inquiries[reference]

    async def _me(self, request: Request) -> Response:
        return Response(status_code=200 if _has_key(request) else 401)

    async def _inquiry(self, request: Request) -> Response:
        if not _has_key(request):
            return Response(status_code=401)
        inquiry = self._inquiries.get(request.path_params["inquiry"])
        if inquiry is None:
            return Response(status_code=404)
        inquiry.reads += 1
        if inquiry.is_down():
            return Response(status_code=503)
        return JSONResponse(inquiry.told(base=str(request.url).partition("/v2/")[0]))

    async def _file(self, request: Request) -> Response:
        inquiry, name = self._inquiries.get(request.path_params["inquiry"]), request.path_params["name"]
        if inquiry is None or name not in FILES:
            return Response(status_code=404)
        if inquiry.has_expired(request.query_params.get("link", "")):
            return Response(status_code=403)
        earlier = inquiry.downloads[name]
        inquiry.downloads[name] += 1
        scenario = inquiry.scenario
        return download(
            inquiry.file(name), earlier=earlier, cut=scenario.cut_downloads, corrupt=scenario.corrupt_downloads
        )


def _has_key(request: Request) -> bool:
    return request.headers.get("x-api-key", REFUSED_KEY) != REFUSED_KEY
