"""What the routes of the API depend on: one value per process, and FastAPI's dependencies that read from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Annotated, TypeAlias

from fastapi import Depends, Path, Request

from api.auth import Backend, backend_of
from api.callbacks.endpoint import Network
from api.callbacks.limits import DEFAULT_LIMITS, CallbackLimits
from api.long_poll import LongPollHub
from vigil.audit import AuditLog, Read, Reader
from vigil.callback_rows import CallbackRows
from vigil.config.accounts import OpenAccount
from vigil.config.keys import Right
from vigil.domain.digest import Digester
from vigil.domain.retention import KeepRules
from vigil.domain.verification_key import VerificationKey
from vigil.erasure import Erasures
from vigil.errors import UnknownVerification
from vigil.export import Exporter
from vigil.health import CHECKED_EVERY, ReadyView
from vigil.lookup import VerificationLookup
from vigil.observability import Metrics
from vigil.quarantine import Quarantine
from vigil.recent import Recent
from vigil.registration import Registrar
from vigil.storage.contract import Storage
from vigil.storage.inbox import Inbox, Retention
from vigil.temporal.client import VerificationClient


@dataclass(frozen=True)
class Dependencies:
    """The parts of an API process. `endpoints` are the names that a registration may ask to be notified."""

    accounts: Mapping[str, OpenAccount]
    tracker: VerificationClient
    storage: Storage
    digester: Digester
    metrics: Metrics = field(default_factory=Metrics)
    backends: Sequence[Backend] = ()
    """The holders of keys. Without any, this machine alone may call."""
    endpoints: frozenset[str] = frozenset()
    completion_endpoints: frozenset[str] = frozenset()
    """Those of `endpoints` that are notified also when a verification is complete."""
    faces: Sequence[str] = ("callbacks", "backend")
    trusted_proxies: Sequence[Network] = ()
    retention: Retention = field(default_factory=Retention)
    keep_rules: Mapping[str, KeepRules] = field(default_factory=dict)
    """How long the data of each account is kept."""
    relayed_per_second: int = 50
    callback_base: str = "http://127.0.0.1:8000/callbacks"
    """The URL to which the name of an account is added for its callbacks."""
    temporal_ui: str | None = None
    """Where the pages link to: Temporal's UI with its namespace."""
    command_timeout: timedelta = timedelta(seconds=10)
    """How long a command waits for a worker. After it the caller is asked to repeat the command."""
    callback_limits: CallbackLimits = DEFAULT_LIMITS

    @cached_property
    def lookup(self) -> VerificationLookup:
        """The lookup of verifications."""
        return VerificationLookup(self.tracker, self.storage, self.accounts)

    @cached_property
    def exporter(self) -> Exporter:
        """The export of verifications."""
        return Exporter(self.lookup, self.storage, self.tracker.path)

    @cached_property
    def erasures(self) -> Erasures:
        """Erasures and holds."""
        return Erasures(self.storage, self.tracker, self.lookup, self.keep_rules)

    @cached_property
    def registrar(self) -> Registrar:
        """The registration of verifications."""
        return Registrar(
            self.accounts, self.endpoints, self.tracker, self.storage, self.digester, self.completion_endpoints
        )

    @cached_property
    def long_polls(self) -> LongPollHub:
        """The long polls of this process."""
        return LongPollHub(self.tracker)

    @cached_property
    def readiness(self) -> Recent[ReadyView]:
        """The newest checks of readiness, which cost a write to the storage and a call to Temporal."""
        return Recent(CHECKED_EVERY)

    @cached_property
    def installation(self) -> Recent[ReadyView]:
        """The newest checks of the whole installation, which cost a call to Temporal for each account."""
        return Recent(timedelta(seconds=2))

    @cached_property
    def quarantine(self) -> Quarantine:
        """The stored callbacks that belong to no verification."""
        return Quarantine(self.storage, self.accounts, self.digester, path=self.tracker.path, find=self.lookup.get)

    @cached_property
    def audit(self) -> AuditLog:
        """The log of who read personal data."""
        return AuditLog(self.storage, self.digester)

    async def note_read(self, caller: Backend, kind: Read, key: VerificationKey, item: str | None = None) -> None:
        """Write to the audit log what a backend is about to read. Raises `StorageUnavailable`: it may not read then."""
        await self.audit.note(Reader(caller.name, "key"), kind, path=self.tracker.path(key), item=item)

    @cached_property
    def inbox(self) -> Inbox:
        """The stored callbacks."""
        return Inbox(self.storage)

    @cached_property
    def callback_rows(self) -> CallbackRows:
        """The callbacks of a verification, as pages list them."""
        return CallbackRows(self.inbox)


# FastAPI gives a thread to each dependency that is no coroutine, which costs more than the dependency.


async def get_dependencies(request: Request) -> Dependencies:
    """Return the value that `api.app` put into the application's state."""
    dependencies: Dependencies = request.app.state.dependencies
    return dependencies


Process: TypeAlias = Annotated[Dependencies, Depends(get_dependencies)]
"""FastAPI dependency: the parts of this process."""


async def get_caller(request: Request) -> Backend:
    """Return the calling backend."""
    return backend_of(request)


Caller: TypeAlias = Annotated[Backend, Depends(get_caller)]
"""FastAPI dependency: the calling backend."""


@dataclass(frozen=True)
class Needs:
    """FastAPI dependency: the caller has the right, or is answered 403. Every route for backends has one."""

    right: Right

    async def __call__(self, caller: Caller) -> None:
        caller.require_right(self.right)


async def get_key(
    process: Process,
    caller: Caller,
    account: Annotated[str, Path(description="The account's name in the settings.", examples=["sandbox"])],
    reference: Annotated[
        str,
        Path(
            description="The provider's id, percent-encoded once. Never put a reference that opens the applicant's "
            "session into a URL: use the `Location` of the response to the registration, which has a digest instead.",
            examples=["4711"],
        ),
    ],
) -> VerificationKey:
    """Return the key of the verification in the path, if the caller may reach it.

    Raises `Problem` 403, `UnknownAccount`, `UnknownVerification`, `RPCError`.
    """
    caller.require_account(account)
    key = await process.lookup.resolve_key(account, reference)
    if caller.own_only and await process.lookup.read_registrant(key) != caller.name:
        raise UnknownVerification
    return key


Key: TypeAlias = Annotated[VerificationKey, Depends(get_key)]
"""FastAPI dependency: the key of the verification in the path."""
