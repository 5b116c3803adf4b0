"""Seals what Temporal keeps: inputs, results, signals, updates, memos, heartbeats, summaries and texts of failures."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import tink
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec
from tink.aead import Aead

from vigil.sealing.clear import ACCEPTED, ARRIVED_IN_CLEAR, REFUSED, STAYS_IN_CLEAR, without_marks
from vigil.sealing.errors import UnknownKey

ENCODING: Final = "encoding"
SEALED: Final = b"binary/encrypted"
"""The encoding of a sealed payload, as Temporal's own samples name it."""
_PREFIX: Final = 5
"""Tink begins a ciphertext with a version and the id of its key, in four bytes."""


class PayloadNotOpened(RuntimeError):
    """A sealed payload does not open. The text names the key that it needs."""

    def __init__(self, key_id: str, namespace: str) -> None:
        super().__init__(
            f"A payload does not open: it was sealed by key {key_id}, and the keyset has no such key, or it was sealed "
            f"for another namespace than {namespace}, or changed."
        )
        self.key_id = key_id


@dataclass(frozen=True)
class PayloadSeal:
    """The keys of payloads.

    `accept_plain`: a payload that is not sealed is read too, whatever its type. `only_open`: payloads are opened and
    none is sealed, while processes without keys still run.
    """

    aead: Aead = field(repr=False)
    accept_plain: bool = False
    only_open: bool = False


class SealingCodec(PayloadCodec):
    """Seals each payload whole, for one namespace. It does not open in another namespace."""

    def __init__(self, seal: PayloadSeal, namespace: str) -> None:
        self._aead = seal.aead
        self._namespace = namespace
        self._associated = f"temporal/{namespace}".encode()
        self._clear_is = ACCEPTED if seal.accept_plain or seal.only_open else REFUSED
        self._only_opens = seal.only_open

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the payloads sealed, but for those that stay in clear."""
        if self._only_opens:
            return list(payloads)
        return [payload if STAYS_IN_CLEAR in payload.metadata else self.seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the payloads opened. One that was not sealed is marked. Raises `PayloadNotOpened`."""
        return [self.open(payload) if is_sealed(payload) else self._marked(payload) for payload in payloads]

    def seal(self, payload: Payload) -> Payload:
        """Return the payload sealed, its metadata included."""
        content = self._aead.encrypt(payload.SerializeToString(), self._associated)
        return Payload(metadata={ENCODING: SEALED}, data=content)

    def open(self, payload: Payload) -> Payload:
        """Return the payload that was sealed. Raises `PayloadNotOpened`."""
        try:
            return without_marks(Payload.FromString(self._aead.decrypt(payload.data, self._associated)))
        except (tink.TinkError, UnknownKey, DecodeError):
            raise PayloadNotOpened(_key_id(payload.data), self._namespace) from None

    def _marked(self, payload: Payload) -> Payload:
        marked = without_marks(payload)
        marked.metadata[ARRIVED_IN_CLEAR] = self._clear_is
        return marked


def is_sealed(payload: Payload) -> bool:
    """Whether a payload is sealed."""
    return payload.metadata.get(ENCODING) == SEALED


def _key_id(data: bytes) -> str:
    return str(int.from_bytes(data[1:_PREFIX], "big")) if len(data) >= _PREFIX else "unknown"
