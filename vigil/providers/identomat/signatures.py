"""The HMAC mode of a company key: requests are signed, and only signed answers are believed.

Documented for the API's requests and answers. Callbacks are never signed.
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
from vigil.providers.downloads import IDENTITY

UNPROVEN: Final = "reply_unproven"
_HEADER: Final = "Authorization"
_SIGNATURE: Final = re.compile(r'signature="([A-Za-z0-9+/]{1,100}={0,2})"')


class Signatures:
    """Signs and verifies with an account's secret key. Without a key it does neither."""

    def __init__(self, secret_key: SecretStr | None) -> None:
        """Take the secret key; None: the company key is not of the HMAC kind."""
        self._key = secret_key.get_secret_value().encode() if secret_key else None

    def headers(self, body: bytes) -> Mapping[str, str]:
        """Return the signature headers of a request with this body."""
        if self._key is None:
            return {}
        # The signature covers the body before compression.
        return {_HEADER: f'signature="{_base64(hmac.new(self._key, body, hashlib.sha256))}"', **IDENTITY}

    def verify(self, headers: httpx.Headers, body: bytes) -> None:
        """Raise `ReplyUnproven` if the answer's signature is missing or wrong."""
        if self._key is not None and not _is_signed(headers, hmac.new(self._key, body, hashlib.sha256)):
            raise ReplyUnproven(UNPROVEN)

    async def verify_stream(self, headers: httpx.Headers, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the bytes of a file. Raises `ArtifactSpoiled` at the end if the signature is missing or wrong."""
        digest = hmac.new(self._key, digestmod=hashlib.sha256) if self._key is not None else None
        async for chunk in chunks:
            if digest is not None:
                digest.update(chunk)
            yield chunk
        if digest is not None and not _is_signed(headers, digest):
            raise ArtifactSpoiled(UNPROVEN, loss=LossReason.HASH_MISMATCH)


def _is_signed(headers: httpx.Headers, digest: hmac.HMAC) -> bool:
    presented = _SIGNATURE.fullmatch(headers.get(_HEADER, "").strip())
    return presented is not None and hmac.compare_digest(presented[1], _base64(digest))


def _base64(digest: hmac.HMAC) -> str:
    return base64.b64encode(digest.digest()).decode()
