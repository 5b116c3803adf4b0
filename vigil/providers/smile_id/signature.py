"""Smile ID's signature over a time and the partner's id. It does not cover the body that comes with it."""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import SecretStr

from vigil.domain.secrets import matches
from vigil.domain.terms import Instant, Proof
from vigil.providers.contract import CallbackRequest, GenuineRequest, Signature
from vigil.providers.parsing import as_instant
from vigil.providers.smile_id.senders import MAX_AGE

_MIN_ID_DIGITS: Final = 3
"""The least number of digits that the portal shows, with leading zeros."""
_EPOCH: Final = re.compile(r"[0-9]{10}(?:[0-9]{3})?")
_SECONDS_DIGITS: Final = 10
_SPACED: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) ([+-]\d\d):?(\d\d)")


class Signatures:
    """Signs and verifies for one account. The key is used as text, and the id in its own spelling (D)."""

    def __init__(self, partner_id: str, keys: tuple[SecretStr, ...]) -> None:
        """Take the id as the portal shows it, and the current keys."""
        self._partner_id = partner_id
        # unknown: the leading zeros of the id in signatures of the third generation, whose requests must have none
        self._spellings = dict.fromkeys((partner_id, partner_id.lstrip("0"), partner_id.zfill(_MIN_ID_DIGITS)))
        self._keys = keys

    def sign(self, timestamp: str, *, key: int = 0) -> str:
        """Return the signature of a request with this time, made with one of the current keys."""
        return _sign(timestamp, self._partner_id, self._keys[key])

    def verify(self, timestamp: str, presented: str | None) -> bool:
        """Whether a signature was made with a current key for this time as received. Takes constant time."""
        genuine = tuple(SecretStr(_sign(timestamp, each, key)) for each in self._spellings for key in self._keys)
        return matches(presented, genuine)


def prove_signed(
    request: CallbackRequest, timestamp: str, presented: str, *, kept_body: bytes, names: str = ""
) -> GenuineRequest:
    """Return the callback of a valid signature: `stale` if its time is old or unreadable.

    `names` is what names the job outside the body.
    """
    signed_at = parse_timestamp(timestamp)
    if signed_at is None or abs(request.received_at - signed_at) > MAX_AGE:
        return GenuineRequest(request, Proof.STALE, kept_body)
    return GenuineRequest(request, Proof.UNBOUND, kept_body, Signature(f"{timestamp}\0{presented}", signed_at, names))


def parse_timestamp(timestamp: str) -> Instant | None:
    """Return a time in ISO 8601 (D), or as libraries write it: with spaces, or as seconds or milliseconds (O)."""
    if _EPOCH.fullmatch(timestamp):
        unit = timedelta(seconds=1) if len(timestamp) == _SECONDS_DIGITS else timedelta(milliseconds=1)
        return datetime(1970, 1, 1, tzinfo=UTC) + int(timestamp) * unit
    spaced = _SPACED.fullmatch(timestamp)
    return as_instant("{}T{}{}:{}".format(*spaced.groups()) if spaced else timestamp)


def _sign(timestamp: str, partner_id: str, key: SecretStr) -> str:
    message = f"{timestamp}{partner_id}sid_request".encode(errors="surrogatepass")
    return base64.b64encode(hmac.new(key.get_secret_value().encode(), message, hashlib.sha256).digest()).decode()
