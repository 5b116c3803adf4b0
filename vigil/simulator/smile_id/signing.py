"""Smile ID's signature: one formula for both directions and both generations, which never covers the body."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final

WRONG_KEY: Final = "not-the-agreed-key"


def signature(timestamp: str, partner_id: str, api_key: str) -> str:
    """Return the signature of a time, written as it will be sent."""
    content = f"{timestamp}{partner_id}sid_request".encode()
    return base64.b64encode(hmac.digest(api_key.encode(), content, hashlib.sha256)).decode()


def is_signed(timestamp: object, given: object, partner_id: str, api_key: str) -> bool:
    """Return whether a signature is that of a partner's key."""
    if not isinstance(timestamp, str) or not isinstance(given, str):
        return False
    return hmac.compare_digest(signature(timestamp, partner_id, api_key).encode(), given.encode())


class SignedTimes:
    """The times of signatures: the real one, and never the same twice, so that each callback has its own signature."""

    def __init__(self) -> None:
        self._last = datetime.min.replace(tzinfo=UTC)

    def next(self) -> str:
        """Return the time of the next signature, as Smile ID writes it."""
        self._last = max(datetime.now(UTC), self._last + timedelta(milliseconds=1))
        return written(self._last)


def written(moment: datetime) -> str:
    """Return a time as Smile ID writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
