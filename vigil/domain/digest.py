"""Keyed digests and seals: what may leave a process in the place of a value that must not."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

_MARK_SIZE: Final = 16


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
        """Return the text encrypted and authenticated; the same text gives the same seal.

        The mark is an HMAC of the text, and HMACs of the mark hide the text. That is the construction SIV of RFC 5297
        with HMAC in the place of AES, which the standard library does not have.
        """
        data = text.encode(errors="surrogatepass")
        mark = self._mac(f"seal/{purpose}", data)[:_MARK_SIZE]
        return base64.urlsafe_b64encode(mark + self._mask(purpose, mark, data)).decode().rstrip("=")

    def unseal(self, purpose: str, sealed: str) -> str | None:
        """Return the sealed text; None if it was sealed for another purpose or by another key, or not at all."""
        try:
            content = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
            mark, masked = content[:_MARK_SIZE], content[_MARK_SIZE:]
            data = self._mask(purpose, mark, masked)
            text = data.decode(errors="surrogatepass")
        except (binascii.Error, ValueError):
            return None
        return text if hmac.compare_digest(mark, self._mac(f"seal/{purpose}", data)[:_MARK_SIZE]) else None

    def _mask(self, purpose: str, mark: bytes, data: bytes) -> bytes:
        blocks = (self._mac(f"mask/{purpose}", mark + bytes([number])) for number in range(-(-len(data) // 32)))
        return bytes(each ^ masked for each, masked in zip(data, b"".join(blocks), strict=False))

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
