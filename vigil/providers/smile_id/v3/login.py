"""The token of generation 3, and asking with it."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import httpx
from pydantic import SecretStr

from vigil.providers.login import Granted, LoggedIn, Login, granted_in
from vigil.providers.smile_id.settings import SmileIdSettings
from vigil.providers.transport import exchange

LOGIN: Final = "/v3/token"
HEADER: Final = "SmileID-Token"

LIFETIME: Final = timedelta(minutes=15)
"""Documented; the answer itself names no time."""
MARGIN: Final = timedelta(minutes=1)
"""How long before its end a token is renewed."""


def login_of(settings: SmileIdSettings, http: httpx.AsyncClient, clock: Callable[[], float] = time.monotonic) -> Login:
    """Return the account's login. Of two keys the second is tried where the first is refused."""

    async def ask() -> Granted:
        answer = await exchange(http, _request(settings, http, settings.api_key[0]))
        for key in settings.api_key[1:]:
            if answer.status == httpx.codes.UNAUTHORIZED:
                answer = await exchange(http, _request(settings, http, key))
        token, _ = granted_in(answer, "token")
        return Granted(text=token, usable_for=LIFETIME - MARGIN)

    return Login(ask, counted_from="login", clock=clock)


def asker(http: httpx.AsyncClient, login: Login) -> LoggedIn:
    """Return what asks with the account's token."""
    return LoggedIn(http, login, header=HEADER, scheme=None)


def _request(settings: SmileIdSettings, http: httpx.AsyncClient, key: SecretStr) -> httpx.Request:
    headers = {
        # Documented: here without the leading zeros that generation 1 has it with.
        "smileid-partner-id": settings.partner_id.lstrip("0"),
        "smileid-api-key": key.get_secret_value(),
    }
    return http.build_request("POST", settings.base_url + LOGIN, headers=headers)
