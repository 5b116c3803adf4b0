"""What a backend in Python needs: connect, register verifications, look at them, wait for them.

It needs Temporal's address, the digest key and the accounts of `vigil.toml`, and no provider's secret.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vigil.config.accounts import open_accounts
from vigil.config.settings import ClientSettings, SettingsError, load_client_settings
from vigil.domain.registration import Registration
from vigil.domain.summary import Summary
from vigil.domain.verification_key import VerificationKey
from vigil.errors import CommandRefused, ConflictingRegistration, NoWorkerInTime, TemporalUnreachable, UnknownAccount
from vigil.providers.transport import open_http
from vigil.sealing.codec import PayloadSeal
from vigil.sealing.errors import KeysetsNotOpened
from vigil.sealing.keysets import Keysets
from vigil.temporal.client import RegistrationResult, VerificationClient, wait_for_decision
from vigil.temporal.connection import connect

__all__ = [
    "ClientSettings",
    "CommandRefused",
    "ConflictingRegistration",
    "KeysetsNotOpened",
    "NoWorkerInTime",
    "Registration",
    "RegistrationResult",
    "SettingsError",
    "Summary",
    "TemporalUnreachable",
    "UnknownAccount",
    "VerificationClient",
    "VerificationKey",
    "load_client_settings",
    "open_client",
    "wait_for_decision",
]


@asynccontextmanager
async def open_client(settings: ClientSettings) -> AsyncIterator[VerificationClient]:
    """Connect to Temporal for as long as the context lasts. Raises `KeysetsNotOpened`, `TemporalUnreachable`."""
    keys = settings.seal
    seal = PayloadSeal(Keysets(keys.folder, keys.kms).payloads, keys.accept_plain, keys.only_open) if keys else None
    async with open_http() as http:
        accounts = open_accounts(settings, http)
        try:
            client = await connect(settings.temporal.address, settings.temporal.namespace, seal=seal)
        except RuntimeError:
            raise TemporalUnreachable(settings.temporal.address) from None
        yield VerificationClient(client, accounts, settings.digester)
