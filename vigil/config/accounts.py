"""The accounts of an installation, opened: what the API and the worker both build on."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from types import MappingProxyType
from typing import Final

import httpx

from vigil.client import TrackedAccount, VerificationClient
from vigil.config.settings import ConfiguredAccount, Settings
from vigil.domain.digest import Digester
from vigil.domain.message import SEND_WITHIN
from vigil.domain.sender_contract import SenderContract
from vigil.domain.terms import Name
from vigil.providers.contract import Provider
from vigil.providers.registry import PROVIDERS
from vigil.providers.transport import open_http
from vigil.temporal.connection import connect

SHORTEST_SEND_WITHIN: Final = timedelta(seconds=20)


@dataclass(frozen=True)
class Account:
    """One account. Contracts are by sender, with the account's own times, scaled."""

    name: Name
    provider: Provider
    contracts: Mapping[Name, SenderContract]
    tracked: TrackedAccount
    allowed_sources: tuple[IPv4Network | IPv6Network, ...] = ()
    reads_per_second: float = 10
    discovery: bool = True
    message_send_within: timedelta = SEND_WITHIN
    """How long after its callback a message may be sent."""

    def admits(self, source: IPv4Address | IPv6Address | None) -> bool:
        """Whether callbacks may come from this address; without a list, from any."""
        if not self.allowed_sources:
            return True
        return source is not None and any(source in network for network in self.allowed_sources)


def open_accounts(settings: Settings, *, http: httpx.AsyncClient) -> Mapping[str, Account]:
    """Open every configured account. The HTTP client stays its owner's to close; nothing is asked over it yet."""
    return MappingProxyType(
        {
            name: open_account_of(
                name,
                PROVIDERS[configured.own.provider].open_account(name, configured.own, http),
                configured,
                time_scale=settings.time_scale,
            )
            for name, configured in settings.accounts.items()
        }
    )


@asynccontextmanager
async def open_client(settings: Settings) -> AsyncIterator[VerificationClient]:
    """Connect to Temporal as the settings say: all that a backend needs to register, to look and to wait."""
    digester = Digester(settings.digest_key.get_secret_value().encode())
    async with open_http() as http:
        accounts = open_accounts(settings, http=http)
        client = await connect(settings.temporal.address, settings.temporal.namespace)
        yield VerificationClient(client, {name: account.tracked for name, account in accounts.items()}, digester)


def open_account_of(name: Name, provider: Provider, configured: ConfiguredAccount, *, time_scale: float) -> Account:
    """Put together what is known of an account whose provider is open."""
    contracts = {
        sender: _timed(contract, configured).scaled(time_scale) for sender, contract in provider.contracts.items()
    }
    return Account(
        name=name,
        provider=provider,
        contracts=MappingProxyType(contracts),
        tracked=TrackedAccount(
            name=name,
            provider=provider.provider,
            environment=provider.environment,
            reference_is_capability=provider.reference_is_capability,
            plans={sender: contract.watch for sender, contract in contracts.items()},
            default_sender=provider.default_contract.sender,
        ),
        allowed_sources=configured.allowed_sources,
        reads_per_second=configured.reads_per_second * time_scale,
        discovery=configured.discovery,
        # Whoever takes the message is a real program, which is no faster because our time is.
        message_send_within=max(SHORTEST_SEND_WITHIN, SEND_WITHIN / time_scale),
    )


def _timed(contract: SenderContract, configured: ConfiguredAccount) -> SenderContract:
    return contract.model_copy(update={"watch": contract.watch.model_copy(update=dict(configured.watch))})
