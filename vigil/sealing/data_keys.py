"""Data keys: one for each verification, each wrapped by the keyset `data-keys`.

A data key is a streaming keyset of Tink, sealed with the place that it is for, and stored under `keys/` and that place.
What is sealed with a data key can be read only while the data key is stored.
"""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import tink
from tink import KeysetHandle, aead, proto_keyset_format, secret_key_access, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

from vigil.sealing.errors import DataKeyForgotten, DataKeyUnreadable
from vigil.sealing.keysets import key_id_of
from vigil.storage.contract import AlreadyStored, NotStored, Storage, names_under

FOLDER: Final = "keys"
SEGMENT: Final = 64 * 1024
"""In bytes: what one authentication covers, and so what has to be in memory."""
REMEMBERED_FOR: Final = timedelta(seconds=30)
"""How long a process goes on using a data key that another one has forgotten."""
_REMEMBERED: Final = 2000
_TEMPLATE: Final = tink_pb2.KeyTemplate(
    type_url="type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey",
    value=aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKeyFormat(
        key_size=32,
        params=aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
            ciphertext_segment_size=SEGMENT, derived_key_size=32, hkdf_hash_type=common_pb2.SHA256
        ),
    ).SerializeToString(),
    output_prefix_type=tink_pb2.RAW,
)
"""AES-256-GCM with keys derived for each content. The segments of Tink's own templates are 4 KiB or 1 MiB."""

streaming_aead.register()


@dataclass(frozen=True)
class _Remembered:
    cipher: Any
    until: float


class DataKeys:
    """The data keys in a store. `place` is the beginning of the names that share a data key."""

    def __init__(self, storage: Storage, wrapping: aead.Aead, clock: Callable[[], float] = time.monotonic) -> None:
        """Take also what tells the time in seconds."""
        self._clock = clock
        self._storage = storage
        self._wrapping = wrapping
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    async def for_writing(self, place: str) -> Any:
        """Return the streaming cipher of a place, with a new data key if there is none. Raises `StorageUnavailable`."""
        try:
            return await self.for_reading(place)
        except DataKeyForgotten:
            handle = tink.new_keyset_handle(_TEMPLATE)
            try:
                await self._storage.put_new(_name(place), self._wrap(place, handle))
            except AlreadyStored:  # another process was faster, and everybody uses its key
                return await self.for_reading(place)
            return self._remember(place, handle)

    async def for_reading(self, place: str, *, again: bool = False) -> Any:
        """Return the streaming cipher of a place; `again`: as it is stored now. Raises `DataKeyForgotten`."""
        known = self._remembered.get(place)
        if known and known.until > self._clock() and not again:
            self._remembered.move_to_end(place)
            return known.cipher
        return self._remember(place, await self._read(place))

    async def forget(self, place: str) -> bool:
        """Forget the data key of a place. Return whether there was one."""
        self._remembered.pop(place, None)
        try:
            await self._storage.size(_name(place))
        except NotStored:
            return False
        await self._storage.erase(_name(place))
        return True

    async def places(self) -> AsyncIterator[str]:
        """Yield every place that has a data key."""
        async for name in names_under(self._storage, FOLDER):
            yield name.removeprefix(f"{FOLDER}/")

    async def wrapped_with(self, place: str) -> int | None:
        """Return the id of the key that wraps a data key; None if it was forgotten."""
        try:
            return key_id_of(await self._storage.read(_name(place)))
        except NotStored:
            return None

    async def rewrap(self, place: str) -> bool:
        """Wrap a data key with the current key of the keyset. Return whether an older key had wrapped it.

        One that is forgotten at the same time may come back: see `SealedStorage.rewrap`.
        """
        try:
            wrapped = await self._storage.read(_name(place))
        except NotStored:
            return False
        fresh = self._wrap(place, self._unwrap(place, wrapped))
        if key_id_of(fresh) == key_id_of(wrapped):
            return False
        await self._storage.put(_name(place), fresh)
        return True

    async def _read(self, place: str) -> KeysetHandle:
        try:
            wrapped = await self._storage.read(_name(place))
        except NotStored:
            self._remembered.pop(place, None)
            raise DataKeyForgotten(place) from None
        return self._unwrap(place, wrapped)

    def _remember(self, place: str, handle: KeysetHandle) -> Any:
        cipher = handle.primitive(streaming_aead.StreamingAead)
        self._remembered[place] = _Remembered(cipher, self._clock() + REMEMBERED_FOR.total_seconds())
        self._remembered.move_to_end(place)
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return cipher

    def _wrap(self, place: str, handle: KeysetHandle) -> bytes:
        content = proto_keyset_format.serialize(handle, secret_key_access.TOKEN)
        return bytes(self._wrapping.encrypt(content, _name(place).encode()))

    def _unwrap(self, place: str, wrapped: bytes) -> KeysetHandle:
        try:
            content = self._wrapping.decrypt(wrapped, _name(place).encode())
            return proto_keyset_format.parse(content, secret_key_access.TOKEN)
        except tink.TinkError:
            raise DataKeyUnreadable(place) from None


def _name(place: str) -> str:
    return f"{FOLDER}/{place}"
