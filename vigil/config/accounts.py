"""Open the accounts of the settings: each with its provider's client, its contracts and its limits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from types import MappingProxyType
from typing import Any, Final

import httpx

from vigil.config.settings import ClientSettings, ConfiguredAccount
from vigil.domain.account import Account
from vigil.domain.message import SEND_WITHIN
from vigil.domain.sender_contract import SenderContract
from vigil.domain.terms import Name
from vigil.providers.contract import Provider, ProviderEntry
from vigil.providers.registry import PROVIDERS

SHORTEST_SEND_WITHIN: Final = timedelta(seconds=20)


@dataclass(frozen=True, kw_only=True)
class OpenAccount(Account):
    """An account whose provider is open. `contracts` are by sender, with this account's times, scaled."""

    provider: Provider
    contracts: Mapping[Name, SenderContract]
    allowed_sources: tuple[IPv4Network | IPv6Network, ...] = ()
    reads_per_second: float = 10
    discovers_every: timedelta = timedelta(minutes=5)
    discovery: bool = True
    message_send_within: timedelta = SEND_WITHIN
    """How long after its callback a message may be sent."""

    def admits(self, source: IPv4Address | IPv6Address | None) -> bool:
        """Whether callbacks may come from this address. Without `allowed_sources` they may come from any."""
        if not self.allowed_sources:
            return True
        return source is not None and any(source in network for network in self.allowed_sources)


class _LazyAccounts(Mapping[str, OpenAccount]):
    """The accounts of the settings. Each is opened at its first use: most commands need one or none."""

    def __init__(
        self, settings: ClientSettings, http: httpx.AsyncClient, providers: Mapping[str, ProviderEntry[Any]]
    ) -> None:
        self._settings = settings
        self._http = http
        self._providers = providers
        self._open: dict[str, OpenAccount] = {}

    def __getitem__(self, name: str) -> OpenAccount:
        if name not in self._open:
            configured = self._settings.accounts[name]
            provider = self._providers[configured.own.provider].open_account(name, configured.own, self._http)
            self._open[name] = build_account(provider, configured, time_scale=self._settings.time_scale)
        return self._open[name]

    def __contains__(self, name: object) -> bool:
        return name in self._settings.accounts

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings.accounts)

    def __len__(self) -> int:
        return len(self._settings.accounts)


def open_accounts(
    settings: ClientSettings, http: httpx.AsyncClient, *, providers: Mapping[str, ProviderEntry[Any]] = PROVIDERS
) -> Mapping[str, OpenAccount]:
    """Return the accounts of the settings by name, each opened at its first use.

    Opening sends no request. The caller closes the HTTP client.
    """
    return _LazyAccounts(settings, http, providers)


def build_account(provider: Provider, configured: ConfiguredAccount, *, time_scale: float) -> OpenAccount:
    """Return the account of an open provider, with the settings' times and limits, divided by `time_scale`."""
    contracts = {
        sender: _with_own_times(contract, configured).scaled(time_scale)
        for sender, contract in provider.contracts.items()
    }
    return OpenAccount(
        name=provider.account,
        provider_name=provider.provider,
        environment=provider.environment,
        reference_is_capability=provider.reference_is_capability,
        plans={sender: contract.tracking for sender, contract in contracts.items()},
        default_sender=provider.default_contract.sender,
        normalise_reference=provider.normalise_reference,
        provider=provider,
        contracts=MappingProxyType(contracts),
        allowed_sources=configured.allowed_sources,
        reads_per_second=configured.reads_per_second * time_scale,
        discovers_every=configured.discovers_every,
        discovery=configured.discovery,
        # The gateway that takes the message is a real program: a scaled clock does not make it faster.
        message_send_within=max(SHORTEST_SEND_WITHIN, SEND_WITHIN / time_scale),
    )


def _with_own_times(contract: SenderContract, configured: ConfiguredAccount) -> SenderContract:
    return contract.model_copy(update={"tracking": contract.tracking.model_copy(update=dict(configured.tracking))})
