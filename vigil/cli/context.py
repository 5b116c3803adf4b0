"""An installation opened for one command: its settings, and what they lead to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from temporalio.client import Client

from vigil.cli.errors import CommandError
from vigil.client import VerificationClient
from vigil.config.accounts import Account, open_accounts
from vigil.config.settings import DEFAULT_FILE, Settings, load_settings
from vigil.domain.digest import Digester
from vigil.domain.verification_key import VerificationKey
from vigil.lookup import VerificationLookup
from vigil.providers.transport import open_http
from vigil.registration import Registrar
from vigil.storage.contract import Storage
from vigil.storage.correlations import Correlations
from vigil.storage.factory import open_storage
from vigil.temporal.connection import connect

DEV_FOLDER: Final = Path(".vigil")
DEV_FILE: Final = DEV_FOLDER / "vigil.toml"


@dataclass(frozen=True)
class Installation:
    """What a command works with."""

    settings: Settings
    accounts: dict[str, Account]
    tracker: VerificationClient
    storage: Storage
    digester: Digester

    @property
    def client(self) -> Client:
        """The Temporal client."""
        return self.tracker.client

    @property
    def lookup(self) -> VerificationLookup:
        """What looks verifications up."""
        return VerificationLookup(self.tracker, self.storage, self.accounts)

    @property
    def registrar(self) -> Registrar:
        """What registers verifications."""
        correlations = Correlations(self.storage)
        return Registrar(self.accounts, self.settings.endpoints, self.tracker, correlations, self.digester)

    def key(self, account: str, reference: str) -> VerificationKey:
        """Return a key of a configured account. Raises `CommandError`."""
        if account not in self.accounts:
            raise CommandError(
                f"There is no account {account}; the settings have {', '.join(self.accounts) or 'none'}."
            )
        return VerificationKey(account=account, reference=reference)

    async def named(self, account: str, reference: str) -> VerificationKey:
        """Return the key that a reference means, or the digest that lists show in its place. Raises `CommandError`."""
        self.key(account, "any")
        return await self.lookup.resolve_key(account, reference)


def settings_file(given: Path | None, environ: dict[str, str]) -> Path | None:
    """Return the file that was named; where none was, and none is there, that of `vigil dev`; None: the default."""
    is_named = given is not None or environ.get("VIGIL_CONFIG") or DEFAULT_FILE.exists()
    return given if is_named or not DEV_FILE.exists() else DEV_FILE


@asynccontextmanager
async def opened(config: Path | None) -> AsyncIterator[Installation]:
    """Open an installation. Raises `SettingsError`, and `CommandError` where Temporal or storage cannot be had."""
    settings = load_settings(config)
    digester = Digester(settings.digest_key.get_secret_value().encode())
    async with open_http() as http:
        accounts = dict(open_accounts(settings, http=http))
        client = await connected(settings)
        tracked = {name: account.tracked for name, account in accounts.items()}
        yield Installation(
            settings=settings,
            accounts=accounts,
            tracker=VerificationClient(client, tracked, digester),
            storage=opened_storage(settings),
            digester=digester,
        )


async def connected(settings: Settings) -> Client:
    """Connect to Temporal. Raises `CommandError`."""
    temporal = settings.temporal
    try:
        return await connect(temporal.address, temporal.namespace)
    except RuntimeError:
        address = temporal.address or "127.0.0.1:7233"
        raise CommandError(
            f"Temporal does not answer at {address}: start it (`vigil dev` does), or set [temporal] address."
        ) from None


def opened_storage(settings: Settings) -> Storage:
    """Open the storage. Raises `CommandError`."""
    try:
        return open_storage(settings.storage.url)
    except Exception as error:  # noqa: BLE001 -- each kind of store has its own errors, and their texts may hold credentials
        raise CommandError(f"The storage cannot be opened ({type(error).__name__}): look at [storage] url.") from None
