"""The control routes, and the application as a whole."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.simulator.receiver import Receiver
from tests.simulator.stand import REFERENCE, stand
from vigil.simulator.app import create_app
from vigil.simulator.clock import Clock
from vigil.simulator.serving import serving


async def test_an_order_is_answered_with_its_reference_and_its_script() -> None:
    async with stand() as it:
        answer = await it.order(outcome="CANCELED")

    assert answer.status_code == 201
    assert answer.json()["reference"] == "700101"
    assert [(each["at"], each["what"], each["callback"]) for each in answer.json()["script"]] == [
        ("PT0S", "created", False),
        ("PT2M", "begun", False),
        ("PT3M", "step 1: id_document", True),
        ("PT4M", "step 2: fake_photo_id", True),
        ("PT5M", "step 3: image_forensics", True),
        ("PT6M", "final CANCELED", True),
    ]


async def test_an_order_without_a_reference_gets_one() -> None:
    async with stand() as it:
        first = (await it.order(reference=None)).json()["reference"]
        second = (await it.order(reference=None)).json()["reference"]

    assert first.isdecimal()
    assert first != second


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"outcome": "maybe"}, "outcome"),
        ({"think": -1}, "think"),
        ({"endpoints": [{"url": "tracker.test/hook"}]}, "endpoints.0.url"),
        ({"endpoints": [{"url": "http://tracker.test", "on": ["Z"]}]}, "endpoints.0.on.0"),
        ({"reference": "not-a-number"}, "reference"),
        ({"drop_finales": True}, "drop_finales"),
        ({"outages": [{"begins": 5}]}, "outages.0.lasts"),
    ],
)
async def test_a_wrong_order_is_422_and_names_the_field(order: dict[str, Any], field: str) -> None:
    async with stand() as it:
        answer = await it.order(**order)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [each["field"] for each in answer.json()["errors"]] == [field]


async def test_what_is_not_json_is_422() -> None:
    async with stand() as it:
        assert (await it.api.post("/control/id360/verifications", content=b"{")).status_code == 422


async def test_a_reference_is_simulated_once() -> None:
    async with stand() as it:
        await it.order()
        again = await it.order()

    assert again.status_code == 409
    assert "700101" in again.json()["title"]


@pytest.mark.parametrize(
    "path", ["/control/nobody/verifications/1", "/control/id360/verifications/1", "/control/id360/verifications/x"]
)
async def test_an_unknown_verification_is_404(path: str) -> None:
    async with stand() as it:
        assert (await it.api.get(path)).status_code == 404


async def test_an_extra_callback_is_sent_at_once_and_leaves_the_report_alone() -> None:
    async with stand() as it:
        await it.order()
        await it.pass_minutes(60)
        answer = await it.api.post(f"/control/id360/verifications/{REFERENCE}/events", json={"status": "KO"})
        await it.pass_minutes(0)
        report = (await it.report()).json()["status"]

    assert answer.status_code == 202
    assert it.heard()[-2:] == [("OK", 7), ("KO", 7)]
    assert report == "OK"


async def test_a_provider_that_is_down_answers_503_until_the_outage_is_over() -> None:
    async with stand() as it:
        await it.log_in()
        codes = []
        for order in ({"for": 60}, {"on": True}, {"on": False}):
            await it.api.post("/control/outage", json={"provider": "id360", **order})
            for minutes in (0, 1):
                await it.pass_minutes(minutes)
                codes.append((await it.get("/id360/api/1.0.0/user/whoami")).status_code)

    assert codes == [503, 200, 503, 503, 200, 200]


async def test_an_outage_of_nobody_is_404() -> None:
    async with stand() as it:
        answer = await it.api.post("/control/outage", json={"provider": "nobody"})

    assert answer.status_code == 404
    assert "id360" in answer.json()["title"]


async def test_health_reports_who_is_simulated_and_how_fast() -> None:
    async with stand() as it:
        answer = await it.api.get("/control/health")

    assert answer.json() == {"providers": ["id360", "identomat", "signicat", "smile_id"], "time_scale": 1}


async def test_a_verification_is_finished_only_when_no_delivery_is_due() -> None:
    async with stand(codes=[500]) as it:
        await it.order(drop_indices=list(range(7)))
        finished = []
        for minutes in (10, 130, 1):
            await it.pass_minutes(minutes)
            finished.append((await it.account())["finished"])

    assert finished == [False, False, True]


async def test_the_end_of_the_application_ends_all_deliveries() -> None:
    receiver = Receiver(Clock().now, codes=[500])
    async with serving(receiver.app()) as hook, httpx.AsyncClient() as api:
        app = create_app(time_scale=1000)
        async with serving(app) as address:
            order = {"endpoints": [{"url": f"{hook}/hook"}], "think": 0}
            await api.post(f"{address}/control/id360/verifications", json=order)
            await receiver.heard(1)
        heard = len(receiver.calls)
        await asyncio.sleep(0.2)

        assert len(receiver.calls) == heard
        assert not [
            task for task in asyncio.all_tasks() if "Engine" in repr(task) or "SimulatedVerification" in repr(task)
        ]
