"""Links to files, signed by the storage and good for a while."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from vigil.simulator.clock import Clock

STORAGE: Final = "/smile_id/storage"


class Links:
    """Makes links and knows its own, on contract time; each is good for at least a second of real time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(32)

    def link(self, address: str, job: str, name: str, *, live_for: timedelta) -> str:
        """Return a link to a file of a job; one that lives for less than no time has expired already."""
        life = live_for if live_for < timedelta(0) else self._clock.patience(live_for) * self._clock.scale
        expires = f"{(self._clock.now() + life).total_seconds():.3f}"
        query = urlencode({"expires": expires, "signature": self._sign(job, name, expires)})
        return f"{address}{STORAGE}/{job}/{name}?{query}"

    def is_good(self, job: str, name: str, query: Mapping[str, str]) -> bool:
        """Say whether the query of a link is one of ours and has not expired."""
        expires = query.get("expires", "")
        if not hmac.compare_digest(self._sign(job, name, expires).encode(), query.get("signature", "").encode()):
            return False
        return self._clock.now() < timedelta(seconds=float(expires))

    def _sign(self, job: str, name: str, expires: str) -> str:
        return hmac.digest(self._secret, f"{job}/{name}/{expires}".encode(), hashlib.sha256).hex()
