"""The status code that answers a callback.

2xx means that the callback is stored, or that a verification has each of its events and the body says no more than
they do. Each sender reads codes in its own way, so the codes for the other cases come from the sender contract.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from api.callbacks.dispatch import DispatchResult
from vigil.config.accounts import OpenAccount
from vigil.domain.message import MessageRequest
from vigil.domain.sender_contract import OurAnswers
from vigil.observability import Metrics
from vigil.providers.contract import CallbackRequest
from vigil.storage.inbox import AddressedEvent, Receipt

UNKNOWN: Final = "unknown"
_KEPT_BY_VERIFICATION: Final = frozenset({DispatchResult.SIGNALED, DispatchResult.REPEATED})
"""The results after which a callback is not lost without a receipt."""


@dataclass
class CallbackProgress:
    """How far one callback has come. It is answered by this, whatever failed on the way."""

    request: CallbackRequest
    source: IPv4Address | IPv6Address | None
    answers: OurAnswers = field(default_factory=OurAnswers)
    refusal: str | None = None
    """The coded reason why it was refused."""
    receipt: str | None = None
    """The name of its stored receipt; None: the storage did not take it."""
    stored: Receipt | None = None
    """The receipt as it was stored under this name."""
    message: MessageRequest | None = None
    """The message that it asks us to send. It is sent from the receipt."""
    needs_receipt: bool = False
    """Whether the body says more than the events. Such a callback is accepted only if its receipt is stored."""
    events: Sequence[AddressedEvent] = ()
    results: Sequence[DispatchResult] = ()

    @property
    def status(self) -> int:
        """The status code of the answer."""
        if self.refusal is not None:
            return self.answers.unproven
        return self.answers.lost if self.is_lost else self.answers.kept

    @property
    def is_lost(self) -> bool:
        """Whether nothing keeps what it says, so that its sender must repeat it."""
        return self.refusal is None and self.receipt is None and not self.is_accepted_unstored

    @property
    def is_accepted_unstored(self) -> bool:
        """Whether it is accepted without a receipt, since a verification has each of its events."""
        if self.refusal is not None or self.receipt is not None or self.needs_receipt:
            return False
        has_results = bool(self.events) and len(self.results) == len(self.events)
        return has_results and all(result in _KEPT_BY_VERIFICATION for result in self.results)


class AnswerCodes:
    """The codes of every account, and the count of answers."""

    def __init__(self, accounts: Mapping[str, OpenAccount], metrics: Metrics) -> None:
        self._accounts = accounts
        self._metrics = metrics

    def codes_for(self, account: str) -> OurAnswers:
        """Return the codes for the senders of an account; the common codes for an unknown account."""
        known = self._accounts.get(account)
        return known.provider.default_contract.answers if known else OurAnswers()

    def count(self, account: str, status: int) -> None:
        """Count an answer by account, code and the sender's reading of the code."""
        known = self._accounts.get(account)
        meaning = known.provider.default_contract.answering.meaning_of(status).value if known else UNKNOWN
        self._metrics.callbacks.labels(known.name if known else UNKNOWN, status, meaning).inc()
