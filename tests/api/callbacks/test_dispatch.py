"""Which failures of Temporal stop further calls."""

from datetime import UTC, datetime

import pytest
from temporalio.service import RPCStatusCode

from api.callbacks.dispatch import DispatchResult
from tests.api.fakes import DIGESTER, Desk
from vigil.domain.callback_event import CallbackEvent, StatusSeen
from vigil.domain.terms import Proof
from vigil.domain.verification_key import VerificationKey


async def dispatch(desk: Desk, reference: str) -> DispatchResult:
    event = CallbackEvent(
        delivery=DIGESTER.digest("delivery", reference),
        received_at=datetime(2025, 12, 3, 12, 0, tzinfo=UTC),
        proof=Proof.SECRET,
        observation=StatusSeen(word="DONE", looks="final"),
    )
    key = VerificationKey(account="acme", reference=reference)
    return await desk.dispatcher.dispatch(key, event, is_repeated=False)


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

    assert results == [DispatchResult.FAILED] * 6
    assert desk.verifications.calls == 5
