"""Every sender contract of every registered provider that brings a kit."""

from tests.conformance.kit import SenderKit
from tests.conformance.rig import kits
from vigil.domain.sender_contract import SenderContract
from vigil.providers.registry import PROVIDERS

KITS = kits()
SENDERS = [(provider, sender) for provider, kit in KITS.items() for sender in kit.senders]


def kit_for(provider: str, sender: str) -> SenderKit:
    """Return the part of a kit that is about one sender."""
    return KITS[provider].senders[sender]


def contract_of(provider: str, sender: str) -> SenderContract:
    """Return a sender contract, unscaled."""
    return PROVIDERS[provider].contracts[sender]
