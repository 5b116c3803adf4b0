"""Open everything that the settings name, once for the API, the worker, the command line and backends.

What is opened at its first use is imported then too: a command that asks Temporal alone starts sooner without it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import httpx
import temporalio.runtime
from temporalio.client import Client

from vigil.config.accounts import OpenAccount, open_accounts
from vigil.config.settings import Settings
from vigil.domain.digest import Digester
from vigil.errors import StorageNotOpened, TemporalUnreachable
from vigil.providers.transport import open_http
from vigil.sealing.codec import PayloadSeal
from vigil.sealing.keysets import Keysets
from vigil.temporal.client import VerificationClient
from vigil.temporal.connection import connect

if TYPE_CHECKING:
    from vigil.audit import AuditLog
    from vigil.erasure import Erasures
    from vigil.lookup import VerificationLookup
    from vigil.registration import Registrar
    from vigil.retention import Retention
    from vigil.storage.contract import Storage


@dataclass(frozen=True)
class Runtime:
    """The open parts of an installation. Safe to share; one per process."""

    settings: Settings
    digester: Digester
    http: httpx.AsyncClient
    accounts: Mapping[str, OpenAccount]
    client: Client
    tracker: VerificationClient
    keysets: Keysets | None
    """The keys; None where the settings have `seal = "off"`."""

    @cached_property
    def storage(self) -> "Storage":
        """The storage, opened on the first use: not every program needs it. Raises `StorageNotOpened`."""
        from vigil.storage.erasable import ErasableStorage
        from vigil.storage.factory import BadStorageUrl

        try:
            return ErasableStorage(self._open_storage())
        except BadStorageUrl as error:
            raise StorageNotOpened(str(error)) from None
        except Exception as error:  # noqa: BLE001 -- each kind of store has its own errors, and their texts may hold credentials
            raise StorageNotOpened(type(error).__name__) from None

    def _open_storage(self) -> "Storage":
        from vigil.sealing.storage import SealedStorage
        from vigil.storage.factory import open_storage

        storage, seal = open_storage(self.settings.storage.url), self.settings.seal
        if self.keysets is None or seal is None:
            return storage
        data_keys = open_storage(seal.data_keys) if seal.data_keys else None
        return SealedStorage(storage, self.keysets, data_keys, accept_plain=seal.accept_plain)

    @cached_property
    def lookup(self) -> "VerificationLookup":
        """The lookup of verifications. Raises `StorageNotOpened`."""
        from vigil.lookup import VerificationLookup

        return VerificationLookup(self.tracker, self.storage, self.accounts)

    @cached_property
    def audit(self) -> "AuditLog":
        """The log of who read personal data. Raises `StorageNotOpened`."""
        from vigil.audit import AuditLog

        return AuditLog(self.storage, self.digester)

    @cached_property
    def erasures(self) -> "Erasures":
        """Erasures and holds. Raises `StorageNotOpened`."""
        from vigil.erasure import Erasures

        return Erasures(self.storage, self.tracker, self.lookup, self.settings.keep_rules)

    @cached_property
    def retention(self) -> "Retention":
        """What finds and erases what has been kept long enough. Raises `StorageNotOpened`."""
        from vigil.retention import Retention

        return Retention(self.storage, self.tracker, self.settings.keep_rules)

    @cached_property
    def registrar(self) -> "Registrar":
        """The registration of verifications. Raises `StorageNotOpened`."""
        from vigil.registration import Registrar

        settings = self.settings
        return Registrar(
            self.accounts, settings.endpoints, self.tracker, self.storage, self.digester, settings.completion_endpoints
        )


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, lazy: bool = False, temporal_runtime: temporalio.runtime.Runtime | None = None
) -> AsyncIterator[Runtime]:
    """Open what the settings name, for as long as the context lasts.

    `lazy`: the first call connects to Temporal, for a program that may start before Temporal does.

    Raises:
        KeysetsNotOpened: The keysets of the settings cannot be used.
        TemporalUnreachable: Temporal does not answer; never with `lazy`.

    """
    digester = settings.digester
    keys = settings.seal
    keysets = Keysets(keys.folder, keys.kms) if keys else None
    seal = PayloadSeal(keysets.payloads, keys.accept_plain, keys.only_open) if keys and keysets else None
    temporal = settings.temporal
    async with open_http() as http:
        accounts = open_accounts(settings, http)
        try:
            client = await connect(temporal.address, temporal.namespace, seal=seal, lazy=lazy, runtime=temporal_runtime)
        except RuntimeError:
            raise TemporalUnreachable(temporal.address) from None
        tracker = VerificationClient(client, accounts, digester)
        yield Runtime(settings, digester, http, accounts, client, tracker, keysets)
