"""The token that ID360 returns for a password, shared by all readers of one account."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import httpx

from vigil.providers.id360.settings import Id360Settings
from vigil.providers.login import Login, TokenGrant, read_token
from vigil.providers.transport import exchange

LIFETIME: Final = timedelta(minutes=15)
"""Counted from the last request made with the token, not from the login."""
RENEW_AFTER: Final = LIFETIME - timedelta(minutes=2)
"""ID360's guide refreshes a token every 13 minutes. After that we log in again rather than risk a refusal."""

_PATH: Final = "/api/1.0.0/user/login/"


def create_login(settings: Id360Settings, http: httpx.AsyncClient, clock: Callable[[], float]) -> Login:
    """Return the account's login. ID360 calls frequent logins abnormal, so all readers share one token."""

    async def request_token() -> TokenGrant:
        token, _ = read_token(await exchange(http, _build_request(settings, http)), "token")
        return TokenGrant(text=token, usable_for=RENEW_AFTER)

    return Login(request_token, counted_from="last_use", clock=clock)


def _build_request(settings: Id360Settings, http: httpx.AsyncClient) -> httpx.Request:
    credentials = {"username": settings.username, "password": settings.password[0].get_secret_value()}
    return http.build_request("POST", settings.base_url + _PATH, json=credentials)
