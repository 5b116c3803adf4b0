"""Identomat's API and its callbacks, as far as they are known."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.simulator.stand import HOOK, Stand, stand
from vigil.simulator.app import create_app
from vigil.simulator.identomat.payloads import MARKERS, MESSAGE_TEXTS
from vigil.simulator.serving import serving

API = "/identomat/external-api"
CONTROL = "/control/identomat/verifications"
SESSION = "q7h2m0zx4t9k1vb8n5c3j6w0e2r4y8u1i3o5p7as"
KEY = "cbk-agreed"
VERDICT = 3  # minutes: two to think, one until all is submitted
ROOM = {"room": "room-1", "at": "PT1M", "recording_after": "PT1M"}


class Widget:
    """Orders sessions of the simulator, and asks Identomat as a server with a company key."""

    def __init__(self, it: Stand) -> None:
        self.it = it

    async def order(self, **scenario: Any) -> httpx.Response:
        endpoint = {"url": HOOK, "callback_api_key": KEY}
        return await self.it.api.post(CONTROL, json={"reference": SESSION, "endpoints": [endpoint], **scenario})

    async def played(self, minutes: float = VERDICT, **scenario: Any) -> None:
        answer = await self.order(**scenario)
        assert answer.status_code == 201, answer.text
        await self.it.pass_minutes(minutes)

    async def ask(self, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        asked = {"company_key": "CK-1", "session_token": SESSION, **more}
        return await self.it.api.post(f"{API}/{path}", json=asked, headers=headers)

    async def result(self) -> Any:
        return (await self.ask("result/")).json()

    async def recording(self, file: str = "vf-room-1", headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.ask("get-video-call-videos/", headers, fileId=file)

    async def view(self) -> Any:
        return (await self.it.api.get(f"{CONTROL}/{SESSION}")).json()

    def heard(self) -> list[Any]:
        return [call.json for call in self.it.receiver.calls]

    def words(self) -> list[str]:
        return [each["result"] for each in self.heard()]


@asynccontextmanager
async def widget(*codes: int) -> AsyncIterator[Widget]:
    async with stand(codes or (200,)) as it:
        yield Widget(it)


# ---------------------------------------------------------------- sessions


@pytest.mark.parametrize("what", [{"config_id": "65f0c1d2e3a4b5c6d7e8f901"}, {"flags": {}, "steps": []}])
async def test_a_session_is_begun_with_a_bare_string_of_forty_characters(what: dict[str, Any]) -> None:
    async with widget() as it:
        token = (await it.ask("begin/", **what)).json()
        result = (await it.ask("result/", session_token=token)).json()

    assert len(token) == 40
    assert token.isalnum()
    assert token == token.lower()
    assert result["result"] == "in_progress"


@pytest.mark.parametrize(
    "wrong", [{"company_key": "refused"}, {"company_key": ""}, {"session_token": ""}, {"session_token": 7}]
)
async def test_wrong_arguments_are_answered_in_an_object_under_200(wrong: dict[str, Any]) -> None:
    async with widget() as it:
        await it.played()
        answers = [await it.ask(path, **wrong) for path in ("result/", "result/card-front/")]

    assert [(answer.status_code, list(answer.json())) for answer in answers] == [(200, ["argumentError"])] * 2


async def test_a_session_of_nobody_or_of_another_company_is_a_bare_string() -> None:
    async with widget() as it:
        await it.played(company_key="CK-2")
        answers = [await it.ask("result/", session_token="nobody"), await it.ask("result/")]

    assert [answer.json() for answer in answers] == ["SESSION_NOT_FOUND"] * 2


async def test_parameters_may_come_as_a_form_or_in_the_query() -> None:
    asked = {"company_key": "CK-1", "session_token": SESSION}
    async with widget() as it:
        await it.played()
        by_form = await it.it.api.post(f"{API}/result/", data=asked)
        by_query = await it.it.api.get(f"{API}/result/", params=asked)

    assert by_form.json()["result"] == by_query.json()["result"] == "approved"


# ---------------------------------------------------------------- statuses


async def test_a_callback_shouts_what_the_result_says_in_lower_case() -> None:
    async with widget() as it:
        await it.played()
        result = await it.result()

    assert it.heard() == [{"callbackApiKey": KEY, "type": "session-change", "sessionId": SESSION, "result": "APPROVED"}]
    assert result["result"] == "approved"


@pytest.mark.parametrize(
    ("options", "heard"),
    [
        ({"outcome": "rejected"}, ["REJECTED"]),
        ({"manual_check": True}, ["MANUAL_CHECK", "APPROVED"]),
        ({"outcome": "expired"}, []),
        ({"outcome": "silent"}, []),
        ({"unknown_status": "half_approved"}, ["HALF_APPROVED"]),
        ({"manual_check": True, "drop_finals": True}, ["MANUAL_CHECK"]),
    ],
)
async def test_the_callbacks_follow_the_options(options: dict[str, Any], heard: list[str]) -> None:
    async with widget() as it:
        await it.played(24 * 60, **options)
        finished = (await it.view())["finished"]

    assert it.words() == heard
    assert finished


async def test_an_approval_is_reopened_and_only_the_four_words_are_reported() -> None:
    changes = [
        {"at": "PT10M", "result": "additional_information_requested"},
        {"at": "PT20M", "result": "in_progress"},
        {"at": "PT30M", "result": "rejected"},
    ]
    said = []
    async with widget() as it:
        await it.played(0, changes=changes)
        for _ in range(4):
            await it.it.pass_minutes(9)
            said.append((await it.result())["result"])
        person = (await it.result())["person"]

    assert said == ["approved", "additional_information_requested", "in_progress", "rejected"]
    assert it.words() == ["APPROVED", "ADDITIONAL_INFORMATION_REQUESTED", "REJECTED"]
    assert person["first_name"] == MARKERS["first_name"]


async def test_a_callback_is_never_sent_again() -> None:
    async with widget(500) as it:
        await it.played(24 * 60)

    assert it.words() == ["APPROVED"]


async def test_a_wrong_key_stands_in_the_body() -> None:
    async with widget() as it:
        await it.played(wrong_secret=True)

    assert [each["callbackApiKey"] != KEY for each in it.heard()] == [True]


@pytest.mark.parametrize(("kind", "told"), [(None, None), ("KYB", "KYB")])
async def test_only_the_session_of_a_business_shows_its_type(kind: str | None, told: str | None) -> None:
    async with widget() as it:
        await it.played(session_type=kind)

    assert [each.get("sessionType") for each in it.heard()] == [told]


async def test_a_session_that_the_applicant_does_not_finish_expires() -> None:
    async with widget() as it:
        await it.played(16, outcome="expired")

        assert (await it.result())["result"] == "expired"


async def test_one_more_callback_leaves_the_result_alone() -> None:
    async with widget() as it:
        await it.played()
        await it.it.api.post(f"{CONTROL}/{SESSION}/events", json={"result": "REJECTED"})
        await it.it.pass_minutes(0)

        assert (it.words(), (await it.result())["result"]) == (["APPROVED", "REJECTED"], "approved")


# ---------------------------------------------------------------- results and pictures


async def test_every_result_of_somebody_holds_the_whole_person() -> None:
    async with widget() as it:
        await it.played()
        text = (await it.ask("result/")).text

    assert [name for name, value in MARKERS.items() if value not in text] == []


async def test_before_the_submission_a_result_knows_nobody() -> None:
    async with widget() as it:
        await it.played(1)
        answer = await it.ask("result/")

    assert [name for name, value in MARKERS.items() if value in answer.text] == []
    assert answer.json()["person"] == {}


@pytest.mark.parametrize(
    ("options", "there"),
    [
        ({}, {"card-front", "card-back", "face", "face-video"}),
        ({"document": "none", "face": False}, set()),
    ],
)
async def test_what_was_not_captured_is_404(options: dict[str, Any], there: set[str]) -> None:
    names = ("card-front", "card-back", "face", "face-video")
    async with widget() as it:
        await it.played(**options)
        answers = {name: await it.ask(f"result/{name}/") for name in names}

    assert {name for name, answer in answers.items() if answer.status_code == 200} == there
    assert {answer.status_code for name, answer in answers.items() if name not in there} <= {404}
    types = {answers[name].headers["content-type"] for name in there - {"face-video"}}
    assert types <= {"image/jpeg"}


# ---------------------------------------------------------------- calls


def call(**fields: Any) -> dict[str, Any]:
    told = {"callbackApiKey": KEY, "type": "video-call-status-update", "sessionId": SESSION, "roomId": "room-1"}
    return {**told, **fields}


AVAILABLE = {"compositionStatus": "available", "videoFileStatus": "available", "videoFileId": "vf-room-1"}
NOTHING = {"compositionStatus": None, "videoFileStatus": None, "videoFileId": None}


@pytest.mark.parametrize(
    ("room", "heard"),
    [
        ({"ends": "empty"}, [call(roomStatus="empty", **NOTHING)]),
        ({}, [call(roomStatus="ended", **AVAILABLE)]),
        ({"tells_end": True}, [call(roomStatus="ended", **NOTHING), call(roomStatus="ended", **AVAILABLE)]),
        ({"callback_dropped": True}, []),
    ],
)
async def test_a_video_call_is_announced_as_it_went(room: dict[str, Any], heard: list[Any]) -> None:
    async with widget() as it:
        await it.played(outcome="silent", rooms=[{**ROOM, **room}])

    assert it.heard() == heard


@pytest.mark.parametrize(
    ("shape", "shown"),
    [("list", [{"roomId": "room-1", "roomStatus": "ended", **AVAILABLE}]), ("absent", None)],
)
async def test_the_result_may_show_video_calls(shape: str, shown: Any) -> None:
    async with widget() as it:
        await it.played(rooms=[ROOM], call_status=shape)
        result = await it.result()

    assert result["videoCallStatus"] == shown


@pytest.mark.parametrize(
    ("recording", "media_type", "begins"),
    [
        ({}, "video/mp4", b"\0\0\0"),
        ({"kind": "zip"}, "application/zip", b"PK\3\4"),
        ({"size": 1_000_000}, "video/mp4", b"\0\0\0\x1cftypisom"),
    ],
)
async def test_a_recording_comes_as_what_it_is(recording: dict[str, Any], media_type: str, begins: bytes) -> None:
    async with widget() as it:
        await it.played(rooms=[{**ROOM, "recording": recording}])
        answer = await it.recording()

    assert answer.headers["content-type"] == media_type
    assert answer.content.startswith(begins)
    assert len(answer.content) == int(answer.headers["content-length"])
    assert len(answer.content) == recording.get("size", len(answer.content))


async def test_a_recording_may_be_announced_before_it_is_there() -> None:
    async with widget() as it:
        await it.played(rooms=[{**ROOM, "recording": {"lags": "PT5M"}}])
        early = await it.recording()
        await it.it.pass_minutes(5)
        late = await it.recording()

    assert (early.status_code, late.headers["content-type"]) == (404, "video/mp4")


async def test_a_file_that_is_not_known_is_a_wrong_argument() -> None:
    async with widget() as it:
        await it.played(rooms=[ROOM])

        assert "argumentError" in (await it.recording("vf-none")).json()


async def test_the_rest_of_a_recording_is_sent_to_whoever_proves_to_know_it() -> None:
    async with widget() as it:
        await it.played(rooms=[{**ROOM, "recording": {"size": 700_001}}])
        whole = await it.recording()
        etag = whole.headers["etag"]
        rest = await it.recording(headers={"Range": "bytes=300000-", "If-Range": etag})
        other = await it.recording(headers={"Range": "bytes=300000-", "If-Range": '"another"'})

    assert rest.status_code == 206
    assert rest.headers["content-range"] == "bytes 300000-700000/700001"
    assert rest.content == whole.content[300_000:]
    assert (other.status_code, other.content) == (200, whole.content)


async def test_so_many_connections_are_cut_after_so_many_bytes_of_their_own() -> None:
    recording = {"size": 500_000, "cut_after": 200_000, "cut_connections": 2}
    order = {"reference": SESSION, "rooms": [{"room": "r", "at": 0, "recording_after": 0, "recording": recording}]}
    asked = {"company_key": "CK-1", "session_token": SESSION, "fileId": "vf-r"}
    got = b""
    async with serving(create_app(time_scale=100)) as address, httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(f"{address}{CONTROL}", json=order)).status_code == 201
        lengths, url = [], f"{address}{API}/get-video-call-videos/"
        while len(got) < 500_000:
            part = b""
            headers = {"Range": f"bytes={len(got)}-"}
            try:
                async with http.stream("POST", url, json=asked, headers=headers) as answer:
                    async for chunk in answer.aiter_raw():
                        part += chunk
            except httpx.RemoteProtocolError:
                pass
            got += part
            lengths.append(len(part))
        whole = await http.post(url, json=asked)

    assert lengths == [200_000, 200_000, 100_000]
    assert got == whole.content


# ---------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            {"kind": "one-time-password-request"},
            {"text": MESSAGE_TEXTS["password"], "phoneNumber": MARKERS["phone"]},
        ),
        (
            {"kind": "one-time-password", "address": "+995500000000"},
            {"text": MESSAGE_TEXTS["password"], "phoneNumber": "+995500000000"},
        ),
        (
            {"kind": "email-one-time-password-request"},
            {
                "text": MESSAGE_TEXTS["password"],
                "email": MARKERS["email"],
                "subject": MESSAGE_TEXTS["subject"],
            },
        ),
        (
            {"kind": "share-session-link-via-sms"},
            {
                "text": MESSAGE_TEXTS["greeting"],
                "phoneNumber": MARKERS["phone"],
                "sessionLink": f"{MESSAGE_TEXTS['link']}{'z9' * 20}",
            },
        ),
        (
            {"kind": "share-session-link-via-email"},
            {
                "text": MESSAGE_TEXTS["greeting"],
                "email": MARKERS["email"],
                "subject": MESSAGE_TEXTS["subject"],
                "sessionLink": f"{MESSAGE_TEXTS['link']}{'z9' * 20}",
            },
        ),
    ],
)
async def test_a_message_is_asked_for_with_all_that_it_needs(message: dict[str, Any], told: dict[str, str]) -> None:
    async with widget() as it:
        await it.played(outcome="silent", messages=[{"at": "PT1M", **message}])

    common = {"callbackApiKey": KEY, "type": message["kind"], "sessionId": SESSION}
    assert it.heard() == [{**common, **told}]


async def test_one_request_for_a_message_may_be_delivered_five_times() -> None:
    async with widget() as it:
        await it.played(outcome="silent", messages=[{"at": "PT1M", "times": 5}])
        deliveries = (await it.view())["deliveries"]

    assert len(deliveries) == 1
    assert it.heard() == [it.heard()[0]] * 5
