"""Everything that the faces need, made elsewhere and handed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from api.auth import BackendKey
from api.callbacks.endpoint import Network
from vigil.client import VerificationClient
from vigil.config.accounts import OpenAccount
from vigil.domain.digest import Digester
from vigil.observability import Metrics
from vigil.storage.contract import Storage


@dataclass(frozen=True)
class Parts:
    """What an API process is made of. `endpoints` are the names that a registration may ask to be notified.

    A worker must take a command up within `command_within`; beyond that the caller is told to come again.
    """

    accounts: Mapping[str, OpenAccount]
    tracker: VerificationClient
    storage: Storage
    digester: Digester
    metrics: Metrics = field(default_factory=Metrics)
    keys: Sequence[BackendKey] = ()
    endpoints: frozenset[str] = frozenset()
    faces: Sequence[str] = ("callbacks", "backend")
    trusted_proxies: Sequence[Network] = ()
    command_within: timedelta = timedelta(seconds=10)
