"""Find the verification that a command names."""

from vigil.cli.errors import CommandError
from vigil.domain.verification_key import VerificationKey
from vigil.errors import UnknownVerification
from vigil.listing import find_by_prefix
from vigil.runtime import Runtime


async def find_key(runtime: Runtime, account: str, reference: str) -> VerificationKey:
    """Return the key of a verification by its reference, by the digest in its place, or by the start of either.

    Raises `UnknownAccount`, `UnknownVerification`, `AmbiguousReference`, `RPCError`, `StorageUnavailable`.
    """
    try:
        return await _find(runtime, account, reference)
    except UnknownVerification:
        pass
    path = await find_by_prefix(runtime.client, account, reference)
    found = await runtime.tracker.key_at(path) if path else None
    if found is None:
        raise UnknownVerification
    return found


async def find_exact_key(runtime: Runtime, account: str, reference: str) -> VerificationKey:
    """Return the key by the whole reference, or the whole digest in its place.

    It is for commands that nobody can take back: the start of a reference may be that of another verification.
    Raises `CommandError`, `UnknownAccount`, `RPCError`, `StorageUnavailable`.
    """
    try:
        return await _find(runtime, account, reference)
    except UnknownVerification:
        raise CommandError(
            f"{account} has no verification {reference}. This command needs the whole reference, not its start."
        ) from None


async def _find(runtime: Runtime, account: str, reference: str) -> VerificationKey:
    key = await runtime.lookup.resolve_key(account, reference)
    await runtime.lookup.get(key)
    return key
