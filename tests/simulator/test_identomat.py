"""Identomat's API and its callbacks as is known of them, and each unknown either way."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.simulator.stand import HOOK, Stand, stand
from vigil.simulator.app import create_app
from vigil.simulator.identomat import CANARIES, MESSAGE_CANARIES
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
async def test_wrong_arguments_are_told_in_an_object_under_200(wrong: dict[str, Any]) -> None:
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


@pytest.mark.parametrize("code", [200, 404])
async def test_a_deleted_session_is_found_no_more(code: int) -> None:
    async with widget() as it:
        await it.played(not_found_code=code)
        await it.ask("delete/")
        answer = await it.ask("result/")

    assert (answer.status_code, answer.json()) == (code, "SESSION_NOT_FOUND")


# ---------------------------------------------------------------- statuses


async def test_a_callback_shouts_what_the_result_says_in_lower_case() -> None:
    async with widget() as it:
        await it.played()
        result = await it.result()

    assert it.heard() == [{"callbackApiKey": KEY, "type": "session-change", "sessionId": SESSION, "result": "APPROVED"}]
    assert result["result"] == "approved"


@pytest.mark.parametrize(
    ("knob", "heard"),
    [
        ({"outcome": "rejected"}, ["REJECTED"]),
        ({"manual_check": True}, ["MANUAL_CHECK", "APPROVED"]),
        ({"outcome": "expired"}, []),
        ({"outcome": "silent"}, []),
        ({"unknown_status": "half_approved"}, ["HALF_APPROVED"]),
        ({"callbacks": False}, []),
        ({"drop_all": True}, []),
        ({"manual_check": True, "drop_finals": True}, ["MANUAL_CHECK"]),
        ({"manual_check": True, "drop_indices": [0]}, ["APPROVED"]),
        ({"manual_check": True, "final_first": True}, ["APPROVED", "MANUAL_CHECK"]),
        ({"duplicate_final": 2}, ["APPROVED"] * 3),
        ({"manual_check": True, "late_intermediates": "PT1H"}, ["APPROVED", "MANUAL_CHECK"]),
    ],
)
async def test_each_knob_does_what_it_says(knob: dict[str, Any], heard: list[str]) -> None:
    async with widget() as it:
        await it.played(24 * 60, **knob)
        finished = (await it.view())["finished"]

    assert it.words() == heard
    assert finished


async def test_an_approval_is_reopened_and_only_the_four_words_are_told() -> None:
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
    assert person["first_name"] == CANARIES["first_name"]


async def test_a_callback_is_never_sent_again() -> None:
    async with widget(500) as it:
        await it.played(24 * 60)

    assert it.words() == ["APPROVED"]


async def test_a_wrong_key_stands_in_the_body() -> None:
    async with widget() as it:
        await it.played(wrong_secret=True)

    assert [each["callbackApiKey"] != KEY for each in it.heard()] == [True]


@pytest.mark.parametrize(("kind", "told"), [(None, None), ("KYB", "KYB")])
async def test_only_the_session_of_a_business_tells_its_type(kind: str | None, told: str | None) -> None:
    async with widget() as it:
        await it.played(session_type=kind)

    assert [each.get("sessionType") for each in it.heard()] == [told]


async def test_a_result_may_lag_behind_its_callback() -> None:
    async with widget() as it:
        await it.played(lagging_report="PT5M")
        early = (await it.result())["result"]
        await it.it.pass_minutes(5)

        assert (it.words(), early, (await it.result())["result"]) == (["APPROVED"], "in_progress", "approved")


@pytest.mark.parametrize(("shape", "said"), [("word", "expired"), ("not_found", None)])
async def test_a_session_that_nobody_finishes_expires_and_may_be_forgotten(shape: str, said: str | None) -> None:
    async with widget() as it:
        await it.played(16, outcome="expired", expired_result=shape)
        result = await it.result()

    assert (result["result"] if said else result) == (said or "SESSION_NOT_FOUND")


async def test_one_more_callback_changes_the_result_only_if_asked_to() -> None:
    async with widget() as it:
        await it.played()
        said = []
        for changes in (False, True):
            extra = {"result": "REJECTED", "changes_result": changes}
            await it.it.api.post(f"{CONTROL}/{SESSION}/events", json=extra)
            await it.it.pass_minutes(0)
            said.append((await it.result())["result"])

    assert it.words() == ["APPROVED", "REJECTED", "REJECTED"]
    assert said == ["approved", "rejected"]


# ---------------------------------------------------------------- results and pictures


async def test_every_result_of_somebody_holds_the_whole_person() -> None:
    async with widget() as it:
        await it.played()
        text = (await it.ask("result/")).text

    assert [name for name, value in CANARIES.items() if value not in text] == []


@pytest.mark.parametrize(("knob", "fields"), [("whole", True), ("bare", False)])
async def test_before_the_submission_a_result_knows_nobody(knob: str, *, fields: bool) -> None:
    async with widget() as it:
        await it.played(1, open_result=knob)
        answer = await it.ask("result/")

    assert [name for name, value in CANARIES.items() if value in answer.text] == []
    assert ("person" in answer.json()) == fields


@pytest.mark.parametrize(
    ("knobs", "there"),
    [
        ({}, {"card-front", "card-back", "face", "face-video"}),
        ({"document": "passport"}, {"passport", "face", "face-video"}),
        ({"document": "none", "face": False}, set()),
    ],
)
async def test_what_was_not_captured_is_404(knobs: dict[str, Any], there: set[str]) -> None:
    names = ("card-front", "card-back", "passport", "face", "face-video")
    async with widget() as it:
        await it.played(**knobs)
        answers = {name: await it.ask(f"result/{name}/") for name in names}

    assert {name for name, answer in answers.items() if answer.status_code == 200} == there
    assert {answer.status_code for name, answer in answers.items() if name not in there} <= {404}
    types = {answers[name].headers["content-type"] for name in there - {"face-video"}}
    assert types <= {"image/jpeg"}


async def test_an_outage_is_503_for_results() -> None:
    async with widget() as it:
        await it.played(outages=[{"begins": "PT2M", "lasts": "PT5M"}])

        assert (await it.ask("result/")).status_code == 503


# ---------------------------------------------------------------- calls


def call(**fields: Any) -> dict[str, Any]:
    told = {"callbackApiKey": KEY, "type": "video-call-status-update", "sessionId": SESSION, "roomId": "room-1"}
    return {**told, **fields}


AVAILABLE = {"compositionStatus": "available", "videoFileStatus": "available", "videoFileId": "vf-room-1"}
NOTHING = {"compositionStatus": None, "videoFileStatus": None, "videoFileId": None}


@pytest.mark.parametrize(
    ("room", "untold", "heard"),
    [
        ({"ends": "empty"}, "null", [call(roomStatus="empty", **NOTHING)]),
        ({"ends": "empty"}, "absent", [call(roomStatus="empty")]),
        ({}, "null", [call(roomStatus="ended", **AVAILABLE)]),
        ({"tells_end": True}, "null", [call(roomStatus="ended", **NOTHING), call(roomStatus="ended", **AVAILABLE)]),
        ({"callback_dropped": True}, "null", []),
    ],
)
async def test_a_call_is_told_as_it_went(room: dict[str, Any], untold: str, heard: list[Any]) -> None:
    async with widget() as it:
        await it.played(outcome="silent", rooms=[{**ROOM, **room}], untold=untold)

    assert it.heard() == heard


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ("list", [{"roomId": "room-1", "roomStatus": "ended", **AVAILABLE}]),
        ("object", {"rooms": {"room-1": {"roomId": "room-1", "roomStatus": "ended", **AVAILABLE}}}),
        ("one", {"roomId": "room-1", "roomStatus": "ended", **AVAILABLE}),
        ("word", "available"),
        ("absent", None),
    ],
)
async def test_the_result_shows_calls_in_any_shape(shape: str, told: Any) -> None:
    async with widget() as it:
        await it.played(rooms=[ROOM], call_status=shape)
        result = await it.result()

    assert result["videoCallStatus"] == told


async def test_calls_may_be_spelled_otherwise() -> None:
    async with widget() as it:
        await it.played(rooms=[ROOM], call_status="snake_case")
        result = await it.result()

    assert result["video_call_status"][0]["video_file_id"] == "vf-room-1"


@pytest.mark.parametrize(
    ("recording", "media_type", "begins"),
    [
        ({}, "video/mp4", b"\0\0\0"),
        ({"kind": "zip"}, "application/zip", b"PK\3\4"),
        ({"kind": "json"}, "application/json", b'{"videos"'),
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


@pytest.mark.parametrize(
    ("until_then", "code", "content"),
    [
        ("404", 404, b""),
        ("202", 202, b""),
        ("204", 204, b""),
        ("word", 200, b'"VIDEO_NOT_READY"'),
    ],
)
async def test_a_recording_may_be_announced_before_it_is_there(until_then: str, code: int, content: bytes) -> None:
    recording = {"lags": "PT5M", "until_then": until_then}
    async with widget() as it:
        await it.played(rooms=[{**ROOM, "recording": recording}])
        early = await it.recording()
        await it.it.pass_minutes(5)
        late = await it.recording()

    assert (early.status_code, early.content) == (code, content)
    assert late.headers["content-type"] == "video/mp4"


async def test_a_file_that_is_not_known_is_a_wrong_argument() -> None:
    async with widget() as it:
        await it.played(rooms=[ROOM])

        assert "argumentError" in (await it.recording("vf-none")).json()


async def test_all_recordings_come_in_one_zip_when_none_is_named() -> None:
    async with widget() as it:
        await it.played(rooms=[ROOM])

        assert (await it.ask("get-video-call-videos/")).content.startswith(b"PK\3\4")


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


@pytest.mark.parametrize("knob", [{"takes_ranges": False}, {"has_etag": False}])
async def test_a_server_may_know_no_ranges_or_no_marks(knob: dict[str, Any]) -> None:
    async with widget() as it:
        await it.played(rooms=[{**ROOM, "recording": knob}])
        answer = await it.recording(headers={"Range": "bytes=10-", "If-Range": '"any"'})

    assert answer.status_code == 200
    assert ("accept-ranges" in answer.headers) == knob.get("takes_ranges", True)
    assert ("etag" in answer.headers) == knob.get("has_etag", True)


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
    ("message", "knobs", "told"),
    [
        (
            {"kind": "one-time-password-request"},
            {},
            {"text": MESSAGE_CANARIES["password"], "phoneNumber": CANARIES["phone"]},
        ),
        (
            {"kind": "one-time-password", "text": "11 it is", "address": "+995500000000"},
            {},
            {"text": "11 it is", "phoneNumber": "+995500000000"},
        ),
        (
            {"kind": "email-one-time-password-request"},
            {"email_field": "emailAddress", "has_subject": False},
            {"text": MESSAGE_CANARIES["password"], "emailAddress": CANARIES["email"]},
        ),
        (
            {"kind": "share-session-link-via-sms"},
            {},
            {
                "text": MESSAGE_CANARIES["greeting"],
                "phoneNumber": CANARIES["phone"],
                "sessionLink": f"{MESSAGE_CANARIES['link']}{'z9' * 20}",
            },
        ),
        (
            {"kind": "share-session-link-via-email"},
            {},
            {
                "text": MESSAGE_CANARIES["greeting"],
                "email": CANARIES["email"],
                "subject": MESSAGE_CANARIES["subject"],
                "sessionLink": f"{MESSAGE_CANARIES['link']}{'z9' * 20}",
            },
        ),
    ],
)
async def test_a_message_is_asked_for_with_all_that_it_needs(
    message: dict[str, Any], knobs: dict[str, Any], told: dict[str, str]
) -> None:
    async with widget() as it:
        await it.played(outcome="silent", messages=[{"at": "PT1M", **message}], **knobs)

    common = {"callbackApiKey": KEY, "type": message["kind"], "sessionId": SESSION}
    assert it.heard() == [{**common, **told}]


async def test_one_request_for_a_message_may_be_delivered_five_times() -> None:
    async with widget() as it:
        await it.played(outcome="silent", messages=[{"at": "PT1M", "times": 5}])
        meant = (await it.view())["meant"]

    assert len(meant) == 1
    assert it.heard() == [it.heard()[0]] * 5


# ---------------------------------------------------------------- signatures


def signature(body: bytes) -> str:
    return f'signature="{base64.b64encode(hmac.digest(b"sk-1", body, hashlib.sha256)).decode()}"'


@pytest.mark.parametrize("path", ["result/", "result/face/", "get-video-call-videos/"])
async def test_with_a_secret_key_calls_must_be_signed_and_answers_are(path: str) -> None:
    body = json.dumps({"company_key": "CK-1", "session_token": SESSION, "fileId": "vf-room-1"}).encode()
    async with widget() as it:
        await it.played(secret_key="sk-1", rooms=[{**ROOM, "recording": {"size": 600_000}}])
        unsigned = await it.it.api.post(f"{API}/{path}", content=body)
        answer = await it.it.api.post(f"{API}/{path}", content=body, headers={"Authorization": signature(body)})

    assert (unsigned.status_code, "authorization" in unsigned.headers) == (401, False)
    assert answer.headers["authorization"] == signature(answer.content)
