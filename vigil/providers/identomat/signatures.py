"""The HMAC mode of a company key: we sign what we ask, and believe only answers that are signed.

Documented for calls of the API and their answers; callbacks are never signed.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Mapping
from typing import Final

import httpx
from pydantic import SecretStr

from vigil.domain.errors import ArtifactSpoiled, ReplyUnproven
from vigil.domain.terms import LossReason
from vigil.providers.files import IDENTITY

UNPROVEN: Final = "reply_unproven"
_HEADER: Final = "Authorization"
_SIGNATURE: Final = re.compile(r'signature="([A-Za-z0-9+/]{1,100}={0,2})"')


class Signatures:
    """Signs and checks under an account's secret key; without one it does neither."""

    def __init__(self, secret_key: SecretStr | None) -> None:
        """Take the key that came with the company key."""
        self._key = secret_key.get_secret_value().encode() if secret_key else None

    def headers(self, body: bytes) -> Mapping[str, str]:
        """Return the headers that a request with this body needs."""
        if self._key is None:
            return {}
        # What a signature covers is what the body is, not how it was packed for the way.
        return {_HEADER: f'signature="{_text(hmac.new(self._key, body, hashlib.sha256))}"', **IDENTITY}

    def demand(self, headers: httpx.Headers, body: bytes) -> None:
        """Raise `ReplyUnproven` for an answer whose signature is missing or another's."""
        if self._key is not None and not _fits(headers, hmac.new(self._key, body, hashlib.sha256)):
            raise ReplyUnproven(UNPROVEN)

    async def demanded(self, headers: httpx.Headers, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Pass a file on. Raises `ArtifactSpoiled` at its end if the signature is missing or another's."""
        digest = hmac.new(self._key, digestmod=hashlib.sha256) if self._key is not None else None
        async for chunk in chunks:
            if digest is not None:
                digest.update(chunk)
            yield chunk
        if digest is not None and not _fits(headers, digest):
            raise ArtifactSpoiled(UNPROVEN, loss=LossReason.HASH_MISMATCH)


def _fits(headers: httpx.Headers, digest: hmac.HMAC) -> bool:
    told = _SIGNATURE.fullmatch(headers.get(_HEADER, "").strip())
    return told is not None and hmac.compare_digest(told[1], _text(digest))


def _text(digest: hmac.HMAC) -> str:
    return base64.b64encode(digest.digest()).decode()
