"""Each option that all simulated providers have, played by ID360."""

from typing import Any

import pytest

from tests.simulator.stand import HOOK, stand

# The steps are done after 3 to 9 minutes, and the end comes after 10.
STEPS = [("STARTED", done) for done in range(1, 8)]
OK = ("OK", 7)
DAY = 24 * 60


@pytest.mark.parametrize(
    ("options", "heard"),
    [
        ({}, [*STEPS, OK]),
        ({"drop_all": True}, []),
        ({"callbacks": False}, []),
        ({"drop_finals": True}, STEPS),
        ({"drop_indices": [0, 7]}, STEPS[1:]),
        ({"duplicate_final": 2}, [*STEPS, OK, OK, OK]),
        ({"outcome": "silent"}, STEPS[:3]),
        ({"outcome": "CANCELED"}, [*STEPS[:3], ("CANCELED", 7)]),
        ({"unknown_status": "DISCONTINUED"}, [*STEPS, ("DISCONTINUED", 7)]),
        ({"external_means": True}, [("UP", 0), ("SP", 0), *STEPS, OK]),
        ({"external_means": True, "endpoints": [{"url": HOOK, "on": ["UP", "E"]}]}, [("UP", 0), OK]),
        ({"endpoints": [{"url": HOOK, "on": ["F", "C"]}]}, []),
        ({"endpoints": [{"url": HOOK, "on": ["E"]}]}, [OK]),
    ],
)
async def test_the_callbacks_follow_the_options(options: dict[str, Any], heard: list[tuple[str, int]]) -> None:
    async with stand() as it:
        await it.order(**options)
        await it.pass_minutes(DAY)
        finished = (await it.account())["finished"]

    assert (it.heard(), finished) == (heard, True)


async def test_intermediate_callbacks_can_come_after_the_final_one() -> None:
    async with stand() as it:
        await it.order(final_first=True)
        await it.pass_minutes(DAY)

    assert it.heard()[0] == OK
    assert sorted(it.heard()[1:]) == STEPS  # in any order
    assert it.receiver.times() == [600, *[660] * 7]


async def test_a_dropped_callback_was_due_and_has_no_attempt() -> None:
    async with stand() as it:
        await it.order(drop_finals=True)
        await it.pass_minutes(DAY)
        last = (await it.account())["deliveries"][-1]

    assert (last["event"], last["dropped"], last["attempts"]) == ("final OK", True, [])


async def test_all_callbacks_can_be_delayed() -> None:
    async with stand() as it:
        await it.order(delay_callbacks=600)
        await it.pass_minutes(DAY)

    assert it.receiver.times() == [780, 840, 900, 960, 1020, 1080, 1140, 1200]


async def test_an_attempt_that_gets_lost_is_repeated() -> None:
    async with stand() as it:
        await it.order(lost_attempts=[1])
        await it.pass_minutes(DAY)
        attempts = (await it.account())["deliveries"][-1]["attempts"]

    assert [(each["at"], each["code"], each["meaning"], each["lost"]) for each in attempts] == [
        ("PT10M", None, "come_again", True),
        ("PT10M10S", 204, "accepted", False),
    ]


async def test_a_wrong_secret_replaces_the_agreed_one() -> None:
    async with stand() as it:
        await it.order(wrong_secret=True)
        await it.pass_minutes(DAY)

    assert {call.headers["authorization"] for call in it.receiver.calls} == {"Bearer not-the-agreed-secret"}


async def test_a_lagging_report_shows_the_state_before_the_end_for_a_while() -> None:
    async with stand() as it:
        await it.order(lagging_report=1800)
        await it.pass_minutes(39)
        heard, before = it.heard(), await it.report("?allow_draft=true")
        await it.pass_minutes(1)
        after = await it.report()

    assert heard[-1] == OK
    assert before.json()["status"] == "STARTED"
    assert after.json()["status"] == "OK"


async def test_an_unknown_status_is_in_the_report_too() -> None:
    async with stand() as it:
        await it.order(unknown_status="DISCONTINUED")
        await it.pass_minutes(10)

        assert (await it.report()).json()["status"] == "DISCONTINUED"


async def test_the_report_is_503_in_an_outage_of_its_verification() -> None:
    async with stand() as it:
        await it.order(outages=[{"lasts": 60}, {"begins": 3600, "lasts": 60}])
        codes = []
        for minutes in (0, 1, 58.5, 1, 0.5):
            await it.pass_minutes(minutes)
            codes.append((await it.report()).status_code)

    assert codes == [503, 202, 200, 503, 200]
