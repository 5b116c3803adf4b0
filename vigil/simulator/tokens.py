"""Access tokens of simulated providers."""

from datetime import timedelta

from vigil.simulator.clock import Clock


class Tokens:
    """The issued tokens. Each is valid for a contract time, but for at least one second of real time."""

    def __init__(self, clock: Clock, valid_for: timedelta, *, renewed_by_use: bool = False) -> None:
        self._clock = clock
        self._valid_for = clock.patience(valid_for) * clock.scale
        self._renewed_by_use = renewed_by_use
        self._issued: dict[str, tuple[str, timedelta]] = {}

    def add(self, token: str, owner: str = "") -> str:
        """Make a token valid from now on, and return it."""
        self._issued[token] = (owner, self._clock.now() + self._valid_for)
        return token

    def owner_of(self, token: str) -> str | None:
        """Return the owner of a valid token; None: the token is not valid."""
        owner, expires_at = self._issued.get(token, ("", timedelta(0)))
        if self._clock.now() >= expires_at:
            return None
        if self._renewed_by_use:
            self.add(token, owner)
        return owner
