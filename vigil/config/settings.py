"""The settings of an installation: `vigil.toml`, overruled by the environment, with secrets from elsewhere.

A value comes from the first of these that has one:

1. `TEMPORAL_ADDRESS` and `TEMPORAL_NAMESPACE`, as everywhere in Temporal's world;
2. `VIGIL_...` in the environment, with `__` between levels (`VIGIL_API__PORT=8001`, `VIGIL_ACCOUNTS__ACME__USERNAME`;
   `-` in a name is written `_`); lists and tables as TOML (`VIGIL_API__FACES='["callbacks"]'`);
3. the file: `--config FILE`, else `VIGIL_CONFIG`, else `./vigil.toml`;
4. the default.

A secret is `{ env = "NAME" }` or `{ file = "PATH" }` (from the folder of the settings file), or a list of two of them
during a rotation. Every fault is one sentence that names the file, the setting and the fix, and never shows a value.
"""

import os
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    IPvAnyNetwork,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from vigil.config.api_settings import ApiSettings, EndpointSettings, ListenerAddress
from vigil.config.codec_settings import CodecSettings
from vigil.config.durations import Duration
from vigil.config.keep import AccountKeep, KeepSettings, find_keep_faults
from vigil.config.safety import find_key_faults, find_production_faults, find_secret_faults, find_shared_secrets
from vigil.config.settings_file import (
    Fault,
    SecretResolver,
    SettingsError,
    find_faults,
    nearest,
    overlaid,
    with_random_secrets,
)
from vigil.domain.digest import Digester
from vigil.domain.models import StrictModel
from vigil.domain.retention import KeepRules
from vigil.domain.secrets import ChosenSecret, is_placeholder
from vigil.domain.terms import Name
from vigil.domain.tracking_plan import TrackingPlan
from vigil.messaging.settings import MessageSettings
from vigil.providers.account_settings import AccountSettings
from vigil.providers.registry import PROVIDERS, AnyEntry

__all__ = ["ClientSettings", "Settings", "SettingsError", "load_client_settings", "load_settings"]

DEFAULT_FILE: Final = Path("vigil.toml")
SANDBOX: Final = "sandbox"

SettingsT = TypeVar("SettingsT", bound="ClientSettings")


class TemporalSettings(StrictModel):
    """Where Temporal is; None leaves it to the SDK's own environment variables and defaults."""

    address: str | None = None
    """Host and port of Temporal. `TEMPORAL_ADDRESS` goes before it; `127.0.0.1:7233` if there is neither."""
    namespace: str | None = None
    """The namespace. `TEMPORAL_NAMESPACE` goes before it; `default` if there is neither."""
    ui: Annotated[str, Field(pattern=r"^https?://[^\s?#]+[^\s/?#]$")] | None = None
    """Temporal's UI with its namespace, such as `http://127.0.0.1:8233/namespaces/default`: the pages link there."""


class StorageSettings(StrictModel):
    """Where receipts, results, files and records rest."""

    url: str
    """`file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.

    Cloud credentials come from the vendor's own variables. Without the table `[storage]` it is `.vigil/storage`
    beside the file.
    """
    keep: KeepSettings = KeepSettings()


class SealSettings(StrictModel):
    """With which keys everything is sealed."""

    folder: Path
    """The folder of the keysets, as `vigil keys new` makes it; a relative one begins at the settings file."""
    kms: str | None = None
    """The key of a KMS that encrypts the keysets: `aws-kms://...`, `gcp-kms://...` or `hcvault://...`.

    None: the keysets are in clear.
    """
    data_keys: str | None = None
    """The URL of the store of the data keys; None: that of everything else, below `keys/`."""
    accept_plain: bool = False
    """Whether what was stored in clear, before there were keys, is still read."""
    only_open: bool = False
    """Whether nothing is sealed in Temporal yet, since processes without keys still run."""


def _seal(given: Any) -> Any:
    if given == "off":
        return None
    if isinstance(given, str):
        raise ValueError(  # noqa: TRY004 -- pydantic shows the sentence of a ValueError
            'make keys with `vigil keys new FOLDER` and set [seal] folder, or set seal = "off"'
        )
    return given


class NotificationSettings(StrictModel):
    """Notifications of backends."""

    not_notified_after: Duration = timedelta(minutes=15)
    """How long a notification may fail before its verification raises the attention `not_notified`."""


class WorkerSettings(StrictModel):
    """A worker process."""

    metrics_address: ListenerAddress | None = None
    """Host and port where it listens for Prometheus."""
    health_address: ListenerAddress | None = None
    """Host and port where it answers `/health/live` and `/health/ready`."""
    cached_workflows: Annotated[int, Field(ge=10)] = 1000
    """Workflows in memory, of each of the three queues that have workflows. An open verification takes 140 KiB."""
    slots: Annotated[int, Field(ge=5)] = 100
    """Activities, and as many workflow tasks, of each queue at one moment."""
    downloads: Annotated[int, Field(ge=1)] = 20
    """At one moment, in the place of `slots`."""
    deployment: Name | None = None
    """The name under which Temporal keeps builds of the workers apart. Without it, all share all work."""


def _tracking_field(name: str) -> str:
    if name not in _TRACKING_FIELDS:
        raise ValueError("a tracking plan has no such duration" + nearest(name, _TRACKING_FIELDS))
    return name


_TRACKING_FIELDS: Final = frozenset(
    name for name, field in TrackingPlan.model_fields.items() if field.annotation is timedelta
)
TrackingTimes: TypeAlias = Mapping[Annotated[str, AfterValidator(_tracking_field)], Duration]


class Common(StrictModel):
    """What every account may say beside its provider's own settings."""

    tracking: TrackingTimes = Field(default_factory=dict)
    """Times of the tracking plan that differ from the sender's contract, such as `{ deadline = "7d" }`."""
    allowed_sources: tuple[IPvAnyNetwork, ...] = ()
    """Networks that callbacks may come from; empty: any."""
    reads_per_second: Annotated[float, Field(gt=0)] = 10
    """How often the provider may be asked, over all workers."""
    discovers_every: Duration = timedelta(minutes=5)
    """How often the provider's list is read for them; `time_scale` divides it."""
    keep: AccountKeep = AccountKeep()
    """How long its data is kept, where that differs from `[storage] keep`: `receipts`, `results`, `artifacts`,
    `records`, `at_least`, such as `{ results = "5y" }`."""
    discovery: bool = True
    """Whether verifications that the provider lists and nobody registered are tracked, where it lists any."""


class ConfiguredAccount(Common):
    """One account: what is common to all, and its provider's own settings."""

    own: AccountSettings


def _chosen(secret: SecretStr) -> SecretStr:
    if is_placeholder(secret.get_secret_value()):
        raise ValueError("is empty or a placeholder; set a real secret")
    return ChosenSecret(secret.get_secret_value())


def _as_list(given: object) -> object:
    return (given,) if isinstance(given, str | SecretStr) else given


DigestKeys: TypeAlias = Annotated[
    tuple[SecretStr, ...],
    BeforeValidator(_as_list),
    AfterValidator(lambda secrets: tuple(map(_chosen, secrets))),
    Field(min_length=1, max_length=5),
]


class ClientSettings(StrictModel):
    """What addresses verifications. `time_scale` divides the durations of every tracking plan, for sandboxes only."""

    digest_key: DigestKeys
    """Keys the digests that stand in the place of what must not be shown. A list after a change: the newest one first.

    Keep the oldest for ever: without it, verifications whose reference is hidden are not found again.
    """
    seal: Annotated[SealSettings | None, BeforeValidator(_seal)]
    """The keys; None where nothing is sealed. The file has "off" for that, and there is no default."""
    temporal: TemporalSettings = TemporalSettings()
    accounts: Mapping[Name, ConfiguredAccount] = Field(default_factory=dict)
    time_scale: Annotated[float, Field(ge=1)] = 1
    """Divides each duration of each tracking plan. Only where all accounts are sandboxes."""

    @property
    def digester(self) -> Digester:
        """What makes digests under `digest_key`."""
        newest, *older = [secret.get_secret_value().encode() for secret in self.digest_key]
        return Digester(newest, tuple(older))

    @property
    def real_accounts(self) -> frozenset[str]:
        """The accounts that are not sandboxes."""
        return frozenset(name for name, account in self.accounts.items() if account.own.environment != SANDBOX)

    @property
    def real_account(self) -> str | None:
        """The first account that is not a sandbox."""
        return next((name for name in self.accounts if name in self.real_accounts), None)

    @model_validator(mode="after")
    def _check_scale(self) -> Self:
        if self.time_scale != 1 and self.real_account:
            raise ValueError(f"time_scale must be 1 while accounts.{self.real_account} is not a sandbox")
        return self


class Settings(ClientSettings):
    """Everything that can be set."""

    storage: StorageSettings
    api: ApiSettings = ApiSettings()
    worker: WorkerSettings = WorkerSettings()
    endpoints: Mapping[Name, EndpointSettings] = Field(default_factory=dict)
    notifications: NotificationSettings = NotificationSettings()
    messages: MessageSettings = MessageSettings()
    codec: CodecSettings | None = None

    @property
    def keep_rules(self) -> Mapping[str, KeepRules]:
        """How long the data of each account is kept."""
        return {name: self.storage.keep.rules_of(account.keep) for name, account in self.accounts.items()}

    @property
    def completion_endpoints(self) -> frozenset[Name]:
        """The endpoints that are notified also when a verification is complete."""
        return frozenset(name for name, endpoint in self.endpoints.items() if endpoint.notify_complete)


def load_settings(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    providers: Mapping[str, AnyEntry] = PROVIDERS,
) -> Settings:
    """Return the settings of an installation. Raises `SettingsError`, which names the fix in one sentence."""
    environ = os.environ if environ is None else environ
    file = _file(path, environ)
    secrets = SecretResolver(environ, file)
    given = secrets.resolve(overlaid(file, environ, Settings.model_fields))
    given.setdefault("storage", {"url": (file.absolute().parent / ".vigil" / "storage").as_uri()})
    settings = _checked(Settings, given, environ, providers, _Faults(file, secrets.faults))
    faults = list(find_key_faults(settings.api, settings.accounts, settings.endpoints))
    keeps = {name: account.keep for name, account in settings.accounts.items()}
    faults += find_keep_faults(settings.storage.keep, keeps, settings.real_accounts)
    if settings.real_account:
        faults += find_production_faults(settings.real_account, settings.api, settings.messages.email)
    _Faults(file, faults).raise_any()
    return settings


def load_client_settings(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    providers: Mapping[str, AnyEntry] = PROVIDERS,
) -> ClientSettings:
    """Return what a backend needs of the same file: Temporal, the digest key and the accounts.

    No other secret is read: in the place of each stands a random value, with which no provider can be asked.
    Raises `SettingsError`.
    """
    environ = os.environ if environ is None else environ
    file = _file(path, environ)
    known = ClientSettings.model_fields
    given = {name: value for name, value in overlaid(file, environ, known).items() if name in known}
    accounts = with_random_secrets(given.pop("accounts", {}))
    secrets = SecretResolver(environ, file)
    given = secrets.resolve(given) | {"accounts": accounts}
    return _checked(ClientSettings, given, environ, providers, _Faults(file, secrets.faults))


def is_exposed(path: Path | None = None, *, environ: Mapping[str, str] | None = None) -> bool:
    """Return whether every user of this machine may read or write the settings file. It may hold secrets."""
    return bool(_file(path, os.environ if environ is None else environ).stat().st_mode & 0o007)


def _file(path: Path | None, environ: Mapping[str, str]) -> Path:
    return path or Path(environ.get("VIGIL_CONFIG") or DEFAULT_FILE)


class _Faults:
    """The faults that were found so far. A setting whose secret is not there is named once."""

    def __init__(self, file: Path, found: Iterable[Fault]) -> None:
        self.file = file
        self._found = list(found)

    def add(self, faults: Iterable[Fault]) -> None:
        named = {setting for setting, _ in self._found}
        for setting, fix in faults:
            if not any(setting[:length] in named for length in range(1, len(setting) + 1)):
                self._found.append((setting, fix))

    def raise_any(self) -> None:
        """Raise `SettingsError` with all of them, if there are any."""
        if self._found:
            raise SettingsError(self.file, *self._found)


def _checked(
    model: type[SettingsT],
    given: dict[str, Any],
    environ: Mapping[str, str],
    providers: Mapping[str, AnyEntry],
    faults: _Faults,
) -> SettingsT:
    _take_temporal_variables(given, environ)
    _complete_seal_folder(given, faults.file)
    tables = given.get("accounts", {})
    if not isinstance(tables, dict):
        faults.add([(("accounts",), "must be a table of accounts")])
        tables = {}
    given["accounts"] = {
        name: account for name, table in tables.items() if (account := _account(name, table, providers, faults))
    }
    try:
        settings = model.model_validate(given)
    except ValidationError as error:
        faults.add(find_faults(error, model))
        faults.raise_any()
        raise
    faults.raise_any()
    faults.add(find_secret_faults(settings))
    faults.add(find_shared_secrets(settings))
    faults.raise_any()
    return settings


def _take_temporal_variables(given: dict[str, Any], environ: Mapping[str, str]) -> None:
    temporal = given.setdefault("temporal", {})
    if isinstance(temporal, dict):
        for name in ("address", "namespace"):
            temporal[name] = environ.get(f"TEMPORAL_{name.upper()}") or temporal.get(name)


def _complete_seal_folder(given: dict[str, Any], file: Path) -> None:
    match given.setdefault("seal", ""):
        case {"folder": str(folder)} as seal:
            given["seal"] = {**seal, "folder": file.absolute().parent / folder}


def _account(name: str, table: Any, providers: Mapping[str, AnyEntry], faults: _Faults) -> ConfiguredAccount | None:
    """Return an account; None if it has faults, which are added to the others."""
    at = ("accounts", name)
    if not isinstance(table, dict):
        faults.add([(at, "must be a table")])
        return None
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError:
        faults.add([(at, "an account's name has small letters, digits and hyphens")])
    common = {key: value for key, value in table.items() if key in Common.model_fields}
    own = {key: value for key, value in table.items() if key not in Common.model_fields}
    entry = providers.get(str(own.get("provider")))
    if entry is None:
        faults.add([((*at, "provider"), f"must be one of {', '.join(sorted(providers))}")])
        return None
    try:
        settings = entry.settings.model_validate(own)
    except ValidationError as error:
        faults.add(find_faults(error, entry.settings, at))
        settings = None
    try:
        Common.model_validate(common)
    except ValidationError as error:
        faults.add(find_faults(error, Common, at))
        return None
    return ConfiguredAccount.model_validate({**common, "own": settings}) if settings is not None else None
