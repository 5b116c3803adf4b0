"""Smile ID's first generation as its documents and its own library have it, and what both generations share."""

import asyncio
import base64
import hashlib
import hmac
import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from smile_id_core import ServerError, Signature, Utilities, WebApi  # type: ignore[import-untyped]
from smile_id_core.types import FileImage, OptionsParams  # type: ignore[import-untyped]

from tests.simulator.receiver import Receiver
from tests.simulator.stand import HOOK, Stand, stand
from tests.simulator.step_clock import StepClock
from vigil.simulator.app import create_app
from vigil.simulator.serving import serving
from vigil.simulator.smile_id.payloads import MARKERS

CONTROL = "/control/smile_id/verifications"
REFERENCE = "chk-7f01"
PARTNER, KEY = "085", "a-key-of-this-test-alone"
USER = "cust-31"
DAY = 24 * 60
SUBMITTED, IDENTITY, BIOMETRIC = 2, 3, 4  # minutes: two to think, one to each result
OPTIONS = OptionsParams(return_job_status=True, return_history=True, return_images=True, use_enrolled_image=False)


def signed(at: str, key: str = KEY, partner: str = PARTNER) -> str:
    """The documented formula, spelled out."""
    digest = hmac.new(key.encode(), f"{at}{partner}sid_request".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class Smile:
    """Orders jobs of the simulator, and asks the first generation as a partner who signs."""

    def __init__(self, it: Stand) -> None:
        self.it = it

    async def order(self, **scenario: Any) -> httpx.Response:
        wanted = {
            "reference": REFERENCE,
            "partner_id": PARTNER,
            "api_key": KEY,
            "user_id": USER,
            "endpoints": [{"url": HOOK}],
            **scenario,
        }
        return await self.it.api.post(CONTROL, json=wanted)

    async def played(self, minutes: float = BIOMETRIC, **scenario: Any) -> None:
        answer = await self.order(**scenario)
        assert answer.status_code == 201, answer.text
        await self.it.pass_minutes(minutes)

    async def ask(self, **more: Any) -> httpx.Response:
        at = datetime.now(UTC).isoformat()
        asked = {"partner_id": PARTNER, "job_id": REFERENCE, "user_id": USER, "timestamp": at, "signature": signed(at)}
        return await self.it.api.post("/smile_id/v1/job_status", json={**asked, **more})

    async def status(self, **more: Any) -> Any:
        answer = await self.ask(**{"history": True, "image_links": True, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def frame(self) -> tuple[bool, bool, str]:
        told = await self.status()
        return told["job_complete"], told["job_success"], told["code"]

    async def view(self) -> Any:
        return (await self.it.api.get(f"{CONTROL}/{REFERENCE}")).json()

    async def send(self, **extra: Any) -> None:
        answer = await self.it.api.post(f"{CONTROL}/{REFERENCE}/events", json=extra)
        assert answer.status_code == 202, answer.text
        await self.it.pass_minutes(0)

    async def file(self, link: str) -> httpx.Response:
        return await self.it.api.get(link)

    def heard(self) -> list[Any]:
        return [call.json for call in self.it.receiver.calls]

    def codes(self) -> list[Any]:
        return [each["ResultCode"] for each in self.heard()]

    def minutes(self) -> list[float]:
        return [call.at.total_seconds() / 60 for call in self.it.receiver.calls]


@asynccontextmanager
async def smile(*codes: int) -> AsyncIterator[Smile]:
    async with stand(codes or (200,)) as it:
        yield Smile(it)


# ---------------------------------------------------------------- signatures


async def test_a_callback_carries_a_signature_that_the_vendors_library_confirms() -> None:
    async with smile() as it:
        await it.played()
        pairs = [(each["timestamp"], each["signature"]) for each in it.heard()]

    library = Signature(PARTNER, KEY)
    assert [library.confirm_signature(*pair) for pair in pairs] == [True, True]
    assert not any(Signature("85", KEY).confirm_signature(*pair) for pair in pairs)


async def test_a_wrong_secret_signs_with_another_key() -> None:
    async with smile() as it:
        await it.played(wrong_secret=True)

    assert not any(each["signature"] == signed(each["timestamp"]) for each in it.heard())


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"signature": "bm90IG91cnM="}, "2205"),
        ({"signature": None}, "2205"),
        ({"partner_id": "86"}, "2205"),
        ({"partner_id": "85"}, "2205"),
        ({"partner_id": 85}, "2204"),
        ({"job_id": 7}, "2204"),
    ],
)
async def test_a_question_that_is_not_signed_by_its_partner_is_refused(wrong: dict[str, Any], code: str) -> None:
    async with smile() as it:
        await it.played()
        answer = await it.ask(**wrong)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("wrong", [{"job_id": "chk-0000"}, {"user_id": "cust-32"}])
async def test_a_job_that_the_partner_does_not_have_is_2304_and_signed(wrong: dict[str, str]) -> None:
    async with smile() as it:
        await it.played()
        told = await it.status(**wrong)

    assert (told["code"], told["job_complete"], told["signature"]) == ("2304", False, signed(told["timestamp"]))


# ---------------------------------------------------------------- the vendor's own library


@asynccontextmanager
async def served(receiver: Receiver, steps: StepClock) -> AsyncIterator[str]:
    async with receiver.client() as client:
        app = create_app(time_scale=1, client=client, clock=steps.at_scale(1))
        async with serving(app) as address:
            yield address


def image(folder: Any) -> FileImage:
    path = folder / "selfie.png"
    path.write_bytes(b"invented")
    return FileImage(image_type_id=0, file_name=str(path))


async def test_the_vendors_library_submits_a_job_reads_its_status_and_accepts_its_signature(tmp_path: Any) -> None:
    steps = StepClock()
    receiver = Receiver(steps.at_scale(1).now, [200])
    params = {"job_id": "chk-lib", "user_id": USER, "job_type": 1, "tenant": "north"}
    async with served(receiver, steps) as address:
        partner = ("2041", "simulated-key-of-2041", f"{address}/smile_id/v1")
        library, status = WebApi(partner[0], HOOK, *partner[1:]), Utilities(*partner)
        quick = OptionsParams(**{**OPTIONS, "return_job_status": False})

        submitted = await asyncio.to_thread(library.submit_job, params, [image(tmp_path)], {}, quick)
        early = await asyncio.to_thread(status.get_job_status, params, OPTIONS)
        await steps.advance(timedelta(minutes=5))
        told = await asyncio.to_thread(status.get_job_status, params, OPTIONS)
        (link,) = told["image_links"].values()
        async with httpx.AsyncClient(trust_env=False) as client:
            file = await client.get(link)

    assert submitted["success"] is True
    assert (early["job_complete"], early["code"]) == (False, "2302")
    assert (told["job_complete"], told["job_success"], told["result"]["ResultCode"]) == (True, True, "0810")
    assert told["result"]["PartnerParams"] == params
    assert [call.json["ResultCode"] for call in receiver.calls] == ["1012", "0810"]
    assert file.content.startswith(b"\xff\xd8")


async def test_the_vendors_library_refuses_a_job_id_that_was_used_and_a_key_that_is_wrong(tmp_path: Any) -> None:
    steps = StepClock()
    async with served(Receiver(steps.at_scale(1).now, [200]), steps) as address:
        url = f"{address}/smile_id/v1"
        params = {"job_id": "chk-lib", "user_id": USER, "job_type": 4}
        quick = OptionsParams(**{**OPTIONS, "return_job_status": False})
        library = WebApi("2041", HOOK, "simulated-key-of-2041", url)
        await asyncio.to_thread(library.submit_job, params, [image(tmp_path)], {}, quick)
        with pytest.raises(ServerError, match="2215"):
            await asyncio.to_thread(library.submit_job, params, [image(tmp_path)], {}, quick)
        with pytest.raises(ServerError, match="2205"):
            await asyncio.to_thread(Utilities("2041", "wrong", url).get_job_status, params, OPTIONS)


async def test_an_upload_that_is_no_archive_is_0903_and_begins_nothing() -> None:
    async with smile() as it:
        at = datetime.now(UTC).isoformat()
        params = {"job_id": REFERENCE, "user_id": USER, "job_type": 4}
        proof = {"timestamp": at, "signature": signed(at, "simulated-key-of-2041", "2041")}
        order = {"smile_client_id": "2041", "partner_params": params, **proof}
        told = (await it.it.api.post("/smile_id/v1/upload", json=order)).json()
        broken = await it.it.api.put(told["upload_url"], content=b"no archive")
        before = (await it.status(partner_id="2041", **proof))["code"]
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("info.json", "{}")
        whole = await it.it.api.put(told["upload_url"], content=content.getvalue())
        after = (await it.status(partner_id="2041", **proof))["code"]

    assert (told["code"], broken.status_code, broken.json()["code"]) == ("2202", 400, "0903")
    assert (before, whole.status_code, after) == ("2314", 200, "2302")


# ---------------------------------------------------------------- job_status


async def test_before_the_submission_the_result_is_a_text() -> None:
    async with smile() as it:
        await it.played(SUBMITTED - 1)
        told = await it.status()

    assert (told["code"], told["job_complete"], type(told["result"])) == ("2314", False, str)
    assert told["signature"] == signed(told["timestamp"])


async def test_a_job_of_type_1_is_complete_when_both_results_are_there_and_not_before() -> None:
    async with smile() as it:
        frames = []
        await it.played(SUBMITTED)
        for _ in range(3):
            frames.append(await it.frame())
            await it.it.pass_minutes(1)

    assert frames == [(False, False, "2302"), (False, False, "2302"), (True, True, "2302")]


async def test_the_history_is_newest_first_and_the_result_is_that_of_the_face() -> None:
    async with smile() as it:
        await it.played(DAY, code="0814", reviewed_code="1210")
        told = await it.status()
        without = await it.status(history=False)

    assert [each["ResultCode"] for each in told["history"]] == ["1210", "0814", "1012"]
    assert told["result"]["ResultCode"] == "1210"
    assert {each["SmileJobID"] for each in told["history"]} == {told["result"]["SmileJobID"]}
    assert "history" not in without


async def test_the_result_is_that_of_the_face_although_the_number_was_reported_later() -> None:
    async with smile() as it:
        await it.played(identity_first=False)
        told = await it.status()

    assert it.codes() == ["0810", "1012"]
    assert told["result"]["ResultCode"] == "0810"
    assert [each["ResultCode"] for each in told["history"]] == ["1012", "0810"]


@pytest.mark.parametrize(
    ("scenario", "frame"),
    [
        ({"code": "0811"}, (True, False, "2302")),
        ({"identity_code": "1013"}, (True, False, "2302")),
        ({"code": "0814"}, (False, False, "2302")),
        ({"code": "0814", "unsettled_is_complete": True}, (True, False, "2302")),
        ({"code": "0814", "reviewed_code": "1210"}, (True, True, "2302")),
        ({"code": "0814", "reviewed_code": "1211"}, (True, False, "2302")),
        ({"code": "0810", "reviewed_code": "1211"}, (True, False, "2302")),
        ({"identity_code": "1015"}, (False, False, "2302")),
        ({"identity_code": "1015", "unsettled_is_complete": True}, (True, False, "2302")),
        ({"identity_code": "1015", "heals_after": "PT1H"}, (True, True, "2302")),
        ({"code": "0899"}, (True, False, "2302")),
        ({"job_type": 6, "code": "0812"}, (True, False, "2302")),
        ({"job_type": 2, "code": "0822"}, (False, False, "2302")),
    ],
)
async def test_what_is_said_of_a_job_in_the_end_follows_its_codes(
    scenario: dict[str, Any], frame: tuple[bool, bool, str]
) -> None:
    async with smile() as it:
        await it.played(DAY, **scenario)

        assert await it.frame() == frame


# ---------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    ("job_type", "code", "fields"),
    [
        (2, "0820", {"ConfidenceValue"}),
        (4, "0840", {"ConfidenceValue"}),
        (5, "1012", {"FullName", "IDNumber", "Photo", "FullData"}),
        (6, "0810", {"Document", "ImageLinks", "KYCReceipt"}),
        (7, "1012", {"company_information", "directors", "documents"}),
        (8, "0840", {"ConfidenceValue"}),
        (10, "1031", {"people", "no_of_persons_found"}),
        (11, "0810", {"Document", "ImageLinks", "KYCReceipt"}),
    ],
)
async def test_a_job_of_one_result_shows_it_once_with_the_fields_of_its_type(
    job_type: int, code: str, fields: set[str]
) -> None:
    async with smile() as it:
        await it.played(DAY, job_type=job_type)
        (told,) = it.heard()
        whole = await it.status()

    assert told["ResultCode"] == code
    assert fields <= set(told)
    assert set(told) - {"timestamp", "signature"} == set(whole["result"])


async def test_a_number_that_is_not_found_shows_no_person_but_says_so_in_every_field() -> None:
    async with smile() as it:
        await it.played(DAY, job_type=5, code="1013")
        (told,) = it.heard()

    assert {told[name] for name in ("FullName", "DOB", "Photo", "Address")} == {"Not Available"}


async def test_the_whole_invented_person_is_in_the_results_of_a_job_of_type_1() -> None:
    async with smile() as it:
        await it.played()
        told = json.dumps(await it.status())

    assert [name for name, text in MARKERS.items() if text not in told] == []


async def test_a_photo_makes_a_body_of_a_megabyte_and_a_half() -> None:
    async with smile() as it:
        await it.played(photo_size=1_120_000)
        first, second = it.it.receiver.calls

    assert 1_490_000 < len(first.body) < 1_500_000
    assert len(base64.b64decode(first.json["Photo"])) == 1_120_000
    assert len(second.body) < 10_000


async def test_what_a_partner_sends_along_comes_back() -> None:
    async with smile() as it:
        await it.played(partner_params={"tenant": "north", "order_ref": "o-1"})
        (told, _) = it.heard()

    assert told["PartnerParams"] == {
        "job_id": REFERENCE,
        "user_id": USER,
        "job_type": 1,
        "tenant": "north",
        "order_ref": "o-1",
    }


async def test_only_a_result_after_which_nothing_is_open_says_that_it_is_final() -> None:
    async with smile() as it:
        await it.played(DAY, code="0814", reviewed_code="1210")

    assert [each.get("IsFinalResult") for each in it.heard()] == [None, None, "true"]


# ---------------------------------------------------------------- callbacks


@pytest.mark.parametrize(
    ("options", "heard"),
    [
        ({}, ["1012", "0810"]),
        ({"drop_finals": True}, ["1012"]),
        ({"silent": True}, []),
        ({"code": "0814"}, ["1012", "0814"]),
        ({"code": "0814", "reviewed_code": "1213"}, ["1012", "0814", "1213"]),
        ({"code": "0814", "reviewed_code": "1210", "drop_finals": True}, ["1012", "0814"]),
        ({"code": "0810", "reviewed_code": "1211", "drop_finals": True}, ["1012"]),
        ({"identity_code": "1015"}, ["1015", "0810"]),
        ({"identity_code": "1015", "heals_after": "PT1H"}, ["1015", "0810", "1012"]),
        ({"job_type": 5, "code": "1015", "heals_after": "PT1H"}, ["1015", "1012"]),
        ({"code": "0899"}, ["1012", "0899"]),
    ],
)
async def test_the_callbacks_follow_the_options(options: dict[str, Any], heard: list[str]) -> None:
    async with smile() as it:
        await it.played(DAY, **options)

        assert (it.codes(), (await it.view())["finished"]) == (heard, True)


async def test_results_come_a_step_apart_and_the_reviewers_when_he_is_done() -> None:
    async with smile() as it:
        await it.played(DAY, code="0814", reviewed_code="1210", review_for="PT2H")

    assert it.minutes() == [IDENTITY, BIOMETRIC, BIOMETRIC + 120]


async def test_no_callback_of_the_first_generation_comes_again() -> None:
    async with smile(503) as it:
        await it.played(DAY)

    assert it.codes() == ["1012", "0810"]


async def test_one_more_callback_leaves_the_result_alone() -> None:
    async with smile() as it:
        await it.played()
        await it.send(word="0811")

        assert (it.codes(), (await it.status())["result"]["ResultCode"]) == (["1012", "0810", "0811"], "0810")


# ---------------------------------------------------------------- files


async def test_a_link_opens_without_a_proof_until_it_expires() -> None:
    async with smile() as it:
        await it.played(job_type=6)
        links = (await it.status())["image_links"]
        first = [(await it.file(link)).status_code for link in links.values()]
        await it.it.pass_minutes(15)
        later = [(await it.file(link)).status_code for link in links.values()]
        fresh = [(await it.file(link)).status_code for link in (await it.status())["image_links"].values()]

    assert set(links) == {"selfie_image", "id_card_image", "id_card_back"}
    assert (first, later, fresh) == ([200] * 3, [403] * 3, [200] * 3)


async def test_a_link_that_was_changed_opens_nothing() -> None:
    async with smile() as it:
        await it.played(job_type=6)
        link = (await it.status())["image_links"]["selfie_image"]
        wrong = [link.replace("selfie_image", "id_card_image"), link.replace("expires=", "expires=9"), link[:-1]]

        assert [(await it.file(each)).status_code for each in wrong] == [403, 403, 403]


async def test_the_links_of_the_first_bodies_can_be_dead() -> None:
    async with smile() as it:
        await it.played(job_type=6, dead_links=2)
        told = [it.heard()[0]["ImageLinks"], (await it.status())["image_links"], (await it.status())["image_links"]]

        assert [(await it.file(each["selfie_image"])).status_code for each in told] == [403, 403, 200]


async def test_a_receipt_is_a_file_of_its_own() -> None:
    async with smile() as it:
        await it.played(job_type=11)
        told = await it.status()
        files = [await it.file(told["kyc_receipt"]), await it.file(told["result"]["KYCReceipt"])]

    assert [file.headers["content-type"] for file in files] == ["application/pdf"] * 2
    assert files[0].content == files[1].content


async def test_a_job_without_pictures_has_no_links_to_any() -> None:
    async with smile() as it:
        await it.played(job_type=5)

        assert (await it.status())["image_links"] == {}


# ---------------------------------------------------------------- orders


async def test_an_order_is_answered_with_its_coordinates_and_its_script() -> None:
    async with smile() as it:
        answer = (await it.order(code="0814", reviewed_code="1210")).json()

    assert (answer["reference"], answer["coordinates"]) == (REFERENCE, {"user_id": USER, "job_type": "1"})
    assert [(each["at"], each["what"], each["callback"]) for each in answer["script"]] == [
        ("PT0S", "created", False),
        ("PT2M", "submitted", False),
        ("PT3M", "identity 1012", True),
        ("PT4M", "biometric 0814", True),
        ("PT14M", "biometric 1210", True),
    ]
