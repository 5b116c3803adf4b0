"""Budgets that processes share through a store."""

import asyncio
from datetime import UTC, datetime, timedelta

from vigil.storage.budgets import Budget, erase_old_units, take_unit
from vigil.storage.contract import Storage

AT = datetime(2026, 11, 28, 12, 34, 56, tzinfo=UTC)


async def test_of_thirty_processes_at_once_ten_take_one_of_ten_units(storage: Storage) -> None:
    budget = Budget.STARTS.of("acme", AT)
    taken = await asyncio.gather(*(take_unit(storage, budget, 10) for _ in range(30)))

    assert taken.count(True) == 10
    assert not await take_unit(storage, budget, 10)


async def test_owners_periods_and_budgets_have_units_of_their_own(storage: Storage) -> None:
    same = [Budget.STARTS.of("acme", AT), Budget.STARTS.of("acme", AT + timedelta(seconds=3))]
    others = [
        Budget.STARTS.of("acme", AT + timedelta(seconds=4)),
        Budget.STARTS.of("other", AT),
        Budget.MESSAGES.of("acme", AT),
        Budget.FOLLOW_UPS.of("acme/" + "r" * 400, AT),
        Budget.FOLLOW_UPS.of("acme/" + "r" * 401, AT),
    ]

    assert [await take_unit(storage, budget, 1) for budget in same] == [True, False]
    assert [await take_unit(storage, budget, 1) for budget in others] == [True] * 5


async def test_a_unit_is_erased_when_two_periods_have_passed(storage: Storage) -> None:
    await take_unit(storage, Budget.STARTS.of("acme", AT), 1)
    await take_unit(storage, Budget.RECEIVERS.of("acme", AT), 1)
    left = []
    for later in (timedelta(minutes=2), timedelta(minutes=3), timedelta(hours=2), timedelta(hours=3)):
        await erase_old_units(storage, AT + later)
        left.append([name.split("/")[1] for name in await storage.list("budgets")])

    assert left == [["receivers", "starts"], ["receivers"], ["receivers"], []]
