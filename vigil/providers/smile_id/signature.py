"""Smile ID's signature: a mark beside a body, over a time and the partner's id. It says nothing of the body."""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import SecretStr

from vigil.domain.secrets import matches
from vigil.domain.terms import Instant, Proof
from vigil.providers.parsing import as_instant
from vigil.providers.smile_id.senders import MAX_AGE

_SHORTEST_ID: Final = 3
"""Digits that the portal shows at least, with zeros in front."""
_EPOCH: Final = re.compile(r"[0-9]{10}(?:[0-9]{3})?")
_SECONDS: Final = 10
_SPACED: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) ([+-]\d\d):?(\d\d)")


class Signatures:
    """Signs and checks for one account. The key is used as text, and the id as it is spelled (D)."""

    def __init__(self, partner_id: str, keys: tuple[SecretStr, ...]) -> None:
        """Take the id as the portal shows it, and the live keys."""
        self._partner_id = partner_id
        # unknown: with which zeros an id is spelled that the third generation refuses to take with any
        self._spellings = dict.fromkeys((partner_id, partner_id.lstrip("0"), partner_id.zfill(_SHORTEST_ID)))
        self._keys = keys

    def sign(self, timestamp: str, *, key: int = 0) -> str:
        """Return the signature that a request of ours with this time needs, under one of the live keys."""
        return _signed(timestamp, self._partner_id, self._keys[key])

    def fits(self, timestamp: str, presented: str | None) -> bool:
        """Whether a signature was made with a live key, for the time exactly as it was received. Constant in time."""
        genuine = tuple(SecretStr(_signed(timestamp, each, key)) for each in self._spellings for key in self._keys)
        return matches(presented, genuine)


def proof_at(timestamp: str, received_at: Instant, *, max_age: timedelta = MAX_AGE) -> Proof:
    """Say what a good signature of this time proves. One that is old, or whose time cannot be read, is stale."""
    signed_at = instant_of(timestamp)
    is_fresh = signed_at is not None and abs(received_at - signed_at) <= max_age
    return Proof.UNBOUND if is_fresh else Proof.STALE


def instant_of(timestamp: str) -> Instant | None:
    """Return the time that a text spells: ISO 8601 (D), or what libraries write: with spaces, or since 1970 (O)."""
    if _EPOCH.fullmatch(timestamp):
        unit = timedelta(seconds=1) if len(timestamp) == _SECONDS else timedelta(milliseconds=1)
        return datetime(1970, 1, 1, tzinfo=UTC) + int(timestamp) * unit
    spaced = _SPACED.fullmatch(timestamp)
    return as_instant("{}T{}{}:{}".format(*spaced.groups()) if spaced else timestamp)


def _signed(timestamp: str, partner_id: str, key: SecretStr) -> str:
    message = f"{timestamp}{partner_id}sid_request".encode(errors="surrogatepass")
    return base64.b64encode(hmac.new(key.get_secret_value().encode(), message, hashlib.sha256).digest()).decode()
