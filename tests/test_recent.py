"""Readiness is asked by many and checked once."""

import asyncio
from datetime import timedelta

import pytest

from vigil.recent import Recent


async def test_fifty_who_ask_within_two_seconds_cause_one_check() -> None:
    now, made = [0.0], []
    recent: Recent[int] = Recent(timedelta(seconds=2), clock=lambda: now[0])

    async def check() -> int:
        made.append(1)
        await asyncio.sleep(0)
        return len(made)

    first = await asyncio.gather(*(recent.get(check) for _ in range(50)))
    now[0] = 2.0
    second = await recent.get(check)
    now[0] = 2.1
    third = await recent.get(check)

    assert (set(first), second, third) == ({1}, 1, 2)


async def test_who_goes_away_does_not_end_the_check_for_the_others() -> None:
    recent: Recent[str] = Recent(timedelta(seconds=2))
    go_on = asyncio.Event()

    async def check() -> str:
        await go_on.wait()
        return "ready"

    impatient, patient = (asyncio.create_task(recent.get(check)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    go_on.set()

    assert await patient == "ready"


async def test_a_check_that_failed_is_made_anew_after_two_seconds() -> None:
    now, fails = [0.0], [True]
    recent: Recent[str] = Recent(timedelta(seconds=2), clock=lambda: now[0])

    async def check() -> str:
        if fails[0]:
            raise ConnectionError
        return "ready"

    with pytest.raises(ConnectionError):
        await recent.get(check)
    fails[0] = False
    now[0] = 2.1
    assert await recent.get(check) == "ready"
