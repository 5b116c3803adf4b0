"""Signicat Assure's API and its callbacks as its documents show them."""

import base64
import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.simulator.stand import HOOK, SECRET, Stand, stand
from vigil.simulator.signicat.payloads import MARKERS

API = "/signicat/assure"
CONTROL = "/control/signicat/verifications"
REFERENCE = "d-1:p-1"
PROCESS = f"{API}/dossiers/d-1/processes/p-1"
PROCESSING, ENDED = 2, 5  # minutes: two to think, three to process
HOUR, DAY = 60, 24 * 60
LEGACY = "client.assure.api client.capture.api"


class Assure:
    """Orders processes of the simulator, and asks Assure as a client with a token."""

    def __init__(self, it: Stand) -> None:
        self.it = it
        self._token = ""

    async def log_in(self, client: str = "tracker", secret: str = "open", **form: str) -> httpx.Response:
        return await self._log_in("/oidc/token", client, secret, {"scope": LEGACY, **form})

    async def log_in_to_current(self, **form: str) -> httpx.Response:
        return await self._log_in("/auth/open/connect/token", "tracker", "open", {"scope": "signicat-api", **form})

    async def _log_in(self, path: str, client: str, secret: str, form: dict[str, str]) -> httpx.Response:
        answer = await self.it.api.post(
            f"/signicat{path}", data={"grant_type": "client_credentials", **form}, auth=(client, secret)
        )
        self._token = answer.json().get("access_token", "")
        return answer

    async def ask(self, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        return await self.it.api.request(method, path, headers={"Authorization": f"Bearer {self._token}"}, **more)

    async def asked(self, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        """Ask with a fresh token."""
        await self.log_in()
        return await self.ask(path, method, **more)

    async def order(self, **scenario: Any) -> httpx.Response:
        endpoint = {"url": HOOK, "headers": {"Authorization": SECRET}}
        return await self.it.api.post(CONTROL, json={"reference": REFERENCE, "endpoints": [endpoint], **scenario})

    async def played(self, minutes: float = ENDED, **scenario: Any) -> None:
        answer = await self.order(**scenario)
        assert answer.status_code == 201, answer.text
        await self.it.pass_minutes(minutes)

    async def status(self) -> Any:
        return (await self.asked(PROCESS)).json()["status"]

    async def view(self, reference: str = REFERENCE) -> Any:
        return (await self.it.api.get(f"{CONTROL}/{reference}")).json()

    async def send(self, **extra: Any) -> None:
        answer = await self.it.api.post(f"{CONTROL}/{REFERENCE}/events", json=extra)
        assert answer.status_code == 202, answer.text
        await self.it.pass_minutes(0)

    def heard(self) -> list[Any]:
        return [call.json for call in self.it.receiver.calls]

    def words(self) -> list[str]:
        return [each.get("status") or each["eventData"]["status"] for each in self.heard()]

    def times(self) -> list[float]:
        return [call.at.total_seconds() for call in self.it.receiver.calls]


@asynccontextmanager
async def assure(*codes: int) -> AsyncIterator[Assure]:
    async with stand(codes or (200,)) as it:
        yield Assure(it)


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


# ---------------------------------------------------------------- tokens


async def test_either_generation_hands_out_a_bearer_token_of_ten_minutes() -> None:
    async with assure() as it:
        legacy = await it.log_in()
        current = await it.log_in_to_current()

    for answer in (legacy, current):
        assert answer.status_code == 200
        assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 600)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"secret": "refused"}, "invalid_client"),
        ({"client": ""}, "invalid_client"),
        ({"scope": "signicat-api"}, "invalid_scope"),
        ({"scope": "client.capture.api"}, "invalid_scope"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_a_login_that_is_not_as_agreed_is_401(wrong: dict[str, str], error: str) -> None:
    async with assure() as it:
        answer = await it.log_in(**wrong)

    assert (answer.status_code, answer.json()) == (401, {"error": error})


async def test_the_current_generation_does_not_know_the_scope_of_the_older_one() -> None:
    async with assure() as it:
        assert (await it.log_in_to_current(scope=LEGACY)).status_code == 401


async def test_a_login_without_basic_authentication_is_401() -> None:
    async with assure() as it:
        form = {"grant_type": "client_credentials", "scope": LEGACY}
        bare = await it.it.api.post("/signicat/oidc/token", data=form)
        encoded = base64.b64encode(b"no colon").decode()
        odd = await it.it.api.post("/signicat/oidc/token", data=form, headers={"Authorization": f"Basic {encoded}"})

    assert [bare.status_code, odd.status_code] == [401, 401]


async def test_a_token_dies_after_ten_minutes_although_it_is_used() -> None:
    async with assure() as it:
        await it.order()
        await it.log_in()
        codes = []
        for minutes in (6, 3.9, 0.1):
            await it.it.pass_minutes(minutes)
            codes.append((await it.ask(PROCESS)).status_code)

    assert codes == [200, 200, 401]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{API}/dossiers"),
        ("GET", f"{API}/dossiers/d-1"),
        ("POST", f"{API}/dossiers/d-1/processes"),
        ("POST", f"{API}/dossiers/d-1/capture"),
        ("GET", PROCESS),
        ("POST", PROCESS),
        ("GET", f"{PROCESS}/images?depiction=front"),
        ("GET", f"{PROCESS}/video"),
        ("GET", f"{PROCESS}/raw"),
        ("GET", f"{PROCESS}/download"),
        ("GET", f"{API}/processes?startCreationDate=2020-01-01"),
    ],
)
async def test_every_call_without_a_living_token_is_401_and_a_problem(method: str, path: str) -> None:
    async with assure() as it:
        await it.played()
        answer = await it.ask(path, method)

    told = answer.json()
    assert answer.status_code == 401
    assert set(told) == {"instance", "method", "status", "type", "title", "detail", "traceId"}
    assert (told["method"], told["status"], told["type"]) == (method, 401, "base:client-problem")


async def test_a_client_is_shown_its_own_processes_only() -> None:
    async with assure() as it:
        await it.played(client="another")
        since = stamp(datetime.now(UTC) - timedelta(hours=1))
        paths = [PROCESS, f"{PROCESS}/download", f"{API}/dossiers/d-1"]
        stranger = [(await it.asked(path)).status_code for path in paths]
        listed = (await it.ask(f"{API}/processes?startCreationDate={since}")).json()["totalResults"]
        await it.log_in(client="another")
        owner = [(await it.ask(path)).status_code for path in paths]

    assert (stranger, listed, owner) == ([404, 404, 404], 0, [200, 200, 200])


# ---------------------------------------------------------------- one process


async def test_a_process_is_pending_then_processing_then_final() -> None:
    async with assure() as it:
        await it.order()
        words = []
        for minutes in (0, PROCESSING, ENDED - PROCESSING):
            await it.it.pass_minutes(minutes)
            words.append(await it.status())

    assert words == ["pending", "processing", "accepted"]


async def test_a_process_that_runs_shows_nothing_but_how_it_stands() -> None:
    async with assure() as it:
        await it.played(PROCESSING, provider="paper")
        told = (await it.asked(PROCESS)).json()

    assert set(told) == {"processId", "provider", "status", "notificationUrl", "createdAt", "updatedAt"}
    assert (told["processId"], told["notificationUrl"]) == ("p-1", HOOK)
    assert datetime.strptime(told["updatedAt"], "%Y-%m-%dT%H:%M:%S%z") - datetime.strptime(
        told["createdAt"], "%Y-%m-%dT%H:%M:%S%z"
    ) in (timedelta(minutes=2), timedelta(minutes=2, seconds=1))


async def test_an_accepted_process_holds_the_invented_person_and_no_callback_does() -> None:
    async with assure() as it:
        await it.played()
        told = await it.asked(PROCESS)

    assert [word for word in MARKERS.values() if word not in told.text] == []
    assert told.json()["finalResult"]["firstName"] == MARKERS["first_name"]
    assert (told.json()["processType"], told.json()["depictions"]) == ("documentSelfie", ["front", "selfie"])
    said = b"".join(call.body for call in it.it.receiver.calls).decode()
    assert [word for word in MARKERS.values() if word in said] == []


@pytest.mark.parametrize(
    ("provider", "outcome", "has_result"),
    [
        ("onfido", "accepted", True),
        ("onfido", "rejected", False),
        ("signicatpaper", "rejected", True),
        ("signicatvideoid", "accepted", False),
        ("readid", "inconclusive", False),
    ],
)
async def test_who_has_a_final_result_is_as_in_the_examples(provider: str, outcome: str, *, has_result: bool) -> None:
    async with assure() as it:
        await it.played(provider=provider, outcome=outcome)
        told = (await it.asked(PROCESS)).json()

    assert told["status"] == outcome
    assert ("finalResult" in told) == has_result
    assert MARKERS["first_name"] in str(told["providerSpecific"])


async def test_an_agent_says_why_a_video_was_rejected() -> None:
    async with assure() as it:
        await it.played(provider="signicatvideoid", outcome="rejected")
        told = (await it.asked(PROCESS)).json()

    assert told["processType"] == "high"
    assert told["providerSpecific"]["manualApproval"]["rejectionReasons"] == ["documentNotValid"]


async def test_a_failed_process_shows_its_reason_and_no_person() -> None:
    async with assure() as it:
        await it.played(outcome="failed")
        told = await it.asked(PROCESS)

    assert told.json()["failReason"] == {"type": "system_requirements", "message": "camera not available"}
    assert (told.json()["depictions"], "providerSpecific" in told.json()) == ([], False)
    assert [word for word in MARKERS.values() if word in told.text] == []


async def test_a_silent_process_stays_pending_and_calls_nobody() -> None:
    async with assure() as it:
        await it.played(20 * DAY, outcome="silent")

        assert (await it.status(), it.heard()) == ("pending", [])


# ---------------------------------------------------------------- what a client does


async def test_a_process_that_a_client_of_the_older_generation_creates_calls_back_with_the_header_it_gave() -> None:
    async with assure() as it:
        opened = (await it.asked(f"{API}/dossiers", "POST", json={"externalReference": "order-7"})).json()
        wanted = {"provider": "readid", "notificationUrl": HOOK, "authorizationHeader": "Bearer mine"}
        created = await it.ask(f"{API}/dossiers/{opened['dossierId']}/processes", "POST", json=wanted)
        await it.it.pass_minutes(ENDED)

    assert (created.status_code, created.json()["status"]) == (201, "pending")
    assert created.json()["authorization"]
    assert it.heard() == [
        {"dossierId": opened["dossierId"], "processId": created.json()["processId"], "status": "accepted"}
    ]
    assert it.it.receiver.calls[0].headers["authorization"] == "Bearer mine"


async def test_a_dossier_can_be_opened_without_a_body_and_lists_its_processes() -> None:
    async with assure() as it:
        opened = await it.asked(f"{API}/dossiers", "POST")
        dossier = opened.json()["dossierId"]
        for provider in ("onfido", "facetec"):
            await it.ask(f"{API}/dossiers/{dossier}/processes", "POST", json={"provider": provider})
        rows = (await it.ask(f"{API}/dossiers/{dossier}")).json()["processes"]

    assert (opened.status_code, "externalReference" in opened.json()) == (201, False)
    assert [(row["provider"], row.get("processType"), row["status"]) for row in rows] == [
        ("onfido", "documentSelfie", "pending"),
        ("facetec", None, "pending"),
    ]


async def test_a_capture_shows_an_address_only_and_its_process_appears_later() -> None:
    async with assure() as it:
        dossier = (await it.asked(f"{API}/dossiers", "POST", json={})).json()["dossierId"]
        wanted = {"providers": [{"provider": "onfido"}], "notificationUrl": HOOK}
        started = await it.ask(f"{API}/dossiers/{dossier}/capture", "POST", json=wanted)
        before = (await it.ask(f"{API}/dossiers/{dossier}")).json()["processes"]
        await it.it.pass_minutes(0.5)
        (row,) = (await it.ask(f"{API}/dossiers/{dossier}")).json()["processes"]
        await it.it.pass_minutes(ENDED)

    assert (started.status_code, set(started.json()), before) == (201, {"url"}, [])
    assert [each["processId"] for each in it.heard()] == [row["processId"]]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("processes", {}, "provider"),
        ("processes", {"provider": "ONFIDO!"}, "provider"),
        ("processes", {"provider": "onfido", "notificationUrl": "tracker.test"}, "notificationUrl"),
        ("capture", {"providers": []}, "providers"),
    ],
)
async def test_a_creation_that_assure_would_not_understand_is_400(path: str, body: Any, field: str) -> None:
    async with assure() as it:
        await it.order()
        answer = await it.asked(f"{API}/dossiers/d-1/{path}", "POST", json=body)

    assert (answer.status_code, answer.json()["detail"].partition(":")[0]) == (400, field)


@pytest.mark.parametrize(("provider", "code"), [("onfido", 200), ("readid", 204), ("webid", 204)])
async def test_a_start_submits_the_process_at_once(provider: str, code: int) -> None:
    async with assure() as it:
        await it.played(1, provider=provider)
        started = await it.asked(PROCESS, "POST")
        after = await it.status()
        again = await it.asked(PROCESS, "POST")
        await it.it.pass_minutes(DAY)

    assert (started.status_code, started.content == b"", after, again.status_code) == (
        code,
        code == 204,
        "processing",
        400,
    )
    assert it.times() == [240]


async def test_a_process_that_does_not_exist_is_404() -> None:
    async with assure() as it:
        await it.order(hosted_capture="PT1M")
        codes = [
            (await it.asked(path)).status_code
            for path in (PROCESS, f"{API}/dossiers/d-1/processes/p-2", f"{API}/dossiers/d-2")
        ]
        await it.it.pass_minutes(1)

        assert (codes, await it.status()) == ([404, 404, 404], "pending")


# ---------------------------------------------------------------- the list


async def listed(it: Assure, **query: Any) -> Any:
    since = stamp(datetime.now(UTC) - timedelta(hours=1))
    return (await it.asked(f"{API}/processes", params={"startCreationDate": since, **query})).json()


async def test_the_list_is_newest_first_and_comes_in_pages() -> None:
    async with assure() as it:
        for number in (1, 2, 3):
            await it.order(reference=f"d-{number}:p-{number}")
        newest = await listed(it, limit=2)
        rest = await listed(it, limit=2, offset=2)

    assert [row["processId"] for row in newest["processes"]] == ["p-3", "p-2"]
    assert [row["processId"] for row in rest["processes"]] == ["p-1"]
    assert [page["totalResults"] for page in (newest, rest)] == [3, 3]


async def test_the_list_is_filtered_by_creation() -> None:
    async with assure() as it:
        await it.order(reference="d-1:p-1")
        await it.it.pass_minutes(ENDED)
        await it.order(reference="d-2:p-2")
        future = stamp(datetime.now(UTC) + timedelta(hours=1))
        past = stamp(datetime.now(UTC) - timedelta(minutes=30))
        counts = [
            (await listed(it, **query))["totalResults"]
            for query in (
                {"startCreationDate": future},
                {"endCreationDate": past},
                {"endCreationDate": future},
            )
        ]

    assert counts == [0, 0, 2]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"startCreationDate": ""}, "startCreationDate"),
        ({"startCreationDate": "2026-01-01", "limit": "0"}, "limit"),
        ({"startCreationDate": "2026-01-01", "limit": "2001"}, "limit"),
        ({"startCreationDate": "2026-01-01", "offset": "200001"}, "offset"),
        ({"limit": "1"}, "startCreationDate"),
    ],
)
async def test_a_question_that_the_list_does_not_answer_is_400(query: dict[str, str], field: str) -> None:
    async with assure() as it:
        answer = await it.asked(f"{API}/processes", params=query)

    assert (answer.status_code, answer.json()["detail"].partition(":")[0]) == (400, field)


async def test_the_list_forgets_a_process_after_thirty_days_and_its_own_address_does_not() -> None:
    async with assure() as it:
        await it.played(30 * DAY)
        last = (await listed(it))["totalResults"]
        await it.it.pass_minutes(1)

        assert (last, (await listed(it))["totalResults"], await it.status()) == (1, 0, "accepted")


async def test_the_list_names_the_dossier_and_its_reference() -> None:
    async with assure() as it:
        await it.order(external_reference="order-7")
        (row,) = (await listed(it))["processes"]

    assert row["dossier"] == {"dossierId": "d-1", "externalReference": "order-7"}


async def test_readid_has_no_id_of_its_own_for_a_process_before_its_end() -> None:
    async with assure() as it:
        await it.order(provider="readid")
        before = (await listed(it))["processes"][0]["externalId"]
        await it.it.pass_minutes(ENDED)

        assert (before, (await listed(it))["processes"][0]["externalId"]) == ("p-1", "ext-p-1")


# ---------------------------------------------------------------- files

MAGIC = {"front": b"\xff\xd8\xff", "selfie": b"\xff\xd8\xff", "portrait": b"\x89PNG"}


async def test_an_image_is_jpeg_or_png_and_is_not_called_so() -> None:
    async with assure() as it:
        await it.played(provider="signicatvideoid")
        got = {name: await it.asked(f"{PROCESS}/images?depiction={name}") for name in MAGIC}
        view = await it.view()

    assert {name: answer.content[: len(MAGIC[name])] for name, answer in got.items()} == MAGIC
    assert {answer.headers["content-type"] for answer in got.values()} == {"application/octet-stream"}
    assert got["front"].content != got["selfie"].content
    assert view["downloads"] == {"image/front": 1, "image/selfie": 1, "image/portrait": 1}


@pytest.mark.parametrize(
    ("minutes", "scenario", "depiction", "code"),
    [
        (ENDED, {}, "front", 200),
        (ENDED, {}, "back", 404),
        (ENDED, {}, "portrait", 400),
        (ENDED, {}, "ear", 400),
        (ENDED, {"provider": "readid"}, "front", 400),
        (ENDED, {"provider": "readid"}, "portrait", 200),
        (PROCESSING, {}, "front", 409),
        (ENDED, {"redacted_images": ["front"]}, "front", 403),
        (ENDED, {"redacted_images": ["front"]}, "selfie", 200),
    ],
)
async def test_an_image_is_answered_with_the_code_that_says_why(
    minutes: float, scenario: dict[str, Any], depiction: str, code: int
) -> None:
    async with assure() as it:
        await it.played(minutes, **scenario)

        assert (await it.asked(f"{PROCESS}/images?depiction={depiction}")).status_code == code


@pytest.mark.parametrize(
    ("minutes", "scenario", "name", "code"),
    [
        (ENDED, {"provider": "eid"}, "video", 200),
        (ENDED, {"provider": "onfido"}, "video", 404),
        (ENDED, {"provider": "onfido", "process_type": "documentVideo"}, "video", 200),
        (ENDED, {"provider": "readid"}, "video", 400),
        (ENDED, {"provider": "readid"}, "raw", 200),
        (PROCESSING, {"provider": "readid"}, "raw", 204),
        (ENDED, {"provider": "onfido"}, "raw", 404),
        (ENDED, {}, "download", 200),
        (ENDED, {"outcome": "rejected"}, "download", 200),
        (ENDED, {"outcome": "inconclusive"}, "download", 200),
        (ENDED, {"outcome": "canceled"}, "download", 404),
        (ENDED, {"outcome": "failed"}, "download", 404),
        (PROCESSING, {}, "download", 204),
        (ENDED, {"provider": "webid", "zip_lags": "PT1M"}, "download", 204),
        (ENDED + 1, {"provider": "webid", "zip_lags": "PT1M"}, "download", 200),
    ],
)
async def test_a_file_is_answered_with_the_code_that_says_why(
    minutes: float, scenario: dict[str, Any], name: str, code: int
) -> None:
    async with assure() as it:
        await it.played(minutes, **scenario)
        answer = await it.asked(f"{PROCESS}/{name}")

    assert (answer.status_code, answer.content == b"") == (code, code == 204)


async def test_the_zip_holds_the_result_and_every_file_that_was_not_redacted() -> None:
    async with assure() as it:
        await it.played(provider="eid", redacted_images=["front"])
        answer = await it.asked(f"{PROCESS}/download")
        video = (await it.ask(f"{PROCESS}/video")).content

    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as opened:
        assert opened.namelist() == ["process.json", "back.jpg", "selfie.jpg", "portrait.png", "video.mp4"]
        assert opened.read("video.mp4") == video
    assert video[4:8] == b"ftyp"


# ---------------------------------------------------------------- callbacks


@pytest.mark.parametrize("outcome", ["accepted", "rejected", "inconclusive", "canceled", "failed"])
async def test_the_older_generation_reports_three_words_once_at_the_end(outcome: str) -> None:
    async with assure() as it:
        await it.played(DAY, outcome=outcome)

    assert it.heard() == [{"dossierId": "d-1", "processId": "p-1", "status": outcome}]
    assert it.times() == [300]
    assert it.it.receiver.calls[0].headers["authorization"] == SECRET


async def test_the_current_generation_sends_an_event_with_an_id() -> None:
    async with assure() as it:
        await it.played(DAY, generation="events", external_reference="order-7")
        (told,) = it.heard()

    assert set(told) == {
        *("id", "timestamp", "sender", "eventName", "eventData"),
        *("accountId", "organizationId", "expiresAt", "tags"),
    }
    assert told["eventName"] == "process.complete"
    assert told["eventData"] == {
        "dossierId": "d-1",
        "processId": "p-1",
        "status": "accepted",
        "externalReference": "order-7",
    }
    assert len(told["timestamp"].partition(".")[2]) == len("1234567Z")


async def test_the_copies_of_an_event_have_one_id_and_another_event_has_its_own() -> None:
    async with assure() as it:
        await it.played(generation="events", duplicate_final=2)
        await it.send(status="accepted")
        ids = [told["id"] for told in it.heard()]

    assert len(ids) == 4
    assert (len(set(ids[:3])), len(set(ids))) == (1, 2)


async def test_one_process_can_be_reported_in_both_ways_at_once() -> None:
    async with assure() as it:
        both = [{"url": f"{HOOK}/{way}", "generation": way} for way in ("legacy", "events")]
        await it.played(DAY, endpoints=both)

    told = {call.path: set(call.json) & {"status", "eventName"} for call in it.it.receiver.calls}
    assert told == {"/hook/legacy": {"status"}, "/hook/events": {"eventName"}}


async def test_an_unknown_status_is_announced_as_an_end() -> None:
    async with assure() as it:
        await it.played(DAY, unknown_status="not_matched")

        assert (it.words(), await it.status()) == (["not_matched"], "not_matched")


async def test_one_more_callback_leaves_the_result_alone() -> None:
    async with assure() as it:
        await it.played()
        await it.send(status="rejected")

        assert (it.words(), await it.status()) == (["accepted", "rejected"], "accepted")


# ---------------------------------------------------------------- redelivery, after a final at 5 minutes


MINUTES_15 = [10 * number for number in range(15)]


@pytest.mark.parametrize(
    ("scenario", "code", "after_minutes"),
    [
        ({"provider": "onfido"}, 503, [0, 0.5, 2, 15, 120, 600]),
        ({"provider": "onfido"}, 201, [0, 0.5, 2, 15, 120, 600]),
        ({"provider": "eid"}, 503, MINUTES_15),
        ({"provider": "signicatvideoid"}, 204, MINUTES_15),
        ({"provider": "readid"}, 429, [60 * number for number in range(25)]),
        ({"provider": "readid"}, 204, [0]),
        ({"provider": "readid"}, 400, [0]),
        ({"provider": "readid"}, 500, [60 * number for number in range(25)]),
        ({"provider": "readid", "held_is_resent": False}, 500, [0]),
        ({"provider": "readid", "held_is_resent": False}, 429, [60 * number for number in range(25)]),
        ({"provider": "paper"}, 503, [0]),
        ({"provider": "signicatpaper"}, 503, [0]),
        ({"provider": "connect:idmethod"}, 503, [0]),
        ({"provider": "webid"}, 503, [0]),
        ({"provider": "onfido", "generation": "events"}, 503, [0]),
    ],
)
async def test_an_answer_brings_it_back_as_its_sub_provider_does(
    scenario: dict[str, Any], code: int, after_minutes: list[float]
) -> None:
    async with assure(code) as it:
        await it.played(2 * DAY, **scenario)

    assert [at / 60 - 5 for at in it.times()] == after_minutes


async def test_a_500_of_a_proxy_holds_back_what_readid_has_to_send_to_that_endpoint_alone() -> None:
    async with assure() as it:
        broken = {"url": f"{HOOK}/broken", "held_with": "a-broken-proxy"}
        await it.order(provider="readid", endpoints=[broken], answered_attempts={"1": 500})
        later = {"provider": "readid", "think": "PT3M"}
        await it.order(reference="d-2:p-2", endpoints=[broken], **later)
        await it.order(reference="d-3:p-3", **later)
        await it.it.pass_minutes(DAY)

    told = [(call.json["processId"], call.at.total_seconds() / 60) for call in it.it.receiver.calls]
    assert (told[0], sorted(told[1:])) == (("p-3", 6), [("p-1", 65), ("p-2", 65)])


# ---------------------------------------------------------------- orders


async def test_an_order_is_answered_with_both_ids_its_dossier_and_its_script() -> None:
    async with assure() as it:
        answer = (await it.order(hosted_capture="PT1M")).json()

    assert (answer["reference"], answer["coordinates"]) == ("d-1:p-1", {"dossier_id": "d-1"})
    assert [(each["at"], each["what"], each["callback"]) for each in answer["script"]] == [
        ("PT1M", "created", False),
        ("PT3M", "processing", False),
        ("PT6M", "final accepted", True),
    ]


async def test_a_dossier_can_have_several_processes_and_no_process_is_played_twice() -> None:
    async with assure() as it:
        codes = [(await it.order(reference=ids)).status_code for ids in ("d-1:p-1", "d-1:p-2", "d-1:p-1")]
        rows = (await it.asked(f"{API}/dossiers/d-1")).json()["processes"]

    assert (codes, [row["processId"] for row in rows]) == ([201, 201, 409], ["p-1", "p-2"])
