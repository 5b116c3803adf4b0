"""Ways to break the product on purpose. Each replaces one function, and must turn one of the campaign's zeros red."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from activities.records import RecordActivities
from api.callbacks.answers import CallbackProgress
from api.callbacks.intake import Intake
from vigil.domain import callbacks, decisions
from vigil.domain.callback_event import CallbackEvent, StatusSeen
from vigil.domain.message import MessageRequest
from vigil.domain.record import Record
from vigil.domain.terms import Basis, Decision, Outcome, Proof
from vigil.domain.verdict import Cause, Verdict
from vigil.storage.inbox import Inbox, Receipt
from vigil.storage.receipt_names import PENDING
from vigil.temporal.client import VerificationClient

_SLOW: Final = 1.0
"""Seconds between the answer and the storing, so that a kill can come between the two."""
_WORDS: Final = {
    "OK": Decision.APPROVED,
    "KO": Decision.DECLINED,
    "approved": Decision.APPROVED,
    "accepted": Decision.APPROVED,
    "rejected": Decision.DECLINED,
}


def answer_before_keeping() -> None:
    """Answer a proven callback first, and store it afterwards."""
    receive, finish = Intake.receive, Intake.finish
    later: set[asyncio.Task[None]] = set()

    async def keep(self: Intake, request: Any, source: Any) -> None:
        await asyncio.sleep(_SLOW)
        await finish(self, await receive(self, request, source))

    async def answer(self: Intake, request: Any, source: Any) -> CallbackProgress:
        progress = CallbackProgress(request, source)
        account = self._services.accounts.get(request.account)
        if account is None or self._prove(account, progress) is None:
            return await receive(self, request, source)
        task = asyncio.create_task(keep(self, request, source))
        later.add(task)
        task.add_done_callback(later.discard)
        progress.receipt = f"{PENDING}answered-before"
        return progress

    Intake.receive = answer  # type: ignore[method-assign]


def no_pending_receipt() -> None:
    """Store no receipt before the answer."""

    async def keep(self: Inbox, receipt: Receipt) -> str:
        return f"{PENDING}{receipt.received_at:%Y%m%dT%H%M%S.%fZ}-never-stored"

    Inbox.keep = keep  # type: ignore[method-assign]


def decide_from_the_callback() -> None:
    """Take the verdict that a callback names."""
    apply_callback = callbacks.apply_callback

    def decide(record: Record, event: CallbackEvent, *, finals_may_change: bool = False) -> Record:
        record = apply_callback(record, event, finals_may_change=finals_may_change)
        seen = event.observation
        decision = _WORDS.get(seen.word or "") if isinstance(seen, StatusSeen) else None
        if decision is None:
            return record
        verdict = Verdict(outcome=Outcome.DECIDED, decision=decision, basis=Basis.CALLBACK)
        return decisions.decide(record, verdict, at=event.received_at, cause=Cause.CALLBACK)

    callbacks.apply_callback = decide


def drop_late_finals() -> None:
    """Accept a callback of a finished verification, and do nothing."""
    signal_callback = VerificationClient.signal_callback

    async def signal(self: VerificationClient, key: Any, event: CallbackEvent, *, may_start: bool) -> bool:
        known = await self.describe(key)
        if known is not None and not known.is_open:
            return True
        return await signal_callback(self, key, event, may_start=may_start)

    VerificationClient.signal_callback = signal  # type: ignore[method-assign]


def no_record_at_start() -> None:
    """Begin each run as if nothing was known of the verification."""
    before = RecordActivities._before  # noqa: SLF001 -- a sabotage reaches inside

    async def forget(self: RecordActivities, path: str, run: str | None) -> tuple[int, Record | None]:
        number, _ = await before(self, path, run)
        return number, None

    RecordActivities._before = forget  # type: ignore[method-assign] # noqa: SLF001 -- as above


def unproven_may_start() -> None:
    """Let each callback start a verification, whatever it proves."""
    Proof.may_start = property(lambda _: True)  # type: ignore[assignment,method-assign]


def recheck_dropped() -> None:
    """Begin no recheck when one is due."""

    async def start_recheck(self: VerificationClient, key: Any, revision: int) -> bool:
        return True

    VerificationClient.start_recheck = start_recheck  # type: ignore[method-assign]


def message_not_fenced() -> None:
    """Take each delivery of one request for a message of its own."""
    MessageRequest.workflow_id = property(  # type: ignore[assignment,method-assign]
        lambda self: f"message/{self.key.account}/{self.digest}-{self.received_at.timestamp()}"
    )


@dataclass(frozen=True)
class Sabotage:
    """How the product is broken, and which count must not be zero then."""

    apply: Callable[[], None]
    turns_red: str


SABOTAGES: Final[Mapping[str, Sabotage]] = {
    "answer-before-keeping": Sabotage(answer_before_keeping, "answered_but_missing"),
    "no-pending-receipt": Sabotage(no_pending_receipt, "answered_but_missing"),
    "decide-from-the-callback": Sabotage(decide_from_the_callback, "wrong_ends"),
    "drop-late-finals": Sabotage(drop_late_finals, "answered_but_missing"),
    "no-record-at-start": Sabotage(no_record_at_start, "wrong_ends"),
    "unproven-may-start": Sabotage(unproven_may_start, "forged_that_changed_anything"),
    "recheck-dropped": Sabotage(recheck_dropped, "wrong_ends"),
    "message-not-fenced": Sabotage(message_not_fenced, "messages_sent_twice"),
}
"""By the name that the command line takes."""
