"""Asking `job_status`: how it is asked, and what is believed."""

import json

import httpx
import pytest

from tests.providers.raw_server import Answer, Response, json_response
from tests.providers.smile_id.v1.fake_smile_id import FakeSmileId, mark
from tests.providers.smile_id.v1.samples import JOB, KEY, PARTNER, USER, frame, past, question, result, settings
from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown, ReplyUnproven
from vigil.domain.snapshot import Drift, ReadRequest
from vigil.domain.terms import Decision, Stage
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.v1.reader import SmileV1Reader

STATUS = "/v1/job_status"
JOB_OF_USER = (USER, JOB)


def reader_of(smile: FakeSmileId, http: httpx.AsyncClient, *keys: str) -> SmileV1Reader:
    own = settings(base_url=smile.base_url, api_key=keys)
    return SmileV1Reader(own, http, Links(own, http))


async def test_a_job_is_asked_for_with_its_history_and_without_links(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    smile.jobs[JOB_OF_USER] = frame(result("0814"), history=past("0814", "1012"))

    reply = await reader.read(question())

    assert reply.snapshot is not None
    assert reply.snapshot.stage is Stage.IN_REVIEW
    assert smile.questions == [
        {
            "partner_id": PARTNER,
            "user_id": USER,
            "job_id": JOB,
            "image_links": False,
            "history": True,
            "timestamp": "2026-02-03T10:41:29.005Z",
            "signature": mark("2026-02-03T10:41:29.005Z", PARTNER, KEY),
        }
    ]


async def test_a_job_that_is_over_is_asked_for_once_more_with_its_links(
    smile: FakeSmileId, reader: SmileV1Reader
) -> None:
    smile.jobs[JOB_OF_USER] = frame(result("1210"), history=past("1210", "0814", "1012"))
    smile.links = {"selfie_image": "https://files.invalid/selfie?sig=z"}

    reply = await reader.read(question())

    assert reply.snapshot is not None
    assert reply.snapshot.decision is Decision.APPROVED
    assert [each.name for each in reply.snapshot.artifacts] == ["selfie"]
    assert [asked["image_links"] for asked in smile.questions] == [False, True]


async def test_of_two_answers_the_second_one_counts(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    smile.will_answer(STATUS, smile.sign_response(frame(result("0810", 6))))
    smile.jobs[JOB_OF_USER] = frame(result("0811", 6))

    reply = await reader.read(question(6))

    assert reply.snapshot is not None
    assert reply.snapshot.decision is Decision.DECLINED


async def test_fresh_links_alone_are_no_news(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    smile.jobs[JOB_OF_USER] = frame(result("0810", 6))
    smile.links = {"selfie_image": "https://files.invalid/selfie?sig=1"}
    first = await reader.read(question(6))
    smile.links = {"selfie_image": "https://files.invalid/selfie?sig=2"}
    second = await reader.read(question(6))

    assert first.snapshot is not None
    assert first.raw != second.raw
    assert first.snapshot.says_the_same_as(second.snapshot)


async def test_a_type_of_job_that_we_were_given_serves_where_the_answer_names_none(
    smile: FakeSmileId, reader: SmileV1Reader
) -> None:
    smile.jobs[JOB_OF_USER] = frame({"ResultCode": "0812"})

    reply = await reader.read(question(11))

    assert reply.snapshot is not None
    assert reply.snapshot.decision is Decision.DECLINED


async def test_a_job_that_nobody_has_uploaded_waits_for_the_applicant(
    smile: FakeSmileId, reader: SmileV1Reader
) -> None:
    smile.jobs[JOB_OF_USER] = frame("No zip file received", is_complete=False, code="2314")

    reply = await reader.read(question())

    assert reply.snapshot is not None
    assert (reply.snapshot.stage, reply.snapshot.code) == (Stage.AWAITING_APPLICANT, "2314")


async def test_a_job_that_is_not_there_is_unknown_and_in_no_stage(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    with pytest.raises(ReferenceUnknown) as caught:
        await reader.read(question())

    assert (caught.value.code, caught.value.gone) == ("code_2304", False)


async def test_nobody_but_smile_id_can_say_that_a_job_is_not_there(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    smile.answers_with = {"signature": "none"}

    with pytest.raises(ReplyUnproven):
        await reader.read(question())


async def test_without_a_user_nobody_is_asked(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    with pytest.raises(ReferenceUnknown):
        await reader.read(ReadRequest(key=question().key))

    assert smile.asked == []


@pytest.mark.parametrize(
    "instead",
    [
        {"signature": None},
        {"signature": ""},
        {"signature": mark("2026-02-03T10:41:30.000Z", PARTNER, "another key")},
        {"signature": mark("2026-02-03T10:41:30.000Z", "2042", KEY)},
        {"timestamp": "2026-02-03T10:41:30.001Z"},
        {"timestamp": None},
    ],
)
async def test_an_answer_that_is_not_signed_is_not_believed(
    smile: FakeSmileId, reader: SmileV1Reader, instead: dict[str, object]
) -> None:
    smile.jobs[JOB_OF_USER] = frame(result("0810", 6))
    smile.answers_with = instead

    with pytest.raises(ReplyUnproven):
        await reader.read(question(6))


@pytest.mark.parametrize("code", ["2203", "2204", "2205", "2213", "2220", "2405"])
@pytest.mark.parametrize("status", [200, 400, 401])
async def test_a_refusal_is_one_whatever_its_status(
    smile: FakeSmileId, reader: SmileV1Reader, code: str, status: int
) -> None:
    smile.will_answer(STATUS, json_response({"code": code, "error": "You may not"}, status))

    with pytest.raises(ProviderRefusesUs) as caught:
        await reader.read(question())

    assert caught.value.code == f"code_{code}"


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (Response(401), ProviderRefusesUs, "http_401"),
        (Response(403, b"<html>"), ProviderRefusesUs, "http_403"),
        (json_response({"code": "2304"}, 400), ReferenceUnknown, "code_2304"),
        (Response(404), ProviderUnavailable, "http_404"),
        (json_response({"code": ["2205"]}, 400), ProviderUnavailable, "http_400"),
        (json_response([1]), ReplyUnproven, "reply_unproven"),
    ],
)
async def test_other_answers_say_nothing_of_the_job(
    smile: FakeSmileId, reader: SmileV1Reader, answer: Answer, error: type[ProviderError], code: str
) -> None:
    smile.will_answer(STATUS, answer)

    with pytest.raises(error) as caught:
        await reader.read(question())

    assert caught.value.code == code


async def test_pictures_in_an_answer_are_not_kept_with_it(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    photo, document = "cGhvdG8tY2FuYXJ5" * 5, "ZG9jdW1lbnQtY2FuYXJ5" * 5
    smile.jobs[JOB_OF_USER] = frame(
        result("0810", 6, Document=document, FullName="Zuri Example", Photo="Not Available"),
        history=[result("1012", 6, Photo=photo)],
    )

    reply = await reader.read(question(6))

    assert reply.raw is not None
    assert photo.encode() not in reply.raw
    assert document.encode() not in reply.raw
    kept = json.loads(reply.raw)
    assert (kept["result"]["FullName"], kept["result"]["Photo"]) == ("Zuri Example", "Not Available")
    assert reply.snapshot is not None
    assert [each.name for each in reply.snapshot.artifacts] == ["photo", "document"]


async def test_the_second_key_is_tried_where_the_first_is_refused(smile: FakeSmileId, http: httpx.AsyncClient) -> None:
    smile.jobs[JOB_OF_USER] = frame(result("0814", 1))

    await reader_of(smile, http, "a key of yesterday", KEY).read(question())

    assert len(smile.questions) == 2


async def test_two_keys_that_are_refused_are_refused(smile: FakeSmileId, http: httpx.AsyncClient) -> None:
    with pytest.raises(ProviderRefusesUs):
        await reader_of(smile, http, "a key of yesterday", "a key of tomorrow").read(question())


async def test_a_login_is_checked_by_a_job_that_cannot_be(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    await reader.check_login()

    assert (smile.questions[0]["user_id"], smile.questions[0]["job_id"]) == ("vigil-asks-for-no-job",) * 2


async def test_a_wrong_key_fails_the_login(smile: FakeSmileId, http: httpx.AsyncClient) -> None:
    with pytest.raises(ProviderRefusesUs):
        await reader_of(smile, http, "a key of yesterday").check_login()


async def test_an_unsigned_answer_fails_the_login(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    smile.answers_with = {"signature": "none"}

    with pytest.raises(ReplyUnproven):
        await reader.check_login()


async def test_an_error_that_says_that_nothing_was_uploaded_passes_the_login(
    smile: FakeSmileId, reader: SmileV1Reader
) -> None:
    smile.will_answer(STATUS, json_response({"code": "2304", "error": "No job found"}, 400))

    await reader.check_login()


@pytest.mark.parametrize("other", ["chk-9999", 7, ["chk-7f01"]])
async def test_an_answer_about_another_job_decides_nothing(
    smile: FakeSmileId, reader: SmileV1Reader, other: object
) -> None:
    found = result("1012", 5, PartnerParams={"job_id": other, "user_id": USER, "job_type": 5})
    smile.jobs[JOB_OF_USER] = frame(found)

    reply = await reader.read(question(5))

    assert reply.snapshot is not None
    assert (reply.snapshot.stage, reply.snapshot.decision) == (Stage.UNRECOGNISED, None)
    assert [drift.field for drift in reply.snapshot.unrecognised] == ["job_id"]


PICTURE = "QUJD" * 1000
"""4000 bytes of base64."""


def small_reader(smile: FakeSmileId, http: httpx.AsyncClient, largest: int) -> SmileV1Reader:
    own = settings(base_url=smile.base_url, largest_answer=largest)
    return SmileV1Reader(own, http, Links(own, http))


async def test_a_history_of_pictures_that_is_over_our_limit_is_left_out_and_the_job_is_decided(
    smile: FakeSmileId, http: httpx.AsyncClient
) -> None:
    entry = result("0810", 6) | {"Document": PICTURE}
    smile.jobs[JOB_OF_USER] = frame(entry, history=[entry] * 8)
    smile.links = {"selfie_image": "https://files.invalid/selfie?sig=z"}

    reply = await small_reader(smile, http, 10_000).read(question(6))

    assert reply.snapshot is not None
    assert reply.snapshot.decision is Decision.APPROVED
    assert [each.name for each in reply.snapshot.artifacts] == ["selfie", "document"]
    assert reply.snapshot.unrecognised == ()
    asked = [(each["history"], each["image_links"]) for each in smile.questions]
    assert asked == [(True, False), (False, False), (True, True), (False, True)]


async def test_where_links_are_over_our_limit_the_job_is_decided_and_a_person_learns_that_files_may_be_missing(
    smile: FakeSmileId, http: httpx.AsyncClient
) -> None:
    smile.jobs[JOB_OF_USER] = frame(result("0810", 6))
    smile.links = {"selfie_image": f"https://files.invalid/selfie?sig={PICTURE}"}

    reply = await small_reader(smile, http, 3_000).read(question(6))

    assert reply.snapshot is not None
    assert reply.snapshot.decision is Decision.APPROVED
    assert reply.snapshot.unrecognised == (Drift(field="answer", value="answer_too_large"),)


async def test_where_only_the_history_has_the_other_part_our_limit_is_named_and_nothing_is_decided(
    smile: FakeSmileId, http: httpx.AsyncClient
) -> None:
    smile.jobs[JOB_OF_USER] = frame(result("1210"), history=[result("1012") | {"Photo": PICTURE}])

    with pytest.raises(ProviderUnavailable, match=r"^answer_too_large$"):
        await small_reader(smile, http, 3_000).read(question())
    raised = await small_reader(smile, http, 30_000).read(question())

    assert raised.snapshot is not None
    assert raised.snapshot.decision is Decision.APPROVED


async def test_eight_results_with_a_picture_of_a_megabyte_are_within_our_limit(
    smile: FakeSmileId, reader: SmileV1Reader
) -> None:
    entry = result("0810", 6) | {"Document": "QUJD" * 350_000}
    smile.jobs[JOB_OF_USER] = frame(entry, history=[entry] * 8)

    reply = await reader.read(question(6))

    assert reply.snapshot is not None
    assert reply.snapshot.decision is Decision.APPROVED
    assert all(asked["history"] for asked in smile.questions)
