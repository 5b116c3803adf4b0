"""The token of generation 3, and asking with it."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import httpx
from pydantic import SecretStr

from domain.errors import ProviderRefusesUs, ProviderUnavailable
from providers.login import Granted, Login, is_usable
from providers.parsing import NotReadable, as_object, parse_json
from providers.smile_id.settings import SmileIdSettings
from providers.transport import HttpAnswer, exchange

LOGIN: Final = "/v3/token"
HEADER: Final = "SmileID-Token"

LIFETIME: Final = timedelta(minutes=15)
"""Documented; the answer itself names no time."""
MARGIN: Final = timedelta(minutes=1)
"""How long before its end a token is renewed."""

_REFUSALS: Final = frozenset({400, 401, 403})


def login_of(settings: SmileIdSettings, http: httpx.AsyncClient, clock: Callable[[], float] = time.monotonic) -> Login:
    """Return the account's login. Of two keys the second is tried where the first is refused."""

    async def ask() -> Granted:
        answer = await exchange(http, _request(settings, http, settings.api_key[0]))
        for key in settings.api_key[1:]:
            if answer.status == httpx.codes.UNAUTHORIZED:
                answer = await exchange(http, _request(settings, http, key))
        return _granted(answer)

    return Login(ask, counted_from="login", clock=clock)


async def asked_with_token(
    http: httpx.AsyncClient, login: Login, request: Callable[[dict[str, str]], httpx.Request]
) -> HttpAnswer:
    """Ask what `request` makes of the headers with a token, and once more with a fresh one where that is refused.

    A second 401 is handed on like any other answer. Raises as `Login.token` and `transport.exchange` do.
    """
    token = await login.token()
    answer = await exchange(http, request({HEADER: token.text}))
    if answer.status == httpx.codes.UNAUTHORIZED:
        token = await login.token(refused=token)
        answer = await exchange(http, request({HEADER: token.text}))
    return answer


def _request(settings: SmileIdSettings, http: httpx.AsyncClient, key: SecretStr) -> httpx.Request:
    headers = {
        # Documented: here without the leading zeros that generation 1 has it with.
        "smileid-partner-id": settings.partner_id.lstrip("0"),
        "smileid-api-key": key.get_secret_value(),
    }
    return http.build_request("POST", settings.base_url + LOGIN, headers=headers)


def _granted(answer: HttpAnswer) -> Granted:
    if answer.status in _REFUSALS:
        raise ProviderRefusesUs(f"login_{answer.status}")
    if answer.status != httpx.codes.OK:
        raise ProviderUnavailable(f"login_{answer.status}", retry_after=answer.retry_after())
    try:
        token = as_object(parse_json(answer.content)).get("token")
    except NotReadable:
        token = None
    if not is_usable(token):
        raise ProviderUnavailable("login_unreadable")
    return Granted(text=token, usable_for=LIFETIME - MARGIN)
