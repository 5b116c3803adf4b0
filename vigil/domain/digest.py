"""Keyed digests and seals: what may leave a process in the place of a value that must not."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_BRIEF: Final = frozenset({"history", "message", "page", "receiver", "session", "signature", "signed"})
"""Purposes whose digests are of use for hours at most, and mean nothing after a change of the key."""


@dataclass(frozen=True)
class Digester:
    """Makes HMAC-SHA-256 digests under the installation's `digest_key`.

    A plain digest of a short secret is the secret, so nothing unkeyed leaves a process.

    After a change of the key, `key` is the new one and `older` are those before it, the oldest last. What was sealed
    with any of them is opened. Digests that are part of a name, or are compared with what is stored, are made with the
    oldest.
    """

    key: bytes = field(repr=False)
    older: tuple[bytes, ...] = field(default=(), repr=False)

    def digest(self, purpose: str, content: bytes | str) -> str:
        """Return 26 base32 characters (130 bits); digests for different purposes never compare equal."""
        # What a stranger's JSON holds may be text that UTF-8 has no bytes for.
        data = content.encode(errors="surrogatepass") if isinstance(content, str) else content
        return _text(hmac.digest(self._key_for(purpose), purpose.encode() + b"\0" + data, "sha256"))

    def seal(self, purpose: str, text: str) -> str:
        """Return the text encrypted and authenticated (AES-SIV, RFC 5297); the same text gives the same seal."""
        sealed = self._ciphers[0].encrypt(text.encode(errors="surrogatepass"), [purpose.encode()])
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def unseal(self, purpose: str, sealed: str) -> str | None:
        """Return the sealed text; None if it was sealed for another purpose or by another key, or not at all."""
        for cipher in self._ciphers:
            with suppress(InvalidTag, ValueError):
                content = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
                return cipher.decrypt(content, [purpose.encode()]).decode(errors="surrogatepass")
        return None

    @cached_property
    def _ciphers(self) -> Sequence[AESSIV]:
        return [AESSIV(hmac.digest(key, b"seal", "sha512")) for key in (self.key, *self.older)]

    def _key_for(self, purpose: str) -> bytes:
        return self.key if purpose in _BRIEF else (self.key, *self.older)[-1]

    def running(self, purpose: str) -> "RunningDigest":
        """Return a digest that is fed piece by piece, for files."""
        return RunningDigest(hmac.new(self._key_for(purpose), purpose.encode() + b"\0", hashlib.sha256))


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
