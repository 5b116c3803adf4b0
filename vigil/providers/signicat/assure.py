"""The reading half of the Assure API: its address, its login, and what its failures mean."""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import httpx

from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.domain.terms import as_word
from vigil.providers.files import IDENTITY
from vigil.providers.login import LoggedIn
from vigil.providers.parsing import NotReadable, as_object, parse_json
from vigil.providers.signicat.login import login_of
from vigil.providers.signicat.settings import SignicatSettings
from vigil.providers.transport import HttpAnswer

_REFUSALS: Final = frozenset({400, 401, 403})


class AssureApi:
    """Asks one account's API; nothing here can do more than read."""

    def __init__(
        self, settings: SignicatSettings, http: httpx.AsyncClient, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the account's settings and the shared client, whose owner closes it."""
        self._base = settings.base_url + "/assure"
        self._login = login_of(settings, http, clock)
        self._asker = LoggedIn(http, self._login, scheme="Bearer")

    async def check_login(self) -> None:
        """Log in. Raises `ProviderRefusesUs` or `ProviderUnavailable`."""
        await self._login.renew()

    async def get(self, path: str, **query: str | int) -> bytes:
        """Return the body of a 200.

        Raises:
            ReferenceUnknown: 404, and 410 with `gone`.
            ProviderRefusesUs: 400, 403, or a 401 after a fresh login.
            ProviderUnavailable: everything else.

        """
        answer = await self._asker.ask(str(httpx.URL(self._base + path, params=query)))
        if answer.status != httpx.codes.OK:
            raise _failure(answer)
        return answer.content

    def opened(self, path: str) -> AbstractAsyncContextManager[httpx.Response]:
        """Open an answer, whatever its status, to be read piece by piece."""
        return self._asker.opened(self._base + path, IDENTITY)


def parsed(content: bytes) -> Any:
    """Parse an answer. Raises `ProviderUnavailable` for what is not JSON: a page of a proxy, or half an answer."""
    try:
        return parse_json(content)
    except NotReadable as error:
        raise ProviderUnavailable(error.why) from None


def _failure(answer: HttpAnswer) -> ProviderError:
    code = _code(answer)
    if answer.status == httpx.codes.NOT_FOUND:
        return ReferenceUnknown(code)
    if answer.status == httpx.codes.GONE:  # unknown: no source names it; it can only mean one thing
        return ReferenceUnknown(code, gone=True)
    if answer.status in _REFUSALS:
        return ProviderRefusesUs(code)
    return ProviderUnavailable(code, retry_after=answer.retry_after())


def _code(answer: HttpAnswer) -> str:
    """Return the status, and the coded `type` of a problem where there is one; its other fields are free text."""
    code = f"http_{answer.status}"
    try:
        kind = as_object(parse_json(answer.content)).get("type")
    except NotReadable:
        return code
    return as_word(f"{code}:{kind}") or code if isinstance(kind, str) and kind else code
