"""Payloads that are not sealed, because who sent them or reads them has no key. Workflows import this."""

from typing import Final

from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

ARRIVED_IN_CLEAR: Final = "vigil-arrived-in-clear"
"""Metadata of a payload that was not sealed, from `SealingCodec.decode`. Its value says whether every type takes it."""
ACCEPTED: Final = b"accepted"
REFUSED: Final = b"refused"
STAYS_IN_CLEAR: Final = "vigil-stays-in-clear"
"""Metadata of a payload that `SealingCodec.encode` does not seal."""


def arrived_in_clear(raw: RawValue) -> bool:
    """Whether an input was not sealed. Then its sender has no key, and reads no sealed answer."""
    return ARRIVED_IN_CLEAR in raw.payload.metadata


def take_in_clear(raw: RawValue) -> Payload:
    """Return the payload of an input that is read whether it was sealed or not."""
    return without_marks(raw.payload)


def keep_in_clear(payload: Payload) -> RawValue:
    """Return a result that is not sealed."""
    clear = without_marks(payload)
    clear.metadata[STAYS_IN_CLEAR] = b"1"
    return RawValue(clear)


def without_marks(payload: Payload) -> Payload:
    """Return a copy of a payload without our metadata."""
    copy = Payload()
    copy.CopyFrom(payload)
    for mark in (ARRIVED_IN_CLEAR, STAYS_IN_CLEAR):
        if mark in copy.metadata:
            del copy.metadata[mark]
    return copy
