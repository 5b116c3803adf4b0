"""Which messages may be sent at all: to whom, for which verification, with what text, and how many."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from temporalio.service import RPCError

from vigil.domain.digest import Digester
from vigil.domain.errors import ProviderError, ProviderUnavailable, ReferenceUnknown
from vigil.domain.message import Channel, MessageRequest
from vigil.domain.situation import Situation
from vigil.domain.snapshot import ReadRequest
from vigil.domain.verification_key import VerificationKey
from vigil.messaging.contract import SendResult, refused
from vigil.messaging.settings import MessageLimits
from vigil.messaging.text_rules import refuse_text
from vigil.providers.contract import DelegatedMessage, Reader
from vigil.storage.budgets import Budget, take_unit
from vigil.storage.contract import Storage, StorageError, under

Describe = Callable[[VerificationKey], Awaitable[Situation | None]]


class Admission(Protocol):
    """Decides whether a message may be sent."""

    async def refuse(self, order: MessageRequest, message: DelegatedMessage, address: str) -> SendResult | None:
        """Return why it may not be sent; None if it may, and then a unit of each budget is taken."""
        ...


@dataclass(frozen=True)
class AccountRules:
    """How an account's provider is asked whether a verification exists, and to which hosts links may lead."""

    reader: Reader
    hosts: Collection[str]


class MessageAdmission:
    """The rules for all accounts of the settings. The budgets are shared by all processes."""

    def __init__(
        self,
        accounts: Mapping[str, AccountRules],
        describe: Describe,
        storage: Storage,
        digester: Digester,
        limits: MessageLimits,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._accounts = accounts
        self._describe = describe
        self._storage = storage
        self._digester = digester
        self._limits = limits
        self._now = now

    async def refuse(self, order: MessageRequest, message: DelegatedMessage, address: str) -> SendResult | None:
        """Return why it may not be sent; None if it may, and then a unit of each budget is taken."""
        hosts = self._accounts[order.key.account].hosts
        why = refuse_text(f"{message.subject or ''}\n{message.content}", order.kind.channel, hosts)
        if why is not None:
            return refused(why)
        try:
            return await self._refuse_stranger(order.key) or await self._refuse_excess(order, address)
        except StorageError:
            return refused("storage_unavailable", may_heal=True)
        except RPCError:
            return refused("temporal_unavailable", may_heal=True)

    async def _refuse_stranger(self, key: VerificationKey) -> SendResult | None:
        """Refuse a verification that no backend has registered, unless the provider says that it exists."""
        known = await self._describe(key)
        if known is not None and known.summary is not None and known.summary.registered:
            return None
        reads = Budget.EXISTENCE.of(key.account, self._now())
        if not await take_unit(self._storage, reads, self._limits.per_account_and_minute):
            return refused("account_limit", may_heal=True)
        try:
            answer = await self._accounts[key.account].reader.read(ReadRequest(key=key).opened(self._digester))
        except ReferenceUnknown:
            return refused("verification_unknown")
        except ProviderUnavailable:
            return refused("verification_not_read", may_heal=True)
        except ProviderError:
            return refused("verification_not_read")
        return None if answer.snapshot is not None else refused("verification_unknown")

    async def _refuse_excess(self, order: MessageRequest, address: str) -> SendResult | None:
        """Refuse what is over a budget. The account's comes first: a unit of it that is wasted is back in a minute."""
        now, limits = self._now(), self._limits
        digest = self._digester.digest("receiver", _normalized(address, order.kind.channel))
        account = Budget.MESSAGES.of(order.key.account, now)
        receiver = Budget.RECEIVERS.of(digest, now)
        if not await take_unit(self._storage, account, limits.per_account_and_minute):
            return refused("account_limit", may_heal=True)
        if not await take_unit(self._storage, receiver, limits.per_receiver_and_hour):
            return refused("receiver_limit")
        if not await take_unit(self._storage, under(order.path, "messages") + "/", limits.per_verification):
            return refused("verification_limit")
        return None


def _normalized(address: str, channel: Channel) -> str:
    """Return one text for all spellings of an address."""
    if channel is Channel.EMAIL:
        return address.strip().lower()
    return "".join(character for character in address if character.isdigit()).lstrip("0")
