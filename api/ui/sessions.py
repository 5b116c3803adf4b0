"""Sessions of the pages: a cookie that says whose key was shown, until when, under a keyed digest."""

import hmac
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from starlette.requests import cookie_parser

from api.auth import Backend
from vigil.domain.digest import Digester

COOKIE: Final = "vigil_session"
LASTS: Final = timedelta(hours=12)


class Sessions:
    """Makes and reads session cookies. All API processes read the same ones, and none keeps any.

    A session ends after `LASTS`, and at once when the settings no longer have the key that began it.
    """

    def __init__(
        self, digester: Digester, backends: Sequence[Backend], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._digester = digester
        self._backends = {backend.name: backend for backend in backends}
        self._clock = clock

    def begin(self, backend: Backend, key_hash: str) -> str:
        """Return the value of the cookie for the holder of a key."""
        until = str(int(self._clock() + LASTS.total_seconds()))
        return f"{backend.name}.{until}.{self._mark(backend.name, until, key_hash)}"

    def holder(self, cookie_header: str) -> Backend | None:
        """Return whose session a `Cookie` header continues; None: nobody's."""
        name, _, rest = cookie_parser(cookie_header).get(COOKIE, "").partition(".")
        until, _, mark = rest.partition(".")
        backend = self._backends.get(name)
        if backend is None or not until.isdecimal() or len(until) > len("99999999999"):
            return None
        marks = [self._mark(name, until, key_hash) for key_hash in backend.hashes]
        is_ours = any(hmac.compare_digest(each.encode(), mark.encode()) for each in marks)
        return backend if is_ours and int(until) > self._clock() else None

    def _mark(self, name: str, until: str, key_hash: str) -> str:
        return self._digester.digest("session", f"{name}\0{until}\0{key_hash}")
