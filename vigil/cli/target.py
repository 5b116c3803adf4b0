"""Find the verification that a command names."""

from contextlib import suppress

from vigil.domain.verification_key import VerificationKey
from vigil.errors import UnknownVerification
from vigil.listing import find_by_prefix
from vigil.runtime import Runtime


async def find_key(runtime: Runtime, account: str, reference: str) -> VerificationKey:
    """Return the key of a verification by its reference, by the digest in its place, or by the start of either.

    Raises `UnknownAccount`, `UnknownVerification`, `AmbiguousReference`, `RPCError`, `StorageUnavailable`.
    """
    with suppress(UnknownVerification):
        key = await runtime.lookup.resolve_key(account, reference)
        await runtime.lookup.get(key)
        return key
    path = await find_by_prefix(runtime.client, account, reference)
    found = await runtime.tracker.key_at(path) if path else None
    if found is None:
        raise UnknownVerification
    return found
