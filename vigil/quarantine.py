"""Callbacks that belong to no verification: show one, give it to a verification, or read all of them again."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from pydantic import ValidationError

from vigil.callback_mapping import build_event, build_key, repeat_period
from vigil.config.accounts import OpenAccount
from vigil.domain.callback_event import Unreadable
from vigil.domain.digest import Digester
from vigil.domain.terms import Proof
from vigil.domain.verification_key import VerificationKey
from vigil.errors import CallbackNotQuarantined, CallbackNotUsable, UnknownVerification
from vigil.providers.contract import Callback, CallbackRequest, GenuineRequest
from vigil.registration import digest_correlation
from vigil.storage.contract import NotStored, Storage, names_under
from vigil.storage.correlations import Correlations
from vigil.storage.inbox import AddressedEvent, Inbox, Receipt
from vigil.storage.receipt_names import QUARANTINED

_NAME: Final = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{16}")


class RereadResult(StrEnum):
    """What becomes of a quarantined callback that is read again."""

    QUEUED = "queued"
    """Its verification is signalled within seconds."""
    NAMES_NO_VERIFICATION = "names_no_verification"
    NOT_KNOWN = "verification_not_known"
    """It names one that is not known, and its proof is too weak to start one."""
    NOT_READABLE = "receipt_not_readable"
    CUT = "cut"
    """Only the start of its body was kept."""
    NO_ACCOUNT = "account_not_configured"


@dataclass(frozen=True)
class Reread:
    """One callback that was read again. `paths` are its verifications, as `account/encoded_reference`."""

    receipt: str
    result: RereadResult
    paths: Sequence[str] = ()


class Quarantine:
    """Reads quarantined callbacks again. What can be read goes to the relay, which signals verifications.

    Every call may be repeated, and interrupted: the receipt keeps its name, so that it is filed once.
    """

    def __init__(
        self,
        storage: Storage,
        accounts: Mapping[str, OpenAccount],
        digester: Digester,
        *,
        path: Callable[[VerificationKey], str],
        find: Callable[[VerificationKey], Awaitable[object]],
    ) -> None:
        """Take `path` from the verification client, and from the lookup `find`, which raises `UnknownVerification`."""
        self._storage = storage
        self._inbox = Inbox(storage)
        self._correlations = Correlations(storage)
        self._accounts = accounts
        self._digester = digester
        self._path = path
        self._find = find

    async def read(self, receipt: str) -> Receipt:
        """Return a quarantined callback with its body, which may be personal.

        Raises `CallbackNotQuarantined`, `CallbackNotUsable`, `StorageUnavailable`.
        """
        if not _NAME.fullmatch(receipt):
            raise CallbackNotQuarantined
        try:
            return await self._inbox.read(QUARANTINED + receipt)
        except NotStored:
            raise CallbackNotQuarantined from None
        except ValidationError:
            raise CallbackNotUsable(RereadResult.NOT_READABLE) from None

    async def attach(self, receipt: str, key: VerificationKey) -> str:
        """Give a callback to a verification that is known, and return its path. It is signalled within seconds.

        Raises as `read` and `find` do.
        """
        stored = await self.read(receipt)
        account = self._accounts.get(stored.account)
        if account is None or account.name != key.account:
            raise CallbackNotUsable(RereadResult.NO_ACCOUNT)
        await self._find(key)
        found = await self._read_callbacks(account, stored) or [Callback(None, Unreadable(why="wrong_shape"))]
        events = [self._address(account, stored, each, key) for each in found]
        await self._inbox.release(receipt, stored.model_copy(update={"events": tuple(events)}))
        return events[0].path

    async def reread(self, *, dry_run: bool, account: str | None = None) -> AsyncIterator[Reread]:
        """Read every quarantined callback again, the oldest first, and hand on what can be read now.

        Raises `RPCError`, `StorageUnavailable`.
        """
        async for name in names_under(self._storage, QUARANTINED):
            receipt = name.removeprefix(QUARANTINED)
            if not _NAME.fullmatch(receipt):
                continue
            try:
                stored = await self.read(receipt)
            except CallbackNotQuarantined:
                continue  # somebody else was faster
            except CallbackNotUsable:
                if account is None:
                    yield Reread(receipt, RereadResult.NOT_READABLE)
                continue
            if account in {None, stored.account}:
                yield await self._reread(receipt, stored, dry_run=dry_run)

    async def _reread(self, receipt: str, stored: Receipt, *, dry_run: bool) -> Reread:
        account = self._accounts.get(stored.account)
        if account is None:
            return Reread(receipt, RereadResult.NO_ACCOUNT)
        if stored.cut_from is not None:
            return Reread(receipt, RereadResult.CUT)
        events = await self._read_events(account, stored)
        if not events:
            return Reread(receipt, RereadResult.NAMES_NO_VERIFICATION)
        paths = tuple(dict.fromkeys(event.path for event in events))
        if not (Proof(stored.proof).may_start or await self._is_any_known(events)):
            return Reread(receipt, RereadResult.NOT_KNOWN, paths)
        if not dry_run:
            await self._inbox.release(receipt, stored.model_copy(update={"events": tuple(events)}))
        return Reread(receipt, RereadResult.QUEUED, paths)

    async def _read_events(self, account: OpenAccount, stored: Receipt) -> list[AddressedEvent]:
        callbacks, correlated = await self._read_callbacks(account, stored), None
        if stored.correlation is not None and any(each.reference is None for each in callbacks):
            mark = digest_correlation(self._digester, account.name, stored.correlation)
            correlated = await self._correlations.reference(account.name, mark)
        named = [replace(each, reference=each.reference or correlated or each.other_reference) for each in callbacks]
        keys = [(each, build_key(account, each)) for each in named]
        return [self._address(account, stored, each, key) for each, key in keys if key is not None]

    async def _read_callbacks(self, account: OpenAccount, stored: Receipt) -> Sequence[Callback]:
        try:
            # A body of 2 MiB takes some milliseconds, and the callbacks of strangers must not wait for it.
            return await asyncio.to_thread(account.provider.read_callbacks, _genuine(stored))
        except Exception:  # noqa: BLE001 -- a fault of one reader must not stop the others
            return ()

    def _address(
        self, account: OpenAccount, stored: Receipt, callback: Callback, key: VerificationKey
    ) -> AddressedEvent:
        return AddressedEvent(
            key=key,
            path=self._path(key),
            event=build_event(_genuine(stored), callback, key, self._digester),
            repeats_until=stored.received_at + repeat_period(account, callback.sender),
        )

    async def _is_any_known(self, events: Sequence[AddressedEvent]) -> bool:
        for event in events:
            try:
                await self._find(event.key)
            except UnknownVerification:
                continue
            return True
        return False


def _genuine(stored: Receipt) -> GenuineRequest:
    """Return the request as it was proven. The secrets that proved it are not kept, so it is not proven again."""
    request = CallbackRequest(stored.account, stored.correlation, stored.headers, stored.body, stored.received_at)
    return GenuineRequest(request=request, proof=Proof(stored.proof), kept_body=stored.body)
