"""ID360's tokens: they live for fifteen minutes, and every call made with one begins them anew."""

import secrets
from datetime import timedelta
from typing import Final

from vigil.simulator.clock import Clock

LIFE: Final = timedelta(minutes=15)


class Tokens:
    """The tokens that were handed out, on contract time, each good for at least a second of real time."""

    def __init__(self, clock: Clock) -> None:
        self.logins = 0
        self._clock = clock
        self._life = clock.patience(LIFE) * clock.scale
        self._expire_at: dict[str, timedelta] = {}

    def hand_out(self) -> str:
        """Return a new token."""
        self.logins += 1
        token = secrets.token_hex(25)
        self._expire_at[token] = self._clock.now() + self._life
        return token

    def accept(self, authorization: str) -> bool:
        """Whether the header carries a living token, which then lives on."""
        scheme, _, token = authorization.partition(" ")
        expires_at = self._expire_at.get(token)
        if scheme != "Token" or expires_at is None:
            return False
        if expires_at <= self._clock.now():
            del self._expire_at[token]
            return False
        self._expire_at[token] = self._clock.now() + self._life
        return True
