"""Every sender contract of every registered provider that brings a kit."""

from domain.sender import SenderContract
from providers.registry import PROVIDERS
from tests.conformance.kit import SenderKit
from tests.conformance.rig import kits

KITS = kits()
SENDERS = [(provider, sender) for provider, kit in KITS.items() for sender in kit.senders]


def kit_for(provider: str, sender: str) -> SenderKit:
    """Return the part of a kit that is about one sender."""
    return KITS[provider].senders[sender]


def contract_of(provider: str, sender: str) -> SenderContract:
    """Return a sender contract, unscaled."""
    return PROVIDERS[provider].contracts[sender]
