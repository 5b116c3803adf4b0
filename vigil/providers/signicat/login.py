"""The token that Signicat gives for client credentials, in both generations."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx

from vigil.providers.login import Granted, Login, granted_in
from vigil.providers.parsing import as_count
from vigil.providers.signicat.settings import SignicatSettings
from vigil.providers.transport import exchange

LIFETIME: Final = timedelta(minutes=10)
"""Documented default, where an answer does not say; a client may be configured from a second to an hour."""
MARGIN: Final = timedelta(seconds=30)
"""How long before its end a token is renewed, at most half of its life."""


@dataclass(frozen=True)
class Gate:
    """Where one generation gives tokens, and for what."""

    path: str
    scope: str


GATES: Final = {
    "legacy": Gate(path="/oidc/token", scope="client.assure.api client.capture.api"),
    # The path is inferred from public clients; the scope is documented.
    "current": Gate(path="/auth/open/connect/token", scope="signicat-api"),
}


def login_of(settings: SignicatSettings, http: httpx.AsyncClient, clock: Callable[[], float]) -> Login:
    """Return the account's login."""

    async def ask() -> Granted:
        token, told = granted_in(await exchange(http, _request(settings, http)), "access_token")
        return Granted(text=token, usable_for=_usable_for(told.get("expires_in")))

    return Login(ask, counted_from="login", clock=clock)


def _request(settings: SignicatSettings, http: httpx.AsyncClient) -> httpx.Request:
    gate = GATES[settings.reads]
    pair = f"{settings.client_id}:{settings.client_secret[0].get_secret_value()}"
    return http.build_request(
        "POST",
        settings.base_url + gate.path,
        data={"grant_type": "client_credentials", "scope": gate.scope},
        headers={"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()},
    )


def _usable_for(expires_in: Any) -> timedelta:
    count = as_count(expires_in, largest=24 * 3600)
    lifetime = LIFETIME if count is None else timedelta(seconds=count)
    return lifetime - min(MARGIN, lifetime / 2)
