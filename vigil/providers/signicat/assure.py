"""The reading part of the Assure API: its address, its login, and the meaning of its errors."""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import httpx

from vigil.domain.terms import as_word
from vigil.providers.answers import REFUSALS, failure_of
from vigil.providers.downloads import IDENTITY
from vigil.providers.login import AuthorizedClient
from vigil.providers.parsing import NotReadable, as_object, parse_json
from vigil.providers.signicat.login import create_login
from vigil.providers.signicat.settings import SignicatSettings
from vigil.providers.transport import HttpAnswer

_REFUSALS: Final = REFUSALS | {httpx.codes.BAD_REQUEST}


class AssureApi:
    """Reads one account's API. It changes nothing at Signicat."""

    def __init__(
        self, settings: SignicatSettings, http: httpx.AsyncClient, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the account's settings and the shared client, whose owner closes it."""
        self._base = settings.base_url + "/assure"
        self._login = create_login(settings, http, clock)
        self._client = AuthorizedClient(http, self._login, scheme="Bearer", largest=settings.largest_answer)

    async def check_login(self) -> None:
        """Log in. Raises `ProviderRefusesUs` or `ProviderUnavailable`."""
        await self._login.renew()

    async def get(self, path: str, **query: str | int) -> bytes:
        """Return the body of a 200.

        Raises:
            ReferenceUnknown: 404; 410 with `gone`.
            ProviderRefusesUs: 400, 403, or a 401 after a fresh login.
            ProviderUnavailable: every other status.

        """
        answer = await self._client.request(str(httpx.URL(self._base + path, params=query)))
        if answer.status != httpx.codes.OK:
            raise failure_of(answer, code=_code(answer), refusals=_REFUSALS)
        return answer.content

    def open_response(self, path: str) -> AbstractAsyncContextManager[httpx.Response]:
        """Open an answer unread, whatever its status."""
        return self._client.open_response(self._base + path, IDENTITY)


def _code(answer: HttpAnswer) -> str:
    """Return the status, with the coded `type` of the problem if there is one. Its other fields are free text."""
    code = f"http_{answer.status}"
    try:
        kind = as_object(parse_json(answer.content)).get("type")
    except NotReadable:
        return code
    return as_word(f"{code}:{kind}") or code if isinstance(kind, str) and kind else code
