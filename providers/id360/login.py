"""The token that ID360 gives for a password, shared by everything that reads one account."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import httpx

from domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable
from providers.id360.settings import Id360Settings
from providers.parsing import NotReadable, as_object, parse_json
from providers.transport import HttpAnswer, exchange

LIFETIME: Final = timedelta(minutes=15)
"""Counted from the last call made with the token, except the login."""
RENEW_AFTER: Final = LIFETIME - timedelta(minutes=2)
"""ID360's guide keeps a token alive every 13 minutes; past that we log in anew rather than risk a refusal."""

_PATH: Final = "/api/1.0.0/user/login/"
_REFUSALS: Final = frozenset({400, 401, 403})


@dataclass(frozen=True)
class Token:
    """One login's token. Numbers tell logins apart, because a server may give the same text twice."""

    number: int
    text: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What a request must carry."""
        return {"Authorization": f"Token {self.text}"}


class Login:
    """Logs in when there is no live token, once for everybody who waits for one.

    ID360 calls frequent logins abnormal, so those who waited for a login share its failure as well.
    """

    def __init__(self, settings: Id360Settings, http: httpx.AsyncClient, clock: Callable[[], float]) -> None:
        """Take the account; `clock` counts seconds steadily."""
        self._settings = settings
        self._http = http
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._used_at = 0.0
        self._attempts = 0
        self._failure: ProviderError | None = None

    async def token(self, *, refused: Token | None = None) -> Token:
        """Return a live token, newer than one that was refused.

        Raises:
            ProviderRefusesUs: our username or password is not accepted.
            ProviderUnavailable: the login could not be asked.

        """
        seen = self._attempts
        if token := self._live(refused):
            return token
        async with self._lock:
            if token := self._live(refused):
                return token
            if self._failure is not None and self._attempts > seen:
                raise self._failure.with_traceback(None)
            return await self._log_in()

    async def renew(self) -> None:
        """Log in whether or not a token is live. Raises as `token` does."""
        async with self._lock:
            await self._log_in()

    def used(self, token: Token, *, at: float) -> None:
        """Note that a call made with this token at this time was accepted, which starts its lifetime anew."""
        if self._token is not None and token.number == self._token.number:
            self._used_at = max(self._used_at, at)

    def _live(self, refused: Token | None) -> Token | None:
        token = self._token
        if token is None or self._clock() - self._used_at >= RENEW_AFTER.total_seconds():
            return None
        return None if refused is not None and token.number <= refused.number else token

    async def _log_in(self) -> Token:
        self._failure = None
        asked_at = self._clock()
        try:
            text = _token_text(await exchange(self._http, self._request()))
        except ProviderError as failure:
            self._failure = failure
            raise
        finally:
            self._attempts += 1
        self._used_at = asked_at
        self._token = Token(number=self._attempts, text=text)
        return self._token

    def _request(self) -> httpx.Request:
        return self._http.build_request(
            "POST",
            self._settings.base_url + _PATH,
            json={
                "username": self._settings.username,
                "password": self._settings.password[0].get_secret_value(),
            },
        )


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
    if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
        raise ProviderUnavailable("login_unreadable")
    return token
