"""A token that one account's readers share: one login for all who wait, one fresh one where a token is refused."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal

import httpx

from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable
from vigil.providers.parsing import NotReadable, as_object, parse_json
from vigil.providers.transport import HttpAnswer, exchange, streaming

_REFUSALS: Final = frozenset({400, 401, 403})


@dataclass(frozen=True)
class Granted:
    """What a login gave: the token, and how long we use it before we log in anew."""

    text: str = field(repr=False)
    usable_for: timedelta


@dataclass(frozen=True)
class Token:
    """One login's token. Numbers tell logins apart, because a server may give the same text twice."""

    number: int
    text: str = field(repr=False)
    usable_for: timedelta


class Login:
    """Logs in when there is no live token, once for everybody who waits for one; they share its failure as well."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[Granted]],
        *,
        counted_from: Literal["login", "last_use"],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what asks the provider, and from when a token's life counts; `clock` counts seconds steadily."""
        self.clock = clock
        self._ask = ask
        self._counted_from = counted_from
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._alive_at = 0.0
        self._attempts = 0
        self._failure: ProviderError | None = None

    async def token(self, *, refused: Token | None = None) -> Token:
        """Return a live token, newer than one that was refused.

        Raises:
            ProviderRefusesUs: our credentials are not accepted.
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
            if self._token is not None and self._token.number > seen:
                # It came while we waited, so it is as fresh as one of our own, however soon it dies.
                return self._token
            return await self._log_in()

    async def renew(self) -> None:
        """Log in whether or not a token is live. Raises as `token` does."""
        async with self._lock:
            await self._log_in()

    def used(self, token: Token, *, at: float) -> None:
        """Note that a call made with this token at this time was accepted; where use counts, its life starts anew."""
        if self._counted_from == "last_use" and self._token is not None and token.number == self._token.number:
            self._alive_at = max(self._alive_at, at)

    def _live(self, refused: Token | None) -> Token | None:
        token = self._token
        if token is None or self.clock() - self._alive_at >= token.usable_for.total_seconds():
            return None
        return None if refused is not None and token.number <= refused.number else token

    async def _log_in(self) -> Token:
        self._failure = None
        asked_at = self.clock()
        try:
            granted = await self._ask()
        except ProviderError as failure:
            self._failure = failure
            raise
        finally:
            self._attempts += 1
        self._alive_at = asked_at
        self._token = Token(number=self._attempts, text=granted.text, usable_for=granted.usable_for)
        return self._token


class LoggedIn:
    """Asks with a token, and once more with a fresh one where that was refused.

    A second 401 is handed to the caller like any other answer: then our credentials are at fault.
    """

    def __init__(
        self, http: httpx.AsyncClient, login: Login, *, scheme: str | None, header: str = "Authorization"
    ) -> None:
        """Take the shared client, the login, the header that carries the token, and what stands there before it."""
        self._http = http
        self._login = login
        self._scheme = scheme
        self._header = header

    async def ask(self, url: str, *, method: str = "GET") -> HttpAnswer:
        """Ask for a whole answer. Raises as `Login.token` and `transport.exchange` do."""
        token = await self._login.token()
        answer = await self._ask(method, url, token)
        if answer.status == httpx.codes.UNAUTHORIZED:
            answer = await self._ask(method, url, await self._login.token(refused=token))
        return answer

    @asynccontextmanager
    async def opened(
        self, url: str | httpx.URL, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Ask for an answer to be read piece by piece. Raises as `Login.token` and `transport.streaming` do."""
        token = await self._login.token()
        async with self._open(url, token, headers) as response:
            if response.status_code != httpx.codes.UNAUTHORIZED:
                yield response
                return
        token = await self._login.token(refused=token)
        async with self._open(url, token, headers) as response:
            yield response

    async def _ask(self, method: str, url: str, token: Token) -> HttpAnswer:
        asked_at = self._login.clock()
        answer = await exchange(self._http, self._request(method, url, token, None))
        self._note(answer.status, token, asked_at)
        return answer

    @asynccontextmanager
    async def _open(
        self, url: str | httpx.URL, token: Token, headers: Mapping[str, str] | None
    ) -> AsyncIterator[httpx.Response]:
        asked_at = self._login.clock()
        async with streaming(self._http, self._request("GET", url, token, headers)) as response:
            self._note(response.status_code, token, asked_at)
            yield response

    def _request(
        self, method: str, url: str | httpx.URL, token: Token, headers: Mapping[str, str] | None
    ) -> httpx.Request:
        own = {self._header: f"{self._scheme} {token.text}" if self._scheme else token.text}
        return self._http.build_request(method, url, headers={**(headers or {}), **own})

    def _note(self, status: int, token: Token, asked_at: float) -> None:
        if status != httpx.codes.UNAUTHORIZED:
            self._login.used(token, at=asked_at)


def granted_in(answer: HttpAnswer, field: str) -> tuple[str, Mapping[str, Any]]:
    """Return the token that a login's answer holds in a field, and the whole answer.

    Raises:
        ProviderRefusesUs: 400, 401 or 403, by which a provider refuses credentials.
        ProviderUnavailable: any other answer that gives no token that a header can hold.

    """
    if answer.status in _REFUSALS:
        raise ProviderRefusesUs(f"login_{answer.status}")
    if answer.status != httpx.codes.OK:
        raise ProviderUnavailable(f"login_{answer.status}", retry_after=answer.retry_after())
    try:
        told = as_object(parse_json(answer.content))
    except NotReadable:
        told = {}
    token = told.get(field)
    # How long a token is differs, and is told in several ways; all that matters is that a header can hold it.
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise ProviderUnavailable("login_unreadable")
    return token, told
