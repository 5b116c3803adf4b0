"""The access token of one account: one login for all requests that wait, and a new one after a refusal."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal

import httpx

from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable
from vigil.providers.account_settings import LARGEST_ANSWER
from vigil.providers.parsing import NotReadable, as_object, parse_json
from vigil.providers.transport import HttpAnswer, exchange, open_response

_REFUSALS: Final = frozenset({400, 401, 403})


@dataclass(frozen=True)
class TokenGrant:
    """The token that a login returned, and how long we use it before the next login."""

    text: str = field(repr=False)
    usable_for: timedelta


@dataclass(frozen=True)
class Token:
    """The token of one login. The number distinguishes logins, because a server may return the same text twice."""

    number: int
    text: str = field(repr=False)
    usable_for: timedelta


class Login:
    """Logs in when there is no usable token, once for all callers that wait. They share its failure as well."""

    def __init__(
        self,
        request_token: Callable[[], Awaitable[TokenGrant]],
        *,
        counted_from: Literal["login", "last_use"],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the call that logs in, and when a token's lifetime starts; `clock` is monotonic, in seconds."""
        self.clock = clock
        self._request_token = request_token
        self._counted_from = counted_from
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._alive_at = 0.0
        self._attempts = 0
        self._failure: ProviderError | None = None

    async def token(self, *, refused: Token | None = None) -> Token:
        """Return a usable token, newer than the one that was refused.

        Raises:
            ProviderRefusesUs: our credentials are not accepted.
            ProviderUnavailable: the login had no usable answer.

        """
        attempts_before = self._attempts
        if token := self._usable_token(refused):
            return token
        async with self._lock:
            if token := self._usable_token(refused):
                return token
            if self._failure is not None and self._attempts > attempts_before:
                raise self._failure.with_traceback(None)
            if self._token is not None and self._token.number > attempts_before:
                # It arrived while we waited, so it is as fresh as one of our own, however short its lifetime is.
                return self._token
            return await self._log_in()

    async def renew(self) -> None:
        """Log in even if a token is usable. Raises the same errors as `token`."""
        async with self._lock:
            await self._log_in()

    def note_use(self, token: Token, *, at: float) -> None:
        """Note that a request with this token was accepted, which may restart the token's lifetime."""
        if self._counted_from == "last_use" and self._token is not None and token.number == self._token.number:
            self._alive_at = max(self._alive_at, at)

    def _usable_token(self, refused: Token | None) -> Token | None:
        token = self._token
        if token is None or self.clock() - self._alive_at >= token.usable_for.total_seconds():
            return None
        return None if refused is not None and token.number <= refused.number else token

    async def _log_in(self) -> Token:
        self._failure = None
        started_at = self.clock()
        try:
            grant = await self._request_token()
        except ProviderError as failure:
            self._failure = failure
            raise
        finally:
            self._attempts += 1
        self._alive_at = started_at
        self._token = Token(number=self._attempts, text=grant.text, usable_for=grant.usable_for)
        return self._token


class AuthorizedClient:
    """Sends requests with a token, and once more with a new token after a 401.

    A second 401 is returned like any other answer: then our credentials are wrong.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        login: Login,
        *,
        scheme: str | None,
        header: str = "Authorization",
        largest: int = LARGEST_ANSWER,
    ) -> None:
        """Take the shared client, the login, the header that carries the token, and the scheme before the token.

        `largest` is the size in bytes up to which an answer is read.
        """
        self._http = http
        self._login = login
        self._scheme = scheme
        self._header = header
        self._largest = largest

    async def request(self, url: str, *, method: str = "GET") -> HttpAnswer:
        """Return a whole answer. Raises the same errors as `Login.token` and `transport.exchange`."""
        token = await self._login.token()
        answer = await self._send(method, url, token)
        if answer.status == httpx.codes.UNAUTHORIZED:
            answer = await self._send(method, url, await self._login.token(refused=token))
        return answer

    @asynccontextmanager
    async def open_response(
        self, url: str | httpx.URL, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Yield an answer unread. Raises the same errors as `Login.token` and `transport.open_response`."""
        token = await self._login.token()
        async with self._open(url, token, headers) as response:
            if response.status_code != httpx.codes.UNAUTHORIZED:
                yield response
                return
        token = await self._login.token(refused=token)
        async with self._open(url, token, headers) as response:
            yield response

    async def _send(self, method: str, url: str, token: Token) -> HttpAnswer:
        sent_at = self._login.clock()
        answer = await exchange(self._http, self._build_request(method, url, token, None), largest=self._largest)
        self._note_use(answer.status, token, sent_at)
        return answer

    @asynccontextmanager
    async def _open(
        self, url: str | httpx.URL, token: Token, headers: Mapping[str, str] | None
    ) -> AsyncIterator[httpx.Response]:
        sent_at = self._login.clock()
        async with open_response(self._http, self._build_request("GET", url, token, headers)) as response:
            self._note_use(response.status_code, token, sent_at)
            yield response

    def _build_request(
        self, method: str, url: str | httpx.URL, token: Token, headers: Mapping[str, str] | None
    ) -> httpx.Request:
        own = {self._header: f"{self._scheme} {token.text}" if self._scheme else token.text}
        return self._http.build_request(method, url, headers={**(headers or {}), **own})

    def _note_use(self, status: int, token: Token, sent_at: float) -> None:
        if status != httpx.codes.UNAUTHORIZED:
            self._login.note_use(token, at=sent_at)


def read_token(answer: HttpAnswer, field: str) -> tuple[str, Mapping[str, Any]]:
    """Return the token in this field of a login's answer, and the whole answer.

    Raises:
        ProviderRefusesUs: 400, 401 or 403: the provider refuses our credentials.
        ProviderUnavailable: any other answer without a token that a header can carry.

    """
    if answer.status in _REFUSALS:
        raise ProviderRefusesUs(f"login_{answer.status}")
    if answer.status != httpx.codes.OK:
        raise ProviderUnavailable(f"login_{answer.status}", retry_after=answer.retry_after())
    try:
        content = as_object(parse_json(answer.content))
    except NotReadable:
        content = {}
    token = content.get(field)
    # Providers limit the length of tokens differently. A header must be able to carry it; nothing else matters here.
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise ProviderUnavailable("login_unreadable")
    return token, content
