"""Which failures of Temporal stop further calls."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.service import RPCStatusCode

from api.callbacks.dispatch import DispatchResult
from api.callbacks.limits import CallbackLimits
from tests.api.fakes import DIGESTER, Desk
from vigil.domain.callback_event import CallbackEvent, StatusSeen
from vigil.domain.terms import Proof
from vigil.domain.verification_key import VerificationKey
from vigil.storage.records import Records


async def dispatch(desk: Desk, reference: str, *, proof: Proof = Proof.SECRET, insist: bool = False) -> DispatchResult:
    event = CallbackEvent(
        delivery=DIGESTER.digest("delivery", reference),
        received_at=datetime(2025, 12, 3, 12, 0, tzinfo=UTC),
        proof=proof,
        observation=StatusSeen(word="DONE", looks="final"),
    )
    key = VerificationKey(account="acme", reference=reference)
    return await desk.dispatcher.dispatch(key, event, is_repeated=is_new, insist=insist)


async def is_new() -> bool:
    return False


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
