"""Smile ID's third generation as its documents show it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from smile_id_core import Signature  # type: ignore[import-untyped]

from tests.simulator.stand import HOOK, Stand, stand
from vigil.simulator.smile_id import CANARIES

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


async def test_an_older_document_has_one_word_for_every_end() -> None:
    async with smile() as it:
        await it.played(says_complete=True)
        await it.log_in()

        assert ((await it.status()).json()["status"], it.words()[0][1]) == ("complete", "clear")


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


async def test_a_job_can_appear_later_than_it_was_created() -> None:
    async with smile() as it:
        await it.played(0, appears_after="PT1M")
        await it.log_in()
        codes = [(await it.status()).status_code]
        await it.it.pass_minutes(1)
        codes.append((await it.status()).status_code)

    assert codes == [404, 202]


async def test_an_outage_is_503_and_counted_as_a_read() -> None:
    async with smile() as it:
        await it.played(outages=[{"lasts": 600}])
        await it.log_in()

        assert ((await it.status()).status_code, (await it.view())["reads"]) == (503, 1)


async def test_the_status_can_lag_behind_the_callback() -> None:
    async with smile() as it:
        await it.played(lagging_report=300)
        await it.log_in()
        words = [(await it.status()).json()["status"]]
        await it.it.pass_minutes(5)
        words.append((await it.status()).json()["status"])

    assert (it.words(), words) == ([("document_verification", "clear")], ["processing", "clear"])


# ---------------------------------------------------------------- callbacks


async def test_a_callback_is_signed_in_its_headers_as_the_vendors_library_signs() -> None:
    async with smile() as it:
        await it.played()
        (call,) = it.it.receiver.calls

    proof = call.headers["response-timestamp"], call.headers["response-signature"]
    assert Signature(PARTNER, KEY).confirm_signature(*proof)
    assert not {"timestamp", "signature", "job_id", "user_id"} & set(call.json)
    assert (call.headers["job-id"], call.headers["user-id"]) == (REFERENCE, USER)


async def test_the_job_can_be_named_nowhere_and_in_the_partners_own_parameters() -> None:
    async with smile() as it:
        await it.played(job_id_header=False)
        await it.played(reference="job_01kj0000000000000000000002", tells_ids=True, partner_params={"tenant": "north"})
        first, second = it.it.receiver.calls

    assert not {"job-id", "user-id"} & set(first.headers)
    assert first.json["partner_params"] is None
    assert second.json["partner_params"] == {"job_id": second.headers["job-id"], "user_id": USER, "tenant": "north"}


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
    assert [name for name in names if CANARIES[name] not in told] == []
    assert [name for name in CANARIES if CANARIES[name] in status] == []


@pytest.mark.parametrize(
    ("knob", "heard"),
    [
        ({}, ["clear"]),
        ({"drop_finals": True}, []),
        ({"drop_indices": [0]}, []),
        ({"silent": True}, []),
        ({"duplicate_final": 1}, ["clear", "clear"]),
        ({"monitoring_after": "PT1H"}, ["clear", "attention"]),
        ({"monitoring_after": "PT1H", "drop_finals": True}, ["attention"]),
        ({"monitoring_after": "PT1H", "drop_indices": [1]}, ["clear"]),
        ({"status": "half_clear"}, ["half_clear"]),
    ],
)
async def test_what_is_heard_follows_the_knob(knob: dict[str, Any], heard: list[str]) -> None:
    async with smile() as it:
        await it.played(DAY, **knob)

        assert ([word for _, word in it.words()], (await it.view())["finished"]) == (heard, True)


@pytest.mark.parametrize(("changes", "status"), [(False, "clear"), (True, "block")])
async def test_a_list_that_changes_is_told_after_the_end(status: str, *, changes: bool) -> None:
    async with smile() as it:
        knobs = {"monitoring_after": "PT2H", "monitoring_status": "block", "monitoring_changes_status": changes}
        await it.played(DAY, product="aml_monitoring", **knobs)
        await it.log_in()

        assert (await it.status()).json()["status"] == status

    assert it.words() == [("aml_monitoring", "clear"), ("aml_monitoring_update", "block")]
    assert [call.at.total_seconds() / 60 for call in it.it.receiver.calls] == [3, 123]


async def test_a_callback_that_is_not_taken_comes_again_three_times() -> None:
    async with smile(500) as it:
        await it.played(DAY)

    assert len(it.heard()) == 4


async def test_a_stray_callback_is_signed_with_a_wrong_key_where_that_is_asked_for() -> None:
    async with smile() as it:
        await it.played()
        await it.send(status="block", wrong_secret=True)
        await it.send(status="block", changes_result=True)
        await it.log_in()
        status = (await it.status()).json()["status"]
        proofs = [
            Signature(PARTNER, KEY).confirm_signature(
                call.headers["response-timestamp"], call.headers["response-signature"]
            )
            for call in it.it.receiver.calls
        ]

    assert (proofs, status) == ([True, False, True], "block")


async def test_a_stray_callback_can_be_about_a_watched_list() -> None:
    async with smile() as it:
        await it.played()
        await it.send(status="block", product="aml_monitoring_update")

    assert it.words() == [("document_verification", "clear"), ("aml_monitoring_update", "block")]


# ---------------------------------------------------------------- replays and links


async def test_a_replay_tells_the_same_again_with_fresh_links() -> None:
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
    ("scenario", "request_", "code"),
    [
        ({}, {}, 202),
        ({}, {"files": {"callback_url": (None, "https://tracker.test/other")}}, 202),
        ({}, {"files": {"callback_url": (None, "http://tracker.test/other")}}, 403),
        ({}, {"files": {"callback_url": (None, "https://elsewhere.test/hook")}}, 403),
        ({}, {"json": {"callback_url": "https://tracker.test/other"}}, 415),
        ({"replays_allowed": False}, {}, 403),
        ({"silent": True}, {}, 409),
        ({"appears_after": "P1D", "silent": True}, {}, 404),
        ({"endpoints": []}, {}, 400),
    ],
)
async def test_a_replay_is_answered_with_the_code_that_says_why(
    scenario: dict[str, Any], request_: dict[str, Any], code: int
) -> None:
    async with smile() as it:
        await it.played(**scenario)
        await it.log_in()
        before = len(it.heard())

        assert (await it.replay(**request_)).status_code == code
        assert len(it.heard()) - before == int(code == 202)


async def test_a_replay_can_go_to_another_address_of_the_same_host() -> None:
    async with smile() as it:
        await it.played()
        await it.log_in()
        await it.replay(files={"callback_url": (None, "https://tracker.test/other")})

    assert [call.path for call in it.it.receiver.calls] == ["/hook", "/other"]


async def test_a_replay_without_a_token_is_401() -> None:
    async with smile() as it:
        await it.played()

        assert ((await it.replay()).status_code, len(it.heard())) == (401, 1)


async def test_an_id_of_the_third_generation_has_its_form() -> None:
    async with smile() as it:
        made = (await it.order(reference=None)).json()["reference"]
        wrong = await it.order(reference="chk-7f01")

    assert (made[:4], len(made), wrong.status_code) == ("job_", 30, 422)
