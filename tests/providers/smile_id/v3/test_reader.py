"""Reading a job over HTTP: what is asked, and what each answer means."""

import json
from typing import Any

import httpx
import pytest

from tests.providers.raw_server import Answer, Response, json_response
from tests.providers.smile_id.v3.fake_smile_id import LOGIN, FakeSmileId
from tests.providers.smile_id.v3.samples import JOB, QUESTION, as_bytes, attention, block, clear, settings, status
from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.domain.snapshot import Drift, ReadRequest
from vigil.domain.terms import Decision, Stage
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import DetailReader, Reader
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.v3.login import create_login
from vigil.providers.smile_id.v3.reader import SmileV3Reader

STATUS = f"/v3/status/{JOB}"


def test_it_is_a_reader_that_takes_callbacks(reader: SmileV3Reader) -> None:
    plain: Reader = reader

    assert isinstance(plain, DetailReader)


async def test_a_read_asks_for_the_status_and_for_nothing_else(smile_id: FakeSmileId, reader: SmileV3Reader) -> None:
    smile_id.held[STATUS] = json_response(status())

    reply = await reader.read(QUESTION)

    assert smile_id.asked == [f"POST {LOGIN}", f"GET {STATUS}"]
    assert reply.snapshot is not None
    assert (reply.word, reply.snapshot.decision, reply.snapshot.lacks_details) == ("clear", Decision.APPROVED, True)
    assert json.loads(reply.raw or b"") == {"status": status(), "callback": None}


async def test_a_callback_that_says_the_same_is_kept_with_what_it_explains(
    smile_id: FakeSmileId, reader: SmileV3Reader
) -> None:
    smile_id.held[STATUS] = json_response(status("attention"))

    reply = await reader.read_with_callbacks(QUESTION, [as_bytes(clear()), as_bytes(attention())])

    assert reply.snapshot is not None
    assert (reply.snapshot.code, reply.snapshot.lacks_details) == ("document_expired", False)
    assert json.loads(reply.raw or b"") == {"status": status("attention"), "callback": attention()}


async def test_a_callback_never_decides(smile_id: FakeSmileId, reader: SmileV3Reader) -> None:
    smile_id.held[STATUS] = json_response(status("processing"), 202)

    reply = await reader.read_with_callbacks(QUESTION, [as_bytes(clear())])

    assert reply.snapshot is not None
    assert (reply.snapshot.stage, reply.snapshot.decision) == (Stage.PROCESSING, None)


async def test_two_answers_that_differ_in_their_time_alone_say_the_same(
    smile_id: FakeSmileId, reader: SmileV3Reader
) -> None:
    later = status("block", created_at="2026-10-01T11:00:00.000Z", message="Done")
    smile_id.will_answer(STATUS, json_response(status("block")), json_response(later))
    first = await reader.read_with_callbacks(QUESTION, [as_bytes(block())])
    fresh_links = block(kyc_receipt="https://files.invalid/receipt/again")
    second = await reader.read_with_callbacks(QUESTION, [as_bytes(fresh_links), as_bytes(block())])

    assert first.snapshot is not None
    assert first.snapshot.says_the_same_as(second.snapshot)


async def test_a_product_that_a_person_looks_at_is_in_review(smile_id: FakeSmileId, reader: SmileV3Reader) -> None:
    smile_id.held[STATUS] = json_response(status("processing"), 202)
    product = {"product": "residency_document_verification"}

    reply = await reader.read(QUESTION.model_copy(update={"coordinates": product}))

    assert reply.snapshot is not None
    assert reply.snapshot.stage is Stage.IN_REVIEW


async def test_the_account_rules_on_attention(smile_id: FakeSmileId, http: httpx.AsyncClient) -> None:
    account = settings(base_url=smile_id.base_url, policy={"attention/document_expired": "approved"})
    reader = SmileV3Reader(account, http, create_login(account, http), Links(account, http))
    smile_id.held[STATUS] = json_response(status("attention"))

    reply = await reader.read_with_callbacks(QUESTION, [as_bytes(attention())])

    assert reply.snapshot is not None
    assert reply.snapshot.decision is Decision.APPROVED


@pytest.mark.parametrize(
    ("answer", "expected", "code"),
    [
        (json_response(status("not_found", user_id="unknown"), 404), ReferenceUnknown, "not_found"),
        (json_response({"status": "Not Found", "message": "Job not found"}, 404), ReferenceUnknown, "not_found"),
        (json_response({"message": "no route"}, 404), ProviderUnavailable, "http_404"),
        (Response(404, b"<html>"), ProviderUnavailable, "http_404"),
        (json_response({"status": "Bad Request"}, 400), ProviderUnavailable, "http_400"),
        (json_response({"status": "Forbidden"}, 403), ProviderRefusesUs, "http_403"),
        (json_response({"message": "IP not in allowlist"}, 403), ProviderRefusesUs, "address_not_allowed"),
        (json_response(status(), 500), ProviderUnavailable, "http_500"),
        (json_response(status(), 201), ProviderUnavailable, "http_201"),
    ],
)
async def test_an_answer_without_a_status_says_what_is_wrong(
    smile_id: FakeSmileId, reader: SmileV3Reader, answer: Answer, expected: type[ProviderError], code: str
) -> None:
    smile_id.will_answer(STATUS, answer)

    with pytest.raises(expected) as caught:
        await reader.read_with_callbacks(QUESTION, [as_bytes(clear())])
    assert (caught.value.code, type(caught.value)) == (code, expected)


@pytest.mark.parametrize(
    ("content", "drift"),
    [
        ("clear", Drift(field="answer", value="str")),
        ([status()], Drift(field="answer", value="list")),
        (None, Drift(field="answer", value="NoneType")),
        ({}, Drift(field="status", value="NoneType")),
        (status(job_id="job_01h2xcejqtf2nbrexx3vqjhp41"), Drift(field="job_id")),
        (status("approved"), Drift(field="status", value="approved")),
    ],
)
async def test_an_answer_of_another_shape_is_kept_and_decides_nothing(
    smile_id: FakeSmileId, reader: SmileV3Reader, content: Any, drift: Drift
) -> None:
    smile_id.will_answer(STATUS, json_response(content))

    reply = await reader.read_with_callbacks(QUESTION, [as_bytes(clear())])

    assert reply.snapshot is not None
    assert (reply.snapshot.stage, reply.snapshot.unrecognised) == (Stage.UNRECOGNISED, (drift,))
    assert reply.raw


@pytest.mark.parametrize("reference", ["job 12", "../token", f"{JOB}/.."])
async def test_what_is_no_job_id_becomes_no_part_of_an_address(
    smile_id: FakeSmileId, reader: SmileV3Reader, reference: str
) -> None:
    with pytest.raises(ReferenceUnknown, match="not_a_reference"):
        await reader.read(ReadRequest(key=VerificationKey(account="smile", reference=reference)))
    assert smile_id.asked == []


async def test_a_job_with_an_id_of_the_partners_own_is_asked_for_and_may_be_denied(
    smile_id: FakeSmileId, reader: SmileV3Reader
) -> None:
    question = ReadRequest(key=VerificationKey(account="smile", reference="a1b2c3d4e5"))
    smile_id.will_answer("/v3/status/a1b2c3d4e5", json_response(status(job_id="a1b2c3d4e5")))
    known = await reader.read(question)
    smile_id.will_answer("/v3/status/a1b2c3d4e5", json_response({"status": "Bad Request"}, 400))

    assert known.snapshot is not None
    assert known.snapshot.decision is Decision.APPROVED
    with pytest.raises(ReferenceUnknown, match=r"^http_400$"):
        await reader.read(question)
