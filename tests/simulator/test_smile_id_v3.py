"""Smile ID's third generation as its documents show it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from smile_id_core import Signature  # type: ignore[import-untyped]

from tests.simulator.stand import HOOK, Stand, stand
from vigil.simulator.smile_id.payloads import MARKERS

CONTROL = "/control/smile_id/verifications"
REFERENCE = "job_01kj0000000000000000000001"
PARTNER, KEY = "2077", "a-key-of-this-test-alone"
USER = "cust-38"
ENDED = 3  # minutes: two to think, one to the verdict
DAY = 24 * 60


class Smile:
    """Orders jobs of the simulator, and asks the third generation as a partner with a token."""

    def __init__(self, it: Stand) -> None:
        self.it = it
        self.token = ""

    async def order(self, **scenario: Any) -> httpx.Response:
        wanted = {
            "generation": "v3",
            "reference": REFERENCE,
            "partner_id": PARTNER,
            "api_key": KEY,
            "user_id": USER,
            "endpoints": [{"url": HOOK}],
            **scenario,
        }
        return await self.it.api.post(CONTROL, json=wanted)

    async def played(self, minutes: float = ENDED, **scenario: Any) -> None:
        answer = await self.order(**scenario)
        assert answer.status_code == 201, answer.text
        await self.it.pass_minutes(minutes)

    async def log_in(self, partner: str = PARTNER, key: str = KEY, **more: Any) -> httpx.Response:
        headers = {"smileid-partner-id": partner, "smileid-api-key": key}
        answer = await self.it.api.post("/smile_id/v3/token", headers={**headers, **more.pop("headers", {})}, **more)
        self.token = answer.json().get("token", "")
        return answer

    async def status(self, reference: str = REFERENCE) -> httpx.Response:
        return await self.it.api.get(f"/smile_id/v3/status/{reference}", headers={"SmileID-Token": self.token})

    async def replay(self, reference: str = REFERENCE, **more: Any) -> httpx.Response:
        headers = {"SmileID-Token": self.token, **more.pop("headers", {})}
        answer = await self.it.api.post(f"/smile_id/v3/replay/{reference}", headers=headers, **more)
        await self.it.pass_minutes(0)
        return answer

    async def view(self) -> Any:
        return (await self.it.api.get(f"{CONTROL}/{REFERENCE}")).json()

    async def send(self, **extra: Any) -> None:
        answer = await self.it.api.post(f"{CONTROL}/{REFERENCE}/events", json=extra)
        assert answer.status_code == 202, answer.text
        await self.it.pass_minutes(0)

    def heard(self) -> list[Any]:
        return [call.json for call in self.it.receiver.calls]

    def words(self) -> list[tuple[str, str]]:
        return [(each["product"], each["status"]) for each in self.heard()]


@asynccontextmanager
async def smile(*codes: int) -> AsyncIterator[Smile]:
    async with stand(codes or (200,)) as it:
        yield Smile(it)


# ---------------------------------------------------------------- tokens


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"partner": "02077"}, 400),
        ({"partner": ""}, 400),
        ({"partner": "2078"}, 401),
        ({"key": "another"}, 401),
        ({"content": b"{}", "headers": {"Content-Type": "application/json"}}, 415),
    ],
)
async def test_a_login_that_is_not_as_documented_is_refused(wrong: dict[str, Any], code: int) -> None:
    async with smile() as it:
        await it.played()

        assert ((await it.log_in(**wrong)).status_code, (await it.view())["logins"]) == (code, 0)


async def test_a_token_lives_for_fifteen_minutes_used_or_not() -> None:
    async with smile() as it:
        await it.played()
        codes = [(await it.status()).status_code]
        await it.log_in()
        for minutes in (0, 14, 1):
            await it.it.pass_minutes(minutes)
            codes.append((await it.status()).status_code)

    assert codes == [401, 200, 200, 401]


async def test_another_partner_is_not_shown_the_job() -> None:
    async with smile() as it:
        await it.played()
        await it.log_in("2041", "simulated-key-of-2041")

        assert ((await it.status()).status_code, (await it.replay()).status_code) == (404, 404)


# ---------------------------------------------------------------- status


async def test_a_job_is_processing_and_then_over_without_a_reason() -> None:
    async with smile() as it:
        await it.played(2, status="block")
        await it.log_in()
        before = await it.status()
        await it.it.pass_minutes(1)
        after = await it.status()

    assert (before.status_code, before.json()["status"]) == (202, "processing")
    assert (after.status_code, after.json()["status"]) == (200, "block")
    assert set(after.json()) == {"status", "job_id", "user_id", "message", "created_at"}
    assert (after.headers["job_id"], after.headers["user_id"]) == (REFERENCE, USER)


@pytest.mark.parametrize("status", ["clear", "block", "attention", "error", "half_clear"])
async def test_the_status_says_the_word_that_the_callback_said(status: str) -> None:
    async with smile() as it:
        await it.played(status=status)
        await it.log_in()

        assert ((await it.status()).json()["status"], it.words()) == (status, [("document_verification", status)])


@pytest.mark.parametrize(
    ("reference", "code", "user"), [("job_01kj0000000000000000000002", 404, "unknown"), ("chk-7f01", 400, None)]
)
async def test_a_job_that_does_not_exist_is_404_and_what_is_no_id_is_400(
    reference: str, code: int, user: str | None
) -> None:
    async with smile() as it:
        await it.played()
        await it.log_in()
        answer = await it.status(reference)

    assert (answer.status_code, answer.json().get("user_id")) == (code, user)


# ---------------------------------------------------------------- callbacks


async def test_a_callback_is_signed_in_its_headers_as_the_vendors_library_signs() -> None:
    async with smile() as it:
        await it.played()
        (call,) = it.it.receiver.calls

    proof = call.headers["response-timestamp"], call.headers["response-signature"]
    assert Signature(PARTNER, KEY).confirm_signature(*proof)
    assert not {"timestamp", "signature", "job_id", "user_id"} & set(call.json)
    assert (call.headers["job-id"], call.headers["user-id"]) == (REFERENCE, USER)


async def test_callbacks_may_not_name_the_job_and_return_the_partners_own_parameters() -> None:
    async with smile() as it:
        await it.played(job_id_header=False)
        await it.played(reference="job_01kj0000000000000000000002", partner_params={"tenant": "north"})
        first, second = it.it.receiver.calls

    assert not {"job-id", "user-id"} & set(first.headers)
    assert first.json["partner_params"] is None
    assert second.json["partner_params"] == {"tenant": "north"}


@pytest.mark.parametrize(
    ("status", "reason", "has_fields", "has_links", "has_receipt"),
    [
        ("clear", None, True, True, True),
        ("attention", "document_expired", True, True, True),
        ("block", "face_verification_failed", False, True, True),
        ("error", "service_unavailable", False, False, False),
    ],
)
async def test_what_a_callback_holds_follows_its_status(
    status: str, reason: str | None, *, has_fields: bool, has_links: bool, has_receipt: bool
) -> None:
    async with smile() as it:
        await it.played(status=status)
        (told,) = it.heard()

    assert told["reason"] == reason
    held = "id_fields" in told, "image_links" in told, told["kyc_receipt"] is not None
    assert held == (has_fields, has_links, has_receipt)


async def test_a_callback_holds_the_person_and_the_status_does_not() -> None:
    async with smile() as it:
        await it.played()
        await it.log_in()
        told, status = it.it.receiver.calls[0].body.decode(), (await it.status()).text

    names = ("full_name", "birth_date", "id_number", "phone")
    assert [name for name in names if MARKERS[name] not in told] == []
    assert [name for name in MARKERS if MARKERS[name] in status] == []


@pytest.mark.parametrize(
    ("options", "heard"),
    [
        ({}, ["clear"]),
        ({"drop_finals": True}, []),
        ({"silent": True}, []),
        ({"monitoring_after": "PT1H"}, ["clear", "attention"]),
        ({"monitoring_after": "PT1H", "drop_finals": True}, ["attention"]),
        ({"status": "half_clear"}, ["half_clear"]),
    ],
)
async def test_the_callbacks_follow_the_options(options: dict[str, Any], heard: list[str]) -> None:
    async with smile() as it:
        await it.played(DAY, **options)

        assert ([word for _, word in it.words()], (await it.view())["finished"]) == (heard, True)


@pytest.mark.parametrize(("changes", "status"), [(False, "clear"), (True, "attention")])
async def test_a_list_that_changes_is_reported_after_the_end(status: str, *, changes: bool) -> None:
    async with smile() as it:
        options = {"monitoring_after": "PT2H", "monitoring_changes_status": changes}
        await it.played(DAY, **options)
        await it.log_in()

        assert (await it.status()).json()["status"] == status

    assert it.words() == [("document_verification", "clear"), ("aml_monitoring_update", "attention")]
    assert [call.at.total_seconds() / 60 for call in it.it.receiver.calls] == [3, 123]


async def test_a_callback_that_is_not_taken_comes_again_three_times() -> None:
    async with smile(500) as it:
        await it.played(DAY)

    assert len(it.heard()) == 4


async def test_a_wrong_secret_signs_with_another_key() -> None:
    async with smile() as it:
        await it.played(wrong_secret=True)
        (call,) = it.it.receiver.calls

    proof = call.headers["response-timestamp"], call.headers["response-signature"]
    assert not Signature(PARTNER, KEY).confirm_signature(*proof)


async def test_one_more_callback_leaves_the_status_alone() -> None:
    async with smile() as it:
        await it.played()
        await it.send(word="block")
        await it.log_in()

        assert ([word for _, word in it.words()], (await it.status()).json()["status"]) == (["clear", "block"], "clear")


# ---------------------------------------------------------------- replays and links


async def test_a_replay_shows_the_same_again_with_fresh_links() -> None:
    async with smile() as it:
        await it.played(dead_links=1)
        await it.log_in()
        answer = await it.replay()
        first, second = it.heard()
        links = [(await it.it.api.get(each["image_links"]["selfie_image"])).status_code for each in (first, second)]

    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    assert {**first, "image_links": 0, "kyc_receipt": 0} == {**second, "image_links": 0, "kyc_receipt": 0}
    assert links == [403, 200]


async def test_a_replay_brings_what_was_lost_unless_that_is_lost_too() -> None:
    async with smile() as it:
        await it.played(drop_finals=True)
        await it.played(reference="job_01kj0000000000000000000002", drop_finals=True, replays_lost=True)
        await it.log_in()
        codes = [(await it.replay()).status_code, (await it.replay("job_01kj0000000000000000000002")).status_code]

    assert (codes, it.words()) == ([202, 202], [("document_verification", "clear")])


async def test_the_links_of_a_callback_are_dead_after_a_quarter_of_an_hour() -> None:
    async with smile() as it:
        await it.played()
        (told,) = it.heard()
        links = [*told["image_links"].values(), told["kyc_receipt"]]
        codes = {(await it.it.api.get(link)).status_code for link in links}
        await it.it.pass_minutes(15)
        later = {(await it.it.api.get(link)).status_code for link in links}

    assert (len(links), codes, later) == (4, {200}, {403})


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        ({}, 202),
        ({"silent": True}, 409),
        ({"endpoints": []}, 400),
    ],
)
async def test_a_replay_is_answered_with_the_code_that_says_why(scenario: dict[str, Any], code: int) -> None:
    async with smile() as it:
        await it.played(**scenario)
        await it.log_in()
        before = len(it.heard())

        assert (await it.replay()).status_code == code
        assert len(it.heard()) - before == int(code == 202)


async def test_a_replay_without_a_token_is_401() -> None:
    async with smile() as it:
        await it.played()

        assert ((await it.replay()).status_code, len(it.heard())) == (401, 1)


async def test_an_id_of_the_third_generation_has_its_form() -> None:
    async with smile() as it:
        made = (await it.order(reference=None)).json()["reference"]
        wrong = await it.order(reference="chk-7f01")

    assert (made[:4], len(made), wrong.status_code) == ("job_", 30, 422)
