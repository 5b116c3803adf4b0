"""Which failures of Temporal stop further calls."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.service import RPCStatusCode

from api.callbacks.dispatch import DispatchResult, IsRepeated
from api.callbacks.limits import CallbackLimits
from tests.api.fakes import DIGESTER, Desk
from vigil.domain.callback_event import CallbackEvent, StatusSeen
from vigil.domain.terms import Proof
from vigil.domain.verification_key import VerificationKey
from vigil.storage.receipt_names import filed_name
from vigil.storage.records import Records


async def is_new() -> bool:
    return False


async def dispatch(
    desk: Desk,
    reference: str,
    *,
    proof: Proof = Proof.SECRET,
    insist: bool = False,
    is_repeated: IsRepeated = is_new,
) -> DispatchResult:
    event = CallbackEvent(
        delivery=DIGESTER.digest("delivery", reference),
        received_at=datetime(2025, 12, 3, 12, 0, tzinfo=UTC),
        proof=proof,
        observation=StatusSeen(word="DONE", looks="final"),
    )
    key = VerificationKey(account="acme", reference=reference)
    return await desk.dispatcher.dispatch(key, event, is_repeated=is_repeated, insist=insist)


async def dispatch_six(desk: Desk, failing: RPCStatusCode) -> list[DispatchResult]:
    """Dispatch to five verifications at which the calls fail, and to a sixth at which they do not."""
    desk.verifications.open = {f"r-{n}" for n in range(6)}
    desk.verifications.refuses = {f"r-{n}": failing for n in range(5)}
    return [await dispatch(desk, f"r-{n}") for n in range(6)]


@pytest.mark.parametrize(
    "status", [RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.NOT_FOUND]
)
async def test_five_calls_that_the_server_refuses_do_not_stop_the_sixth(desk: Desk, status: RPCStatusCode) -> None:
    results = await dispatch_six(desk, status)

    assert results == [DispatchResult.FAILED] * 5 + [DispatchResult.SIGNALED]
    assert not desk.dispatcher.breaker.is_open


async def test_five_calls_that_the_server_does_not_answer_stop_the_sixth(desk: Desk) -> None:
    results = await dispatch_six(desk, RPCStatusCode.UNAVAILABLE)

    assert results == [DispatchResult.FAILED] * 5 + [DispatchResult.BREAKER_OPEN]
    assert desk.verifications.calls == 5


async def test_a_call_that_ends_in_a_storage_error_closes_the_breaker_again(desk: Desk) -> None:
    """Temporal has answered before the storage was asked for the record."""
    await dispatch_six(desk, RPCStatusCode.UNAVAILABLE)
    assert desk.dispatcher.breaker.is_open
    desk.storage.down = True

    result = await dispatch(desk, "ghost", proof=Proof.STALE, insist=True)

    assert result is DispatchResult.FAILED
    assert not desk.dispatcher.breaker.is_open


async def test_five_calls_that_wait_for_a_stalled_storage_do_not_open_the_breaker_of_temporal(tmp_path: Path) -> None:
    desk = Desk(tmp_path, limits=CallbackLimits(signal_timeout=timedelta(milliseconds=50)))
    desk.storage.stalled = True

    results = [await dispatch(desk, f"ghost-{n}", proof=Proof.STALE) for n in range(5)]

    assert results == [DispatchResult.FAILED] * 5
    assert not desk.dispatcher.breaker.is_open


async def test_a_call_that_the_server_refuses_closes_the_breaker_again(desk: Desk) -> None:
    await dispatch_six(desk, RPCStatusCode.UNAVAILABLE)
    desk.verifications.refuses = {"r-0": RPCStatusCode.FAILED_PRECONDITION}

    result = await dispatch(desk, "r-0", insist=True)

    assert result is DispatchResult.FAILED
    assert not desk.dispatcher.breaker.is_open


@pytest.mark.parametrize("proof", [Proof.STALE, Proof.NONE])
async def test_a_weakly_proven_callback_starts_no_run_of_a_verification_that_has_ended(
    desk: Desk, proof: Proof
) -> None:
    key = VerificationKey(account="acme", reference="r-1")
    await Records(desk.storage).write(desk.dispatcher.path(key), 1, b"{}")

    assert await dispatch(desk, "r-1", proof=proof) is DispatchResult.CONCLUDED
    assert await dispatch(desk, "r-2", proof=proof) is DispatchResult.UNKNOWN_VERIFICATION
    assert desk.verifications.started == []
    assert await dispatch(desk, "r-1", proof=Proof.UNBOUND) is DispatchResult.SIGNALED


@pytest.mark.parametrize("has_ended", [False, True])
async def test_a_slow_storage_still_counts_the_starts_of_all_processes(desk: Desk, *, has_ended: bool) -> None:
    if has_ended:
        await Records(desk.storage).write("acme/r-1", 1, b"{}")
    desk.storage.seconds_for_a_read = 0.1

    async def is_repeated() -> bool:
        return await desk.inbox.was_seen("acme/r-1", "f" * 26, at=datetime.now(UTC), within=timedelta(hours=1))

    assert await dispatch(desk, "r-1", is_repeated=is_repeated) is DispatchResult.SIGNALED
    assert len(await desk.storage.list("budgets")) == 1


async def test_a_slow_storage_does_not_make_a_repetition_a_start(desk: Desk) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    filed = filed_name(f"inbox/pending/20260101T000000.000000Z-{'0' * 16}-{'f' * 26}", "acme/r-1")
    await desk.storage.put_new(filed, b"{}")
    desk.storage.seconds_for_a_read = 0.16

    async def is_repeated() -> bool:
        return await desk.inbox.was_seen("acme/r-1", "f" * 26, at=at, within=timedelta(0))

    assert await dispatch(desk, "r-1", is_repeated=is_repeated) is DispatchResult.REPEATED
    assert desk.verifications.started == []
