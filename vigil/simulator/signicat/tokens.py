"""Signicat's access tokens: each lives for ten minutes, used or not."""

import base64
import binascii
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vigil.simulator.clock import Clock

LIFE: Final = timedelta(minutes=10)
# Any other secret opens; this one lets a tester see a refused login.
REFUSED_SECRET: Final = "refused"  # noqa: S105
SCOPES: Final[Mapping[str, str]] = {
    "/oidc/token": "client.assure.api",
    "/auth/open/connect/token": "signicat-api",
}
"""What either generation must ask for where it logs in."""


class Tokens:
    """The tokens that were handed out, on contract time, each good for at least a second of real time."""

    def __init__(self, clock: Clock) -> None:
        self.logins = 0
        self._clock = clock
        self._life = clock.patience(LIFE) * clock.scale
        self._handed_out: dict[str, tuple[str, timedelta]] = {}

    def routes(self) -> list[Route]:
        """Return the token endpoints of both generations."""
        return [Route(path, self._hand_out, methods=["POST"]) for path in SCOPES]

    def client_of(self, authorization: str) -> str | None:
        """Return the client to whom the header's token was handed out; None: the token does not live."""
        scheme, _, token = authorization.partition(" ")
        client, expires_at = self._handed_out.get(token, ("", timedelta(0)))
        return client if scheme == "Bearer" and self._clock.now() < expires_at else None

    async def _hand_out(self, request: Request) -> Response:
        client = _client_let_in(request.headers.get("authorization", ""))
        if client is None:
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        wanted = {name: values[0] for name, values in parse_qs((await request.body()).decode(errors="replace")).items()}
        if wanted.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, status_code=401)
        own = next(scope for path, scope in SCOPES.items() if request.url.path.endswith(path))
        if own not in wanted.get("scope", "").split():
            return JSONResponse({"error": "invalid_scope"}, status_code=401)
        self.logins += 1
        token = secrets.token_urlsafe(32)
        self._handed_out[token] = (client, self._clock.now() + self._life)
        told = {"access_token": token, "token_type": "Bearer", "scope": wanted["scope"]}
        return JSONResponse({**told, "expires_in": int(LIFE.total_seconds())})


def _client_let_in(authorization: str) -> str | None:
    scheme, _, encoded = authorization.partition(" ")
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return client if scheme == "Basic" and client and secret and secret != REFUSED_SECRET else None
