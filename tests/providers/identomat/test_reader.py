"""Asking for a result: by POST alone, and each answer taken for what it is."""

import httpx
import pytest

from tests.providers.identomat.fake_identomat import COMPANY_KEY, FakeIdentomat
from tests.providers.identomat.samples import QUESTION, SESSION, result, settings
from tests.providers.raw_server import Answer, Response, json_response
from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.domain.terms import Decision, Stage
from vigil.providers.identomat.reader import IdentomatReader


async def test_a_result_is_read_and_kept_as_it_was_written(identomat: FakeIdentomat, reader: IdentomatReader) -> None:
    answer = json_response(result("rejected"))
    identomat.results[SESSION] = answer

    reply = await reader.read(QUESTION)

    assert reply.snapshot is not None
    assert (reply.snapshot.stage, reply.snapshot.decision, reply.word) == (
        Stage.CONCLUDED,
        Decision.DECLINED,
        "rejected",
    )
    assert (reply.raw, reply.media_type) == (answer.body, "application/json")


async def test_neither_key_nor_session_stands_in_an_address(identomat: FakeIdentomat, reader: IdentomatReader) -> None:
    identomat.results[SESSION] = json_response(result())

    await reader.read(QUESTION)

    assert identomat.asked == ["POST /result/"]
    assert identomat.fields == [{"company_key": COMPANY_KEY, "session_token": SESSION}]


async def test_the_path_of_the_base_address_stays(identomat: FakeIdentomat, http: httpx.AsyncClient) -> None:
    identomat.will_answer("/external-api/result/", json_response(result()))

    await IdentomatReader(settings(base_url=f"{identomat.base_url}/external-api/"), http).read(QUESTION)

    assert identomat.asked == ["POST /external-api/result/"]


@pytest.mark.parametrize("body", [b'"QUEUED"', b"[]", b"7", b"null", b'{"a": 1, "a": 2}', b"[" * 99 + b"]" * 99])
async def test_an_answer_of_another_shape_keeps_us_waiting(
    identomat: FakeIdentomat, reader: IdentomatReader, body: bytes
) -> None:
    identomat.results[SESSION] = Response(200, body)

    reply = await reader.read(QUESTION)

    assert reply.snapshot is not None
    assert (reply.snapshot.stage, reply.snapshot.decision, reply.raw) == (Stage.UNRECOGNISED, None, body)
    assert [drift.field for drift in reply.snapshot.unrecognised] == ["answer"]


ERROR = {"argumentError": "session_token"}
FAILURES: dict[str, tuple[Answer, type[ProviderError], str]] = {
    "not found": (json_response("SESSION_NOT_FOUND"), ReferenceUnknown, "SESSION_NOT_FOUND"),
    "not found with 404": (json_response("SESSION_NOT_FOUND", 404), ReferenceUnknown, "SESSION_NOT_FOUND"),
    "not found with 400": (json_response("SESSION_NOT_FOUND", 400), ReferenceUnknown, "SESSION_NOT_FOUND"),
    "404": (Response(404), ReferenceUnknown, "http_404"),
    "410": (Response(410), ReferenceUnknown, "http_410"),
    "argument error": (json_response(ERROR), ProviderRefusesUs, "argument_error"),
    "argument error with a result": (json_response(result() | ERROR), ProviderRefusesUs, "argument_error"),
    "argument error with 400": (json_response(ERROR, 400), ProviderRefusesUs, "argument_error"),
    "401": (Response(401), ProviderRefusesUs, "http_401"),
    "403": (json_response(result(), 403), ProviderRefusesUs, "http_403"),
    "400": (json_response(result(), 400), ProviderUnavailable, "http_400"),
    "500 with a result": (json_response(result(), 500), ProviderUnavailable, "http_500"),
}


@pytest.mark.parametrize(("answer", "error", "code"), FAILURES.values(), ids=FAILURES.keys())
async def test_it_is_no_result(
    identomat: FakeIdentomat, reader: IdentomatReader, answer: Answer, error: type[ProviderError], code: str
) -> None:
    identomat.results[SESSION] = answer

    with pytest.raises(ProviderError) as caught:
        await reader.read(QUESTION)

    assert (type(caught.value), caught.value.code) == (error, code)
    assert len(identomat.asked) == 1


@pytest.mark.parametrize(
    ("answer", "gone"), [(json_response("SESSION_NOT_FOUND"), False), (Response(404), False), (Response(410), True)]
)
async def test_only_a_plain_word_says_that_there_was_one(
    identomat: FakeIdentomat, reader: IdentomatReader, answer: Answer, gone: object
) -> None:
    identomat.results[SESSION] = answer

    with pytest.raises(ReferenceUnknown) as caught:
        await reader.read(QUESTION)

    assert caught.value.gone is gone


async def test_a_check_of_the_login_asks_for_no_session_of_anybody(
    identomat: FakeIdentomat, reader: IdentomatReader
) -> None:
    await reader.check_login()

    assert [fields["session_token"] for fields in identomat.fields] == ["vigil-asks-for-no-session"]


async def test_a_check_of_the_login_finds_a_key_that_is_refused(
    identomat: FakeIdentomat, http: httpx.AsyncClient
) -> None:
    with pytest.raises(ProviderRefusesUs):
        await IdentomatReader(settings(base_url=identomat.base_url, company_key="k-of-theirs"), http).check_login()
