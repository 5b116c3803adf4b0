"""The token of the third generation."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import httpx
from pydantic import SecretStr

from vigil.providers.login import AuthorizedClient, Login, TokenGrant, read_token
from vigil.providers.smile_id.settings import SmileIdSettings
from vigil.providers.transport import exchange

LOGIN: Final = "/v3/token"
HEADER: Final = "SmileID-Token"

LIFETIME: Final = timedelta(minutes=15)
"""Documented; the answer itself gives no time."""
MARGIN: Final = timedelta(minutes=1)
"""How long before its end a token is renewed."""


def create_login(
    settings: SmileIdSettings, http: httpx.AsyncClient, clock: Callable[[], float] = time.monotonic
) -> Login:
    """Return the account's login. Of two keys the second is tried if the first is refused."""

    async def request_token() -> TokenGrant:
        answer = await exchange(http, _build_request(settings, http, settings.api_key[0]))
        for key in settings.api_key[1:]:
            if answer.status == httpx.codes.UNAUTHORIZED:
                answer = await exchange(http, _build_request(settings, http, key))
        token, _ = read_token(answer, "token")
        return TokenGrant(text=token, usable_for=LIFETIME - MARGIN)

    return Login(request_token, counted_from="login", clock=clock)


def authorized_client(settings: SmileIdSettings, http: httpx.AsyncClient, login: Login) -> AuthorizedClient:
    """Return the client that sends the account's token."""
    return AuthorizedClient(http, login, header=HEADER, scheme=None, largest=settings.largest_answer)


def _build_request(settings: SmileIdSettings, http: httpx.AsyncClient, key: SecretStr) -> httpx.Request:
    headers = {
        # Documented: without the leading zeros that the first generation requires.
        "smileid-partner-id": settings.partner_id.lstrip("0"),
        "smileid-api-key": key.get_secret_value(),
    }
    return http.build_request("POST", settings.base_url + LOGIN, headers=headers)
