"""Smile ID's signature: the same formula in both directions and in both generations; it never covers the body."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final

WRONG_KEY: Final = "not-the-agreed-key"


def signature(timestamp: str, partner_id: str, api_key: str) -> str:
    """Return the signature of a moment, written as it will be sent."""
    said = f"{timestamp}{partner_id}sid_request".encode()
    return base64.b64encode(hmac.digest(api_key.encode(), said, hashlib.sha256)).decode()


def is_signed(timestamp: object, given: object, partner_id: str, api_key: str) -> bool:
    """Say whether a partner has signed what it sent."""
    if not isinstance(timestamp, str) or not isinstance(given, str):
        return False
    return hmac.compare_digest(signature(timestamp, partner_id, api_key).encode(), given.encode())


def written(moment: datetime, form: str = "milliseconds") -> str:
    """Write a moment in one of the forms in which Smile ID's documents and libraries have it."""
    moment = moment.astimezone(UTC)
    match form:
        case "epoch":
            return str(int(moment.timestamp() * 1000))
        case "offset":
            return moment.isoformat(timespec="microseconds")
        case "whole seconds":
            return moment.isoformat(timespec="seconds")
        case _:
            return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
