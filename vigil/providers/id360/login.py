"""The token that ID360 gives for a password, shared by everything that reads one account."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import httpx

from vigil.providers.id360.settings import Id360Settings
from vigil.providers.login import Granted, Login, granted_in
from vigil.providers.transport import exchange

LIFETIME: Final = timedelta(minutes=15)
"""Counted from the last call made with the token, except the login."""
RENEW_AFTER: Final = LIFETIME - timedelta(minutes=2)
"""ID360's guide keeps a token alive every 13 minutes; past that we log in anew rather than risk a refusal."""

_PATH: Final = "/api/1.0.0/user/login/"


def login_of(settings: Id360Settings, http: httpx.AsyncClient, clock: Callable[[], float]) -> Login:
    """Return the account's login. ID360 calls frequent logins abnormal, so one token serves all that read it."""

    async def ask() -> Granted:
        token, _ = granted_in(await exchange(http, _request(settings, http)), "token")
        return Granted(text=token, usable_for=RENEW_AFTER)

    return Login(ask, counted_from="last_use", clock=clock)


def _request(settings: Id360Settings, http: httpx.AsyncClient) -> httpx.Request:
    given = {"username": settings.username, "password": settings.password[0].get_secret_value()}
    return http.build_request("POST", settings.base_url + _PATH, json=given)
