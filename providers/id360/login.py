"""The token that ID360 gives for a password, shared by everything that reads one account."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import httpx

from domain.errors import ProviderRefusesUs, ProviderUnavailable
from providers.id360.settings import Id360Settings
from providers.login import Granted, Login, is_usable
from providers.parsing import NotReadable, as_object, parse_json
from providers.transport import HttpAnswer, exchange

LIFETIME: Final = timedelta(minutes=15)
"""Counted from the last call made with the token, except the login."""
RENEW_AFTER: Final = LIFETIME - timedelta(minutes=2)
"""ID360's guide keeps a token alive every 13 minutes; past that we log in anew rather than risk a refusal."""

_PATH: Final = "/api/1.0.0/user/login/"
_REFUSALS: Final = frozenset({400, 401, 403})


def login_of(settings: Id360Settings, http: httpx.AsyncClient, clock: Callable[[], float]) -> Login:
    """Return the account's login. ID360 calls frequent logins abnormal, so one token serves all that read it."""

    async def ask() -> Granted:
        return Granted(text=_token_text(await exchange(http, _request(settings, http))), usable_for=RENEW_AFTER)

    return Login(ask, counted_from="last_use", clock=clock)


def _request(settings: Id360Settings, http: httpx.AsyncClient) -> httpx.Request:
    given = {"username": settings.username, "password": settings.password[0].get_secret_value()}
    return http.build_request("POST", settings.base_url + _PATH, json=given)


def _token_text(answer: HttpAnswer) -> str:
    if answer.status in _REFUSALS:
        raise ProviderRefusesUs(f"login_{answer.status}")
    if answer.status != httpx.codes.OK:
        raise ProviderUnavailable(f"login_{answer.status}", retry_after=answer.retry_after())
    try:
        token = as_object(parse_json(answer.content)).get("token")
    except NotReadable:
        token = None
    # The length of a token is told in three ways; all that matters is that a header can hold it.
    if not is_usable(token):
        raise ProviderUnavailable("login_unreadable")
    return token
