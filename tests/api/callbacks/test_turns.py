"""Large bodies wait for each other; small ones and the event loop do not wait for them."""

import asyncio
import itertools
import time

from api.callbacks.turns import Pace, Turns


async def test_of_ten_large_bodies_no_two_are_parsed_without_the_loop_having_run_between_them() -> None:
    turns, ran = Turns(small=10), []

    async def tick() -> None:
        while True:
            ran.append("loop")
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    await asyncio.gather(*(turns.run(b"x" * 11, lambda: ran.append("parse")) for _ in range(10)))
    ticking.cancel()

    assert ran.count("parse") == 10
    assert all(pair != ("parse", "parse") for pair in itertools.pairwise(ran))


async def test_a_small_body_waits_for_no_large_one() -> None:
    turns, done = Turns(small=10), []

    def parse() -> None:
        time.sleep(0.05)
        done.append("large")

    large = [asyncio.create_task(turns.run(b"x" * 11, parse)) for _ in range(3)]
    await asyncio.sleep(0)
    await turns.run(b"x" * 10, lambda: done.append("small"))
    await asyncio.gather(*large)

    assert done == ["large", "small", "large", "large"]


async def test_a_body_that_cannot_be_read_gives_its_turn_on() -> None:
    turns = Turns(small=10)

    def fail() -> None:
        raise ValueError

    failed = await asyncio.gather(*(turns.run(b"x" * 11, fail) for _ in range(3)), return_exceptions=True)

    assert [type(each) for each in failed] == [ValueError, ValueError, ValueError]


async def test_large_bodies_of_all_senders_together_are_read_at_one_rate() -> None:
    pace = Pace(bytes_per_second=1_000_000)
    began = asyncio.get_running_loop().time()

    await asyncio.gather(*(pace.take(50_000) for _ in range(9)))

    assert asyncio.get_running_loop().time() - began >= 0.4


async def test_a_sender_alone_does_not_wait() -> None:
    pace = Pace(bytes_per_second=1_000_000)

    async with asyncio.timeout(0.5):
        await pace.take(1_000_000)
