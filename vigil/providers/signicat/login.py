"""The token that Signicat returns for client credentials, in both generations."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx

from vigil.providers.login import Login, TokenGrant, read_token
from vigil.providers.parsing import as_count
from vigil.providers.signicat.settings import SignicatSettings
from vigil.providers.transport import exchange

LIFETIME: Final = timedelta(minutes=10)
"""Documented default if an answer gives none. A client may be configured from one second to one hour."""
MARGIN: Final = timedelta(seconds=30)
"""How long before its end a token is renewed; at most half of its lifetime."""


@dataclass(frozen=True)
class TokenEndpoint:
    """The path and the scope of one generation's tokens."""

    path: str
    scope: str


TOKEN_ENDPOINTS: Final = {
    "legacy": TokenEndpoint(path="/oidc/token", scope="client.assure.api client.capture.api"),
    # The path is inferred from public clients; the scope is documented.
    "current": TokenEndpoint(path="/auth/open/connect/token", scope="signicat-api"),
}


def create_login(settings: SignicatSettings, http: httpx.AsyncClient, clock: Callable[[], float]) -> Login:
    """Return the account's login."""

    async def request_token() -> TokenGrant:
        token, answer = read_token(await exchange(http, _build_request(settings, http)), "access_token")
        return TokenGrant(text=token, usable_for=_usable_for(answer.get("expires_in")))

    return Login(request_token, counted_from="login", clock=clock)


def _build_request(settings: SignicatSettings, http: httpx.AsyncClient) -> httpx.Request:
    endpoint = TOKEN_ENDPOINTS[settings.reads]
    pair = f"{settings.client_id}:{settings.client_secret[0].get_secret_value()}"
    return http.build_request(
        "POST",
        settings.base_url + endpoint.path,
        data={"grant_type": "client_credentials", "scope": endpoint.scope},
        headers={"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()},
    )


def _usable_for(expires_in: Any) -> timedelta:
    count = as_count(expires_in, largest=24 * 3600)
    lifetime = LIFETIME if count is None else timedelta(seconds=count)
    return lifetime - min(MARGIN, lifetime / 2)
