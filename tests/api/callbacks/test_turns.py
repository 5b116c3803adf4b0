"""Large bodies wait for each other; small ones and the event loop do not wait for them."""

import asyncio
import itertools
import time
from datetime import timedelta

import pytest

from api.callbacks.limits import CallbackLimits
from api.callbacks.turns import LargeBodies, Turns


async def test_of_ten_large_bodies_no_two_are_parsed_without_the_loop_having_run_between_them() -> None:
    turns, ran = Turns(small=10, few=2), []

    async def tick() -> None:
        while True:
            ran.append("loop")
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    await asyncio.gather(*(turns.run(b"x" * 11, "source", lambda: ran.append("parse")) for _ in range(10)))
    ticking.cancel()

    assert ran.count("parse") == 10
    assert all(pair != ("parse", "parse") for pair in itertools.pairwise(ran))


async def test_a_source_with_many_heavy_bodies_keeps_another_source_waiting_for_one_of_them() -> None:
    turns, done = Turns(small=10, few=2), []
    many = [asyncio.create_task(turns.run(b"[[[", "stranger", lambda: done.append("theirs"))) for _ in range(20)]
    await asyncio.sleep(0)

    await turns.run(b"x" * 11, "provider", lambda: done.append("genuine"))
    await asyncio.gather(*many)

    assert done.index("genuine") <= 2
    assert len(done) == 21


async def test_a_small_body_waits_for_no_large_one() -> None:
    turns, done = Turns(small=10, few=2), []

    def parse() -> None:
        time.sleep(0.05)
        done.append("large")

    large = [asyncio.create_task(turns.run(b"x" * 11, "source", parse)) for _ in range(3)]
    await asyncio.sleep(0)
    await turns.run(b"x" * 10, "source", lambda: done.append("small"))
    await asyncio.gather(*large)

    assert done == ["large", "small", "large", "large"]


async def test_a_body_that_cannot_be_read_gives_its_turn_on() -> None:
    turns = Turns(small=10, few=2)

    def fail() -> None:
        raise ValueError

    failed = await asyncio.gather(*(turns.run(b"x" * 11, "source", fail) for _ in range(3)), return_exceptions=True)

    assert [type(each) for each in failed] == [ValueError, ValueError, ValueError]


async def test_large_bodies_of_all_senders_together_are_read_at_one_rate() -> None:
    bodies = LargeBodies(CallbackLimits(large_bodies_per_second=1_000_000))
    began = asyncio.get_running_loop().time()

    await asyncio.gather(*(bodies.pace(50_000, "source") for _ in range(9)))

    assert asyncio.get_running_loop().time() - began >= 0.4


async def test_a_source_with_many_large_bodies_delays_another_by_one_part_of_them() -> None:
    bodies = LargeBodies(CallbackLimits(large_bodies_per_second=1_000_000))
    many = [asyncio.create_task(bodies.pace(200_000, "stranger")) for _ in range(200)]
    await asyncio.sleep(0)

    async with asyncio.timeout(5):  # all of theirs take 40 s
        for _ in range(3):
            await bodies.pace(100_000, "provider")
    for each in many:
        each.cancel()


async def test_a_sender_alone_does_not_wait() -> None:
    bodies = LargeBodies(CallbackLimits(large_bodies_per_second=1_000_000))

    async with asyncio.timeout(0.5):
        await bodies.pace(1_000_000, "source")


async def test_of_one_source_eight_large_bodies_are_read_at_once_and_of_another_source_meanwhile() -> None:
    bodies, inside = LargeBodies(CallbackLimits()), []

    async def read(source: str) -> None:
        async with bodies.admit(source):
            inside.append(source)
            await asyncio.sleep(60)

    reading = [asyncio.create_task(read("stranger")) for _ in range(40)]
    await asyncio.sleep(0.05)
    reading.append(asyncio.create_task(read("provider")))
    await asyncio.sleep(0.05)
    for each in reading:
        each.cancel()

    assert inside == ["stranger"] * 8 + ["provider"]


async def test_a_large_body_that_does_not_come_gives_its_place_to_another() -> None:
    limits = CallbackLimits(large_bodies=1, large_body_timeout=timedelta(seconds=0.05))
    bodies = LargeBodies(limits)

    for source in ("stranger", "provider"):
        with pytest.raises(TimeoutError):
            async with bodies.admit(source):
                await asyncio.sleep(60)
