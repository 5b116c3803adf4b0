"""Keyed digests and seals: what may leave a process in the place of a value that must not."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV


@dataclass(frozen=True)
class Digester:
    """Makes HMAC-SHA-256 digests under the installation's `digest_key`.

    A plain digest of a short secret is the secret, so nothing unkeyed leaves a process.
    """

    key: bytes = field(repr=False)

    def digest(self, purpose: str, content: bytes | str) -> str:
        """Return 26 base32 characters (130 bits); digests for different purposes never compare equal."""
        # What a stranger's JSON holds may be text that UTF-8 has no bytes for.
        data = content.encode(errors="surrogatepass") if isinstance(content, str) else content
        return _text(self._mac(purpose, data))

    def seal(self, purpose: str, text: str) -> str:
        """Return the text encrypted and authenticated (AES-SIV, RFC 5297); the same text gives the same seal."""
        sealed = self._cipher.encrypt(text.encode(errors="surrogatepass"), [purpose.encode()])
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def unseal(self, purpose: str, sealed: str) -> str | None:
        """Return the sealed text; None if it was sealed for another purpose or by another key, or not at all."""
        try:
            content = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
            return self._cipher.decrypt(content, [purpose.encode()]).decode(errors="surrogatepass")
        except (InvalidTag, ValueError):
            return None

    @cached_property
    def _cipher(self) -> AESSIV:
        return AESSIV(hmac.digest(self.key, b"seal", "sha512"))

    def _mac(self, purpose: str, data: bytes) -> bytes:
        return hmac.digest(self.key, purpose.encode() + b"\0" + data, "sha256")

    def running(self, purpose: str) -> "RunningDigest":
        """Return a digest that is fed piece by piece, for files."""
        return RunningDigest(hmac.new(self.key, purpose.encode() + b"\0", hashlib.sha256))


class RunningDigest:
    """A keyed digest of a stream."""

    def __init__(self, mac: hmac.HMAC) -> None:
        """Start from a keyed state."""
        self._mac = mac

    def update(self, piece: bytes) -> None:
        """Add one piece."""
        self._mac.update(piece)

    def text(self) -> str:
        """Return the digest of everything added so far."""
        return _text(self._mac.digest())


def _text(mac: bytes) -> str:
    return base64.b32encode(mac).decode().lower()[:26]
