"""ID360's API as its documents and its traffic show it."""

import hashlib
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.simulator.receiver import Receiver
from tests.simulator.stand import HOOK, REFERENCE, Stand, stand
from tests.simulator.step_clock import StepClock
from vigil.simulator.app import create_app
from vigil.simulator.id360.payloads import MARKERS
from vigil.simulator.serving import serving
from vigil.simulator.tokens import Tokens

API = "/id360/api/1.0.0"
ENDED = 10  # minutes: two to think, seven steps, one to the end


async def test_a_login_needs_both_names_and_one_password_is_refused() -> None:
    async with stand() as it:
        incomplete = await it.api.post(f"{API}/user/login/", json={"username": "tracker"})
        refused = await it.api.post(f"{API}/user/login/", json={"username": "tracker", "password": "refused"})
        accepted = await it.api.post(f"{API}/user/login/", json={"username": "tracker", "password": "x"})

    assert [incomplete.status_code, refused.status_code, accepted.status_code] == [400, 401, 200]
    assert list(accepted.json()) == ["token"]


@pytest.mark.parametrize(
    "path", ["user/whoami", f"enrollment/{REFERENCE}/report", f"document/{REFERENCE}01/file_contents/"]
)
async def test_every_read_without_a_token_is_401(path: str) -> None:
    async with stand() as it:
        await it.order()
        await it.pass_minutes(ENDED)
        bare = await it.api.get(f"{API}/{path}")
        invented = await it.get(f"{API}/{path}")

    assert [bare.status_code, invented.status_code] == [401, 401]


async def test_a_token_dies_after_fifteen_idle_minutes_and_lives_on_when_used() -> None:
    async with stand() as it:
        await it.log_in()
        codes = []
        for minutes in (14, 14, 15):
            await it.pass_minutes(minutes)
            codes.append((await it.get(f"{API}/user/whoami")).status_code)

    assert codes == [200, 200, 401]


async def test_a_token_is_valid_for_a_real_second_however_fast_the_clock() -> None:
    steps = StepClock()
    tokens = Tokens(steps.at_scale(100_000), timedelta(minutes=15), renewed_by_use=True)
    tokens.add("t-1", "tracker")
    owners = []
    for milliseconds in (999, 999, 1000):
        await steps.advance(timedelta(milliseconds=milliseconds))
        owners.append(tokens.owner_of("t-1"))

    assert owners == ["tracker", "tracker", None]


CREATION: dict[str, Any] = {
    "client_reference": "order-2047",
    "callback_endpoints": [
        {"url": HOOK, "on": ["E", "F", "C"], "headers": [{"name": "Authorization", "value": "Bearer a"}]},
        {"url": f"{HOOK}/progress", "on": ["I"], "headers": []},
        {"url": f"{HOOK}/nothing", "on": []},
    ],
}


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_created_enrollment_is_new_and_calls_back_each_endpoint_about_what_it_asked_for(
    slash: str,
) -> None:
    async with stand() as it:
        await it.log_in()
        answer = await it.api.post(
            f"{API}/process/0b0e7a1c/enrollment{slash}",
            json=CREATION,
            headers={"Authorization": f"Token {it._token}"},
        )
        await it.pass_minutes(ENDED)

    created = answer.json()
    assert answer.status_code == 200
    assert created["status"] == "NEW"
    assert isinstance(created["id"], int)
    assert len(created["api_key"]) == 128
    assert created["client_reference"] == "order-2047"
    heard = [(call.path, call.json["status"]) for call in it.receiver.calls]
    assert heard == [("/hook/progress", "STARTED")] * 7 + [("/hook", "OK")]
    assert it.receiver.calls[-1].headers["authorization"] == "Bearer a"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "callback_endpoints"),
        ({"callback_endpoints": []}, "callback_endpoints"),
        ({"callback_endpoints": [{"url": HOOK, "on": ["X"]}]}, "callback_endpoints.0.on.0"),
        ({"callback_endpoints": [{"url": HOOK, "headers": {"a": "b"}}]}, "callback_endpoints.0.headers"),
    ],
)
async def test_a_creation_that_id360_would_not_understand_is_400_and_names_the_field(
    body: dict[str, Any], field: str
) -> None:
    async with stand() as it:
        await it.log_in()
        answer = await it.api.post(
            f"{API}/process/1/enrollment", json=body, headers={"Authorization": f"Token {it._token}"}
        )

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"{field}:")


async def test_an_approved_verification_calls_back_once_a_step_and_once_at_its_end() -> None:
    async with stand() as it:
        await it.order()
        await it.pass_minutes(ENDED)

    assert it.heard() == [("STARTED", done) for done in range(1, 8)] + [("OK", 7)]
    assert it.receiver.times() == [180, 240, 300, 360, 420, 480, 540, 600]
    assert it.receiver.calls[5].json == {
        "id": 700101,
        "status": "STARTED",
        "reason": None,
        "steps_status": {"done": 6, "total": 7},
        "enrollment_step": {
            "status": "OK",
            "errors": [],
            "type": "InternalDoNotUse",
            "reason": "",
            "name": "liveness",
            "documents": ["liveness_video$1"],
        },
    }
    assert it.receiver.calls[7].json == {
        "id": 700101,
        "status": "OK",
        "reason": None,
        "steps_status": {"done": 7, "total": 7},
    }


async def test_the_report_is_202_until_the_end_and_a_draft_reports_more() -> None:
    async with stand() as it:
        await it.order()
        at_first = await it.report("?allow_draft=true")
        await it.pass_minutes(5)
        waiting = await it.report("?allow_draft=false")
        draft = await it.report("?allow_draft=true")
        await it.pass_minutes(5)
        final = await it.report()

    assert (at_first.status_code, at_first.json()["status"]) == (200, "NEW")
    assert (waiting.status_code, waiting.content) == (202, b"")
    assert (draft.status_code, draft.json()["status"]) == (200, "STARTED")
    assert list(draft.json()["steps"]) == ["id_document", "fake_photo_id", "image_forensics"]
    assert (final.status_code, final.json()["status"]) == (200, "OK")
    assert list(final.json()["steps"])[4:6] == ["liveness$0", "liveness$1"]


async def test_an_unknown_enrollment_is_404() -> None:
    async with stand() as it:
        assert (await it.report(reference="5")).status_code == 404


async def test_the_invented_person_is_in_an_approved_report_and_in_no_callback() -> None:
    async with stand() as it:
        await it.order()
        await it.pass_minutes(ENDED)
        report = (await it.report()).text

    assert [word for word in MARKERS.values() if word not in report] == []
    said = b"".join(call.body for call in it.receiver.calls).decode()
    assert [word for word in MARKERS.values() if word in said] == []


@pytest.mark.parametrize(
    ("outcome", "codes"),
    [("KO", ["VLD_VALIDATION_KO"]), ("FAILED", ["ERL_TIMEOUT"]), ("CANCELED", [])],
)
async def test_a_verification_that_is_not_approved_shows_no_person_but_its_codes(
    outcome: str, codes: list[str]
) -> None:
    async with stand() as it:
        await it.order(outcome=outcome)
        await it.pass_minutes(ENDED)
        report = (await it.report()).json()

    assert it.heard()[-1] == (outcome, 7)
    assert report["status"] == outcome
    assert [row["code"] for row in report["status_codes"]] == codes
    assert "identity" not in report


async def test_every_file_of_the_report_has_the_digest_that_the_report_says() -> None:
    async with stand() as it:
        await it.order()
        await it.pass_minutes(ENDED)
        documents = (await it.report()).json()["documents"]
        rows = [row for kind in documents.values() for row in kind]
        files = [file for row in rows for file in row["files"]]
        answers = [await it.get(file["url"]) for file in files]

    assert [row["name"] for row in rows] == [
        "id_document_image",
        "selfie_image",
        "liveness_video$0",
        "liveness_video$1",
    ]
    assert [answer.headers["content-type"] for answer in answers] == ["image/png"] * 3 + ["video/mp4"] * 2
    digests = [hashlib.md5(answer.content, usedforsecurity=False).hexdigest() for answer in answers]
    assert digests == [file["hash"] for file in files]
    assert len(set(digests)) == 5


@pytest.mark.parametrize("path", ["70010199/file_contents/", "70010101/file_contents/?page_number=2", "x/y/"])
async def test_a_file_that_does_not_exist_is_404(path: str) -> None:
    async with stand() as it:
        await it.order()
        await it.pass_minutes(ENDED)
        await it.log_in()
        assert (await it.get(f"{API}/document/{path}")).status_code == 404


async def test_reads_logins_and_downloads_are_counted() -> None:
    async with stand() as it:
        await it.log_in()
        await it.order()
        await it.pass_minutes(ENDED)
        await it.report()
        await it.get(f"{API}/document/70010101/file_contents/?page_number=1")
        await it.report()
        account = await it.account()

    assert (account["reads"], account["logins"]) == (2, 2)
    assert account["downloads"] == {"id_document_image/1": 1}


async def test_a_download_is_cut_then_corrupt_then_whole_at_a_real_port() -> None:
    steps = StepClock()
    clock = steps.at_scale(1)
    app = create_app(time_scale=1, clock=clock)
    async with serving(app) as address, httpx.AsyncClient(base_url=address) as api:
        it = Stand(api, steps, Receiver(clock.now))
        await it.order(endpoints=[], cut_downloads=2, corrupt_downloads=1)
        await it.pass_minutes(ENDED)
        file = (await it.report()).json()["documents"]["liveness"][0]["files"][0]
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
                await it.get(file["url"])
        corrupt = (await it.get(file["url"])).content
        whole = (await it.get(file["url"])).content

    assert len(corrupt) == len(whole)
    assert hashlib.md5(corrupt, usedforsecurity=False).hexdigest() != file["hash"]
    assert hashlib.md5(whole, usedforsecurity=False).hexdigest() == file["hash"]
