"""The tokens of Smile ID's third generation: each lives for fifteen minutes, used or not."""

import base64
import json
import secrets
from datetime import timedelta
from typing import Final

from vigil.simulator.clock import Clock

LIFE: Final = timedelta(minutes=15)


class Tokens:
    """The tokens that were handed out, on contract time, each good for at least a second of real time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._life = clock.patience(LIFE) * clock.scale
        self._handed_out: dict[str, tuple[str, timedelta]] = {}

    def hand_out(self, partner: str) -> str:
        """Return a new token of a partner. It looks like a JWT, and nobody but us could check its last part."""
        told = ({"alg": "HS256", "typ": "JWT"}, {"partner_id": partner, "policy": 0})
        parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in told]
        token = ".".join((*parts, secrets.token_urlsafe(32)))
        self._handed_out[token] = (partner, self._clock.now() + self._life)
        return token

    def partner_of(self, token: str) -> str | None:
        """Return whose token it is; None: it does not live."""
        partner, expires_at = self._handed_out.get(token, ("", timedelta(0)))
        return partner if self._clock.now() < expires_at else None
