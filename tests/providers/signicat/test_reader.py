"""What comes of each answer that Signicat, or something in between, can give to a question."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.providers.raw_server import Answer, Response, SteadyClock, json_response
from tests.providers.signicat.fake_signicat import CURRENT_LOGIN, LEGACY_LOGIN, FakeSignicat
from tests.providers.signicat.samples import PLACE, QUESTION, process, settings
from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.domain.snapshot import ReadRequest
from vigil.domain.terms import Decision, Stage
from vigil.domain.verification_key import VerificationKey
from vigil.providers.signicat.assure import AssureApi
from vigil.providers.signicat.reader import SignicatReader

ASKED = "/assure" + PLACE
PROBLEM = {"status": 0, "type": "base:client-problem", "title": "In words", "detail": "Of a person", "traceId": "t"}


def build_reader(signicat: FakeSignicat, http: httpx.AsyncClient, **given: Any) -> SignicatReader:
    told_of = settings(base_url=signicat.base_url, **given)
    return SignicatReader(told_of, AssureApi(told_of, http))


@pytest.mark.parametrize(
    ("given", "login"),
    [
        ({"reads": "current"}, CURRENT_LOGIN),
        ({"generations": ["events"]}, CURRENT_LOGIN),
        ({"generations": ["legacy"]}, LEGACY_LOGIN),
        ({"generations": ["legacy", "events"], "reads": "legacy"}, LEGACY_LOGIN),
    ],
)
async def test_a_process_is_reported_with_the_bytes_it_came_in(
    signicat: FakeSignicat, http: httpx.AsyncClient, given: dict[str, Any], login: str
) -> None:
    signicat.held[PLACE] = answer = json_response(process())

    reply = await build_reader(signicat, http, **given).read(QUESTION)

    assert reply.snapshot is not None
    assert (reply.snapshot.stage, reply.snapshot.decision) == (Stage.CONCLUDED, Decision.APPROVED)
    assert (reply.word, reply.raw) == ("accepted", answer.body)
    assert signicat.asked == [f"POST {login}", f"GET {ASKED}"]


@pytest.mark.parametrize(
    ("generations", "registered", "sender"),
    [
        (["legacy"], None, "onfido"),
        (["legacy"], "readid", "onfido"),
        (["events"], None, "events"),
        (["events"], "events", "events"),
        (["legacy", "events"], None, "onfido"),
        (["legacy", "events"], "onfido", "onfido"),
        (["legacy", "events"], "events", "events"),
    ],
)
async def test_the_sender_is_whoever_calls_back(
    signicat: FakeSignicat, http: httpx.AsyncClient, generations: list[str], registered: str | None, sender: str
) -> None:
    signicat.held[PLACE] = json_response(process())
    question = QUESTION.model_copy(update={"sender": registered})

    reply = await build_reader(signicat, http, generations=generations).read(question)

    assert reply.snapshot is not None
    assert reply.snapshot.sender == sender


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (Response(404), ReferenceUnknown, "http_404"),
        (json_response(PROBLEM, 404), ReferenceUnknown, "http_404:base:client-problem"),
        (json_response({"type": "in free text"}, 404), ReferenceUnknown, "http_404"),
        (json_response({"type": "x" * 64}, 404), ReferenceUnknown, "http_404"),
        (json_response({"type": ["x"]}, 404), ReferenceUnknown, "http_404"),
        (json_response(PROBLEM, 400), ProviderRefusesUs, "http_400:base:client-problem"),
        (Response(403), ProviderRefusesUs, "http_403"),
        (json_response(PROBLEM, 500), ProviderUnavailable, "http_500:base:client-problem"),
        (Response(204), ProviderUnavailable, "http_204"),
    ],
)
async def test_a_refusal_keeps_the_coded_word_only(
    signicat: FakeSignicat, reader: SignicatReader, answer: Answer, kind: type[ProviderError], code: str
) -> None:
    signicat.held[PLACE] = answer

    with pytest.raises(kind) as caught:
        await reader.read(QUESTION)

    assert caught.value.args == (code,)
    assert signicat.logins == 1


@pytest.mark.parametrize(("status", "gone"), [(404, False), (410, True)])
async def test_only_410_says_that_a_process_once_was(
    signicat: FakeSignicat, reader: SignicatReader, status: int, *, gone: bool
) -> None:
    signicat.held[PLACE] = Response(status)

    with pytest.raises(ReferenceUnknown) as caught:
        await reader.read(QUESTION)

    assert caught.value.gone is gone


@pytest.mark.parametrize(
    ("body", "drift"),
    [
        (b"[]", ("process", "list")),
        (b"{}", ("status", "NoneType")),
        (b'{"status": "SPLENDID"}', ("status", "SPLENDID")),
        (b'{"processId": "another", "status": "accepted"}', ("processId", None)),
        (b'{"status": "accepted", "status": "rejected"}', ("process", "wrong_shape")),
        (b'{"status": "accepted", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}", ("process", "too_deep")),
    ],
)
async def test_a_process_without_a_sense_is_never_a_verdict(
    signicat: FakeSignicat, reader: SignicatReader, body: bytes, drift: tuple[str, str | None]
) -> None:
    signicat.held[PLACE] = Response(200, body)

    reply = await reader.read(QUESTION)

    assert reply.snapshot is not None
    assert (reply.snapshot.stage, reply.snapshot.decision) == (Stage.UNRECOGNISED, None)
    assert [(each.field, each.value) for each in reply.snapshot.unrecognised] == [drift]
    assert reply.raw == body


@pytest.mark.parametrize("reference", ["a", "a:b:c", "..:..", "a/../b:c", "a?x=1:b", "é:b"])
async def test_a_reference_cannot_lead_to_another_address(
    signicat: FakeSignicat, reader: SignicatReader, reference: str
) -> None:
    with pytest.raises(ReferenceUnknown, match=r"^not_a_reference$"):
        await reader.read(ReadRequest(key=VerificationKey(account="assure", reference=reference)))

    assert signicat.asked == []


@pytest.mark.parametrize(
    ("expires_in", "renewed_after"), [(600, 570), (None, 570), ("soon", 570), (3600, 3570), (40, 20), (1, 0.5)]
)
async def test_a_token_is_renewed_before_it_dies_however_often_it_is_used(
    signicat: FakeSignicat,
    reader: SignicatReader,
    clock: SteadyClock,
    expires_in: object,
    renewed_after: float,
) -> None:
    signicat.held[PLACE] = json_response(process())
    signicat.expires_in = expires_in
    await reader.read(QUESTION)

    clock.now = renewed_after - 0.1
    await reader.read(QUESTION)
    assert signicat.logins == 1

    clock.now = renewed_after
    await reader.read(QUESTION)
    assert signicat.logins == 2


@pytest.mark.alone
async def test_tokens_that_die_at_once_still_serve_all_who_waited_for_one(
    signicat: FakeSignicat, patient_http: httpx.AsyncClient
) -> None:
    reader = build_reader(signicat, patient_http)
    signicat.held[PLACE] = json_response(process())
    signicat.login_takes = 0.05
    signicat.expires_in = 0

    replies = await asyncio.gather(*(reader.read(QUESTION) for _ in range(100)))

    assert [reply.word for reply in replies] == ["accepted"] * 100
    assert signicat.logins == 1


async def test_a_wrong_secret_is_refused_and_the_right_one_is_not(
    signicat: FakeSignicat, http: httpx.AsyncClient
) -> None:
    await build_reader(signicat, http).check_login()

    with pytest.raises(ProviderRefusesUs, match=r"^login_401$"):
        await build_reader(signicat, http, client_secret="wrong").check_login()
