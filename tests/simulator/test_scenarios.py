"""Each knob once."""

from typing import Any

import pytest

from tests.simulator.stand import HOOK, REFERENCE, stand

SHORT: dict[str, Any] = {"steps": ["id_document", "liveness"]}  # steps after 3 and 4 minutes, the end after 5
DAY = 24 * 60


async def heard_with(**scenario: Any) -> list[tuple[str, int]]:
    async with stand() as it:
        assert (await it.order(**{**SHORT, **scenario})).status_code == 201
        await it.pass_minutes(DAY)
        assert (await it.account())["finished"]
        return it.heard()


@pytest.mark.parametrize(
    ("knob", "heard"),
    [
        ({}, [("STARTED", 1), ("STARTED", 2), ("OK", 2)]),
        ({"drop_all": True}, []),
        ({"callbacks": False}, []),
        ({"drop_finals": True}, [("STARTED", 1), ("STARTED", 2)]),
        ({"drop_indices": [0, 2]}, [("STARTED", 2)]),
        ({"duplicate_final": 2}, [("STARTED", 1), ("STARTED", 2), ("OK", 2), ("OK", 2), ("OK", 2)]),
        ({"final_first": True}, [("OK", 2), ("STARTED", 1), ("STARTED", 2)]),
        ({"late_intermediates": 90}, [("STARTED", 1), ("OK", 2), ("STARTED", 2)]),
        ({"outcome": "silent"}, [("STARTED", 1)]),
        ({"outcome": "silent", "reached": 0}, []),
        ({"outcome": "CANCELED"}, [("STARTED", 1), ("CANCELED", 2)]),
        ({"outcome": "CANCELED", "canceled_counts": "reached"}, [("STARTED", 1), ("CANCELED", 1)]),
        ({"unknown_status": "DISCONTINUED"}, [("STARTED", 1), ("STARTED", 2), ("DISCONTINUED", 2)]),
        ({"second_final": "KO"}, [("STARTED", 1), ("STARTED", 2), ("OK", 2), ("KO", 2)]),
        ({"endpoints": [{"url": HOOK, "on": ["F", "C"]}]}, []),
        ({"endpoints": [{"url": HOOK, "on": ["E"]}]}, [("OK", 2)]),
    ],
)
async def test_what_is_heard_follows_the_knob(knob: dict[str, Any], heard: list[tuple[str, int]]) -> None:
    got = await heard_with(**knob)
    if knob.get("final_first"):  # the order among the late ones is nobody's promise
        got = [got[0], *sorted(got[1:])]
    assert got == heard


async def test_dropped_events_are_meant_all_the_same() -> None:
    async with stand() as it:
        await it.order(**SHORT, drop_all=True)
        await it.pass_minutes(DAY)
        meant = (await it.account())["meant"]

    assert [(each["event"], each["dropped"], each["attempts"]) for each in meant] == [
        ("step 1: id_document", True, []),
        ("step 2: liveness", True, []),
        ("final OK", True, []),
    ]


async def test_all_callbacks_can_be_delayed() -> None:
    async with stand() as it:
        await it.order(**SHORT, delay_callbacks=600)
        await it.pass_minutes(DAY)

    assert it.receiver.times() == [780, 840, 900]


async def test_lost_attempts_are_made_up_for_by_redeliveries() -> None:
    async with stand() as it:
        await it.order(**SHORT, lost_attempts=[1])
        await it.pass_minutes(DAY)
        attempts = (await it.account())["meant"][2]["attempts"]

    assert it.receiver.times() == [190, 250, 310]
    assert [(each["at"], each["code"], each["meaning"], each["lost"]) for each in attempts] == [
        ("PT5M", None, "come_again", True),
        ("PT5M10S", 204, "accepted", False),
    ]


@pytest.mark.parametrize(("cap", "attempts"), [(None, 8), (6, 7), (0, 1)])
async def test_the_number_of_redeliveries_can_be_capped(cap: int | None, attempts: int) -> None:
    async with stand(codes=[500]) as it:
        await it.order(**SHORT, redeliveries=cap, drop_indices=[0, 1])
        await it.pass_minutes(DAY)

    assert len(it.receiver.calls) == attempts


async def test_a_wrong_secret_replaces_the_agreed_one() -> None:
    async with stand() as it:
        await it.order(**SHORT, wrong_secret=True)
        await it.pass_minutes(DAY)

    assert {call.headers["authorization"] for call in it.receiver.calls} == {"Bearer not-the-agreed-secret"}


async def test_a_lagging_report_answers_as_before_for_a_while() -> None:
    async with stand() as it:
        await it.order(**SHORT, lagging_report=1800)
        await it.pass_minutes(34)
        heard, before = it.heard(), await it.report("?allow_draft=true")
        await it.pass_minutes(1)
        after = await it.report()

    assert heard[-1] == ("OK", 2)
    assert before.json()["status"] == "STARTED"
    assert after.json()["status"] == "OK"


@pytest.mark.parametrize(("knob", "code"), [("report_200", 200), ("report_202_forever", 202), ("report_404", 404)])
async def test_a_canceled_report_answers_in_each_way_that_the_sources_leave_open(knob: str, code: int) -> None:
    async with stand() as it:
        await it.order(**SHORT, outcome="CANCELED", after_canceled=knob)
        await it.pass_minutes(DAY)

        assert (await it.report("?allow_draft=true")).status_code == code


@pytest.mark.parametrize(("knob", "code"), [("report_deleted", 200), ("report_404", 404)])
async def test_after_its_retention_a_verification_is_deleted_with_its_files(knob: str, code: int) -> None:
    async with stand() as it:
        await it.order(**SHORT, deleted_after=3600, after_deleted=knob)
        await it.pass_minutes(64)
        kept = await it.report()
        await it.pass_minutes(1)
        deleted = await it.report()
        file = await it.get(f"/id360/api/1.0.0/document/{REFERENCE}01/file_contents/?page_number=0")

    assert kept.json()["status"] == "OK"
    assert deleted.status_code == code
    assert code == 404 or deleted.json()["status"] == "DELETED"
    assert file.status_code == 404


async def test_an_unknown_word_and_a_second_final_are_in_the_report_too() -> None:
    async with stand() as it:
        await it.order(**SHORT, unknown_status="DISCONTINUED", second_final="KO", second_final_after=600)
        await it.pass_minutes(14)
        first = (await it.report()).json()["status"]
        await it.pass_minutes(1)
        second = (await it.report()).json()["status"]

    assert (first, second) == ("DISCONTINUED", "KO")


async def test_the_report_is_503_in_an_outage_of_its_verification() -> None:
    async with stand() as it:
        await it.order(**SHORT, outages=[{"lasts": 60}, {"begins": 3600, "lasts": 60}])
        codes = []
        for minutes in (0, 1, 58.5, 1, 0.5):
            await it.pass_minutes(minutes)
            codes.append((await it.report()).status_code)

    assert codes == [503, 202, 200, 503, 200]


@pytest.mark.parametrize(("knob", "last"), [("absent", "nothing"), ("null", None), ("last", "liveness")])
async def test_the_final_callback_holds_a_step_in_each_way_that_is_unknown(knob: str, last: str | None) -> None:
    async with stand() as it:
        await it.order(**SHORT, final_step=knob)
        await it.pass_minutes(DAY)
        step = it.receiver.calls[-1].json.get("enrollment_step", "nothing")

    assert (step["name"] if isinstance(step, dict) else step) == last


async def test_a_failed_step_says_so_under_the_key_that_is_asked_for() -> None:
    async with stand() as it:
        await it.order(**SHORT, outcome="KO", failed_steps=[1], step_outcome_key="result")
        await it.pass_minutes(DAY)
        report = (await it.report()).json()

    assert [call.json["enrollment_step"]["result"] for call in it.receiver.calls[:2]] == ["OK", "KO"]
    assert report["steps"] == {"id_document": {"status": "OK"}, "liveness": {"status": "KO"}}


async def test_the_reason_codes_of_a_declined_report_can_be_chosen() -> None:
    async with stand() as it:
        await it.order(**SHORT, outcome="KO", reason_codes=["EIM_TIMEOUT", "UNKNOWN_ERROR"])
        await it.pass_minutes(DAY)
        report = (await it.report()).json()

    assert [row["status_code"]["code"] for row in report["all_status_codes"]] == ["EIM_TIMEOUT", "UNKNOWN_ERROR"]
