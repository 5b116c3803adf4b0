import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from tests.simulator.receiver import Receiver
from tests.simulator.step_clock import StepClock
from vigil.domain.sender_contract import Answering, AnswerMeaning, CodeRange, Redelivery, SenderContract
from vigil.domain.terms import Proof, Stage
from vigil.domain.tracking_plan import PollPlan, PollStep, TrackingPlan
from vigil.providers.id360.senders import CONTRACT as ID360
from vigil.simulator.clock import Clock
from vigil.simulator.engine import Callback, Endpoint, Engine, Faults
from vigil.simulator.serving import serving

CALLBACK = Callback(name="final OK", content=b'{"id": 1}')
ENDPOINT = Endpoint(url="http://tracker.test/hook", headers={"Authorization": "Bearer agreed"})
LONG = timedelta(days=2)
SECOND = timedelta(seconds=1)


def shortened(redeliveries: int) -> SenderContract:
    """ID360's contract with fewer redeliveries."""
    return ID360.model_copy(update={"redelivery": Redelivery(delays=ID360.redelivery.delays[:redeliveries])})


def codes(first: int, last: int) -> CodeRange:
    return CodeRange(first=first, last=last)


PICKY = SenderContract(
    sender="picky",
    title="An invented sender that holds grudges",
    proof=Proof.NONE,
    answering=Answering(
        budget=10 * SECOND,
        accepted=(codes(200, 299),),
        never_again=(codes(400, 400),),
        hold_everything=(codes(404, 404), codes(500, 599)),
        hold_for=timedelta(hours=1),
    ),
    redelivery=Redelivery(delays=(60 * SECOND, 60 * SECOND)),
    lost_callback="nobody knows",
    tracking=TrackingPlan(polls={Stage.PROCESSING: PollPlan(steps=(PollStep(until=None, every=timedelta(hours=1)),))}),
)


@asynccontextmanager
async def engine_to(receiver: Receiver, clock: Clock) -> AsyncIterator[Engine]:
    async with receiver.client() as client:
        engine = Engine(client, clock)
        yield engine
        await engine.aclose()


@pytest.fixture
def steps() -> StepClock:
    return StepClock()


async def test_id360_comes_again_seven_times_at_its_documented_delays(steps: StepClock) -> None:
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now, codes=[500])
    async with engine_to(receiver, clock) as engine:
        delivery = engine.deliver(ID360, CALLBACK, ENDPOINT)
        await steps.advance(LONG)

    assert receiver.times() == [0, 10, 90, 360, 1000, 2250, 4410, 7840]
    assert delivery.finished
    assert [attempt.code for attempt in delivery.attempts] == [500] * 8


async def test_a_factor_divides_every_wait(steps: StepClock) -> None:
    clock = steps.at_scale(60)
    receiver = Receiver(lambda: clock.now() / 60, codes=[500])
    async with engine_to(receiver, clock) as engine:
        delivery = engine.deliver(shortened(2), CALLBACK, ENDPOINT, faults=Faults(delay=60 * SECOND))
        await steps.advance(LONG)

    assert receiver.times() == pytest.approx([1, 1 + 10 / 60, 1 + 90 / 60])
    assert [attempt.at.total_seconds() for attempt in delivery.attempts] == pytest.approx([60, 70, 150], abs=1e-3)


async def test_at_a_real_port_the_gaps_are_the_documented_ones_divided_by_the_factor() -> None:
    clock = Clock(5000)
    receiver = Receiver(lambda: clock.now() / 5000, codes=[500])
    async with serving(receiver.app()) as address, httpx.AsyncClient() as client:
        engine = Engine(client, clock)
        engine.deliver(ID360, CALLBACK, Endpoint(url=f"{address}/hook"))
        await receiver.heard(8)
        await engine.aclose()

    gaps = [later - earlier for earlier, later in zip(receiver.times(), receiver.times()[1:], strict=False)]
    documented = [0.002, 0.016, 0.054, 0.128, 0.25, 0.432, 0.686]
    assert len(gaps) == 7
    for gap, wanted in zip(gaps, documented, strict=True):
        assert wanted <= gap < wanted + 0.25


@pytest.mark.parametrize("code", [200, 204, 299])
async def test_a_code_that_means_accepted_ends_the_delivery(steps: StepClock, code: int) -> None:
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now, codes=[503, code])
    async with engine_to(receiver, clock) as engine:
        delivery = engine.deliver(ID360, CALLBACK, ENDPOINT)
        await steps.advance(LONG)

    assert receiver.times() == [0, 10]
    assert delivery.attempts[-1].meaning is AnswerMeaning.ACCEPTED


async def test_a_redirect_is_not_followed_and_not_accepted(steps: StepClock) -> None:
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now, codes=[307, 204])
    async with engine_to(receiver, clock) as engine:
        delivery = engine.deliver(ID360, CALLBACK, ENDPOINT)
        await steps.advance(LONG)

    assert [attempt.code for attempt in delivery.attempts] == [307, 204]
    assert [call.path for call in receiver.calls] == ["/hook", "/hook"]


def _hanging() -> Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]:
    async def hang(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError("nobody rings")

    return hang


async def test_no_answer_within_the_budget_counts_as_failure_and_is_repeated(steps: StepClock) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(_hanging())) as client:
        engine = Engine(client, steps.at_scale(1000))
        delivery = engine.deliver(shortened(1), CALLBACK, ENDPOINT)
        await steps.advance(LONG)
        assert delivery.attempts == []  # 10 s / 1000 would be over; one real second is not
        await asyncio.sleep(1.1)
        await steps.advance(LONG)
        await engine.aclose()

    assert [(attempt.code, attempt.meaning) for attempt in delivery.attempts] == [(None, AnswerMeaning.COME_AGAIN)]


async def test_a_receiver_that_refuses_connections_counts_as_failure(steps: StepClock) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as client:
        engine = Engine(client, steps.at_scale(1))
        delivery = engine.deliver(shortened(1), CALLBACK, ENDPOINT)
        await steps.advance(LONG)

    assert [attempt.code for attempt in delivery.attempts] == [None, None]
    assert delivery.finished


async def test_delays_counted_from_the_first_attempt_do_not_add_up(steps: StepClock) -> None:
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now, codes=[500])
    delays = tuple(SECOND * seconds for seconds in (30, 120, 900))
    contract = ID360.model_copy(update={"redelivery": Redelivery(delays=delays, counted_from="first")})
    async with engine_to(receiver, clock) as engine:
        engine.deliver(contract, CALLBACK, ENDPOINT)
        await steps.advance(LONG)

    assert receiver.times() == [0, 30, 120, 900]


async def test_a_sender_without_redeliveries_never_comes_again(steps: StepClock) -> None:
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now, codes=[500])
    async with engine_to(receiver, clock) as engine:
        engine.deliver(ID360.model_copy(update={"redelivery": Redelivery()}), CALLBACK, ENDPOINT)
        await steps.advance(LONG)

    assert receiver.times() == [0]


async def test_never_again_ends_the_delivery_unaccepted(steps: StepClock) -> None:
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now, codes=[400])
    async with engine_to(receiver, clock) as engine:
        delivery = engine.deliver(PICKY, CALLBACK, ENDPOINT)
        await steps.advance(LONG)

    assert receiver.times() == [0]
    assert delivery.finished
    assert delivery.attempts[-1].meaning is AnswerMeaning.NEVER_AGAIN


async def test_a_hold_keeps_all_later_deliveries_to_that_receiver_waiting(steps: StepClock) -> None:
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now, codes=[500, 200])
    async with engine_to(receiver, clock) as engine:
        engine.deliver(PICKY, CALLBACK, ENDPOINT)
        await steps.advance(10 * SECOND)
        other_path = Endpoint(url="http://tracker.test/other")
        engine.deliver(PICKY, CALLBACK, other_path)
        engine.deliver(PICKY, CALLBACK, Endpoint(url="http://elsewhere.test/hook"))
        await steps.advance(LONG)

    assert sorted((call.at.total_seconds(), call.path) for call in receiver.calls) == [
        (0, "/hook"),
        (10, "/hook"),  # elsewhere, which nobody holds back
        (3600, "/hook"),
        (3600, "/other"),
    ]


async def test_a_hold_by_one_sender_does_not_hold_another(steps: StepClock) -> None:
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now, codes=[500, 200])
    async with engine_to(receiver, clock) as engine:
        engine.deliver(PICKY, CALLBACK, ENDPOINT)
        await steps.advance(SECOND)
        engine.deliver(ID360, CALLBACK, ENDPOINT)
        await steps.advance(SECOND)

    assert receiver.times() == [0, 1]


async def test_every_delivery_has_its_own_clock(steps: StepClock) -> None:
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now, codes=[500])
    async with engine_to(receiver, clock) as engine:
        engine.deliver(shortened(2), CALLBACK, ENDPOINT)
        await steps.advance(50 * SECOND)
        engine.deliver(shortened(2), CALLBACK, ENDPOINT)
        await steps.advance(LONG)

    assert receiver.times() == [0, 10, 50, 60, 90, 140]


async def test_a_dropped_callback_is_never_sent(steps: StepClock) -> None:
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now)
    async with engine_to(receiver, clock) as engine:
        delivery = engine.deliver(ID360, CALLBACK, ENDPOINT, faults=Faults(dropped=True))
        await steps.advance(LONG)

    assert receiver.calls == []
    assert delivery.finished
    assert delivery.callback == CALLBACK


async def test_an_attempt_lost_on_the_way_is_repeated_after_its_delay(steps: StepClock) -> None:
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now)
    async with engine_to(receiver, clock) as engine:
        delivery = engine.deliver(ID360, CALLBACK, ENDPOINT, faults=Faults(lost=frozenset({1, 2})))
        await steps.advance(LONG)

    assert receiver.times() == [90]
    assert [(attempt.lost, attempt.code) for attempt in delivery.attempts] == [
        (True, None),
        (True, None),
        (False, 204),
    ]


async def test_duplicates_arrive_although_the_first_was_accepted(steps: StepClock) -> None:
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now)
    async with engine_to(receiver, clock) as engine:
        delivery = engine.deliver(ID360, CALLBACK, ENDPOINT, faults=Faults(duplicates=2))
        await steps.advance(SECOND)

    assert [call.body for call in receiver.calls] == [b'{"id": 1}'] * 3
    assert sorted(attempt.copy_number for attempt in delivery.attempts) == [1, 2, 3]
    assert delivery.finished


async def test_each_endpoint_gets_its_own_headers_and_a_wrong_secret_replaces_them(steps: StepClock) -> None:
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now)
    async with engine_to(receiver, clock) as engine:
        engine.deliver(ID360, CALLBACK, ENDPOINT)
        engine.deliver(ID360, CALLBACK, ENDPOINT, faults=Faults(wrong_secret=True))
        await steps.advance(SECOND)

    assert [call.headers["authorization"] for call in receiver.calls] == [
        "Bearer agreed",
        "Bearer not-the-agreed-secret",
    ]
    assert {call.headers["content-type"] for call in receiver.calls} == {"application/json"}


async def test_nothing_is_sent_after_the_engine_is_closed(steps: StepClock) -> None:
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now, codes=[500])
    async with engine_to(receiver, clock) as engine:
        delivery = engine.deliver(ID360, CALLBACK, ENDPOINT)
        await steps.advance(SECOND)
        await engine.aclose()
        await steps.advance(LONG)

    assert receiver.times() == [0]
    assert not delivery.finished


def test_a_clock_that_stands_still_is_refused() -> None:
    with pytest.raises(ValueError, match="time_scale"):
        Clock(0)
