"""What comes of each answer that ID360, or something in between, can give to a question."""

import httpx
import pytest

from tests.providers.id360.fake_id360 import FakeId360
from tests.providers.id360.samples import QUESTION, report, settings
from tests.providers.raw_server import Answer, Response, SteadyClock, json_response
from vigil.domain.errors import ProviderRefusesUs, ReferenceUnknown
from vigil.domain.snapshot import ReadRequest
from vigil.domain.terms import Decision, Stage
from vigil.domain.verification_key import VerificationKey
from vigil.providers.id360.reader import Id360Reader

REPORT = "/api/1.0.0/enrollment/700102/report"


async def test_a_report_is_reported_with_the_bytes_it_came_in(id360: FakeId360, reader: Id360Reader) -> None:
    id360.reports["700102"] = answer = json_response(report(status="OK"))

    reply = await reader.read(QUESTION)

    assert reply.snapshot is not None
    assert (reply.snapshot.stage, reply.snapshot.decision) == (Stage.CONCLUDED, Decision.APPROVED)
    assert (reply.word, reply.raw) == ("OK", answer.body)
    assert id360.asked == [
        "POST /api/1.0.0/user/login/",
        "GET /api/1.0.0/enrollment/700102/report?allow_draft=false",
    ]


async def test_a_report_that_is_not_ready_is_no_snapshot(id360: FakeId360, reader: Id360Reader) -> None:
    id360.reports["700102"] = Response(202)

    reply = await reader.read(QUESTION)

    assert (reply.snapshot, reply.word, reply.raw) == (None, "http_202", None)


@pytest.mark.parametrize(
    ("answer", "code", "gone"),
    [
        (Response(404), "http_404", False),
        (Response(410), "http_410", True),
        (json_response(report(status="DELETED")), "deleted", True),
        (json_response(report(status="Deleted")), "deleted", True),
    ],
)
async def test_a_reference_that_is_not_there_says_whether_it_once_was(
    id360: FakeId360, reader: Id360Reader, answer: Answer, code: str, *, gone: bool
) -> None:
    id360.reports["700102"] = answer

    with pytest.raises(ReferenceUnknown) as caught:
        await reader.read(QUESTION)

    assert (caught.value.code, caught.value.gone) == (code, gone)


@pytest.mark.parametrize(
    ("body", "drift"),
    [
        (b"[]", ("report", "list")),
        (b"null", ("report", "NoneType")),
        (b'"OK"', ("report", "str")),
        (b"{}", ("status", "NoneType")),
        (b'{"id": 700102, "status": 7}', ("status", "int")),
        (b'{"id": 700102, "status": "SPLENDID"}', ("status", "SPLENDID")),
        (b'{"id": 700102, "status": "OK (mostly)"}', ("status", None)),
        (b'{"id": 700103, "status": "OK"}', ("id", None)),
        (b'{"id": 700102, "status": "OK", "status": "KO"}', ("report", "wrong_shape")),
        (b'{"id": 700102, "status": "OK", "steps": ' + b"[" * 5000 + b"]" * 5000 + b"}", ("report", "too_deep")),
    ],
)
async def test_a_report_without_a_sense_is_never_a_verdict(
    id360: FakeId360, reader: Id360Reader, body: bytes, drift: tuple[str, str | None]
) -> None:
    id360.reports["700102"] = Response(200, body)

    reply = await reader.read(QUESTION)

    assert reply.snapshot is not None
    assert (reply.snapshot.stage, reply.snapshot.decision, reply.snapshot.ended) == (
        Stage.UNRECOGNISED,
        None,
        None,
    )
    assert [(each.field, each.value) for each in reply.snapshot.unrecognised] == [drift]
    assert reply.raw == body


async def test_a_wrong_password_is_refused_and_the_right_one_is_not(
    id360: FakeId360, reader: Id360Reader, http: httpx.AsyncClient
) -> None:
    await reader.check_login()

    with pytest.raises(ProviderRefusesUs, match=r"^login_401$"):
        await Id360Reader(settings(base_url=id360.base_url, password="wrong"), http).check_login()


async def test_every_accepted_call_keeps_the_token_alive(
    id360: FakeId360, reader: Id360Reader, clock: SteadyClock
) -> None:
    id360.reports["700102"] = json_response(report())
    for _ in range(10):
        await reader.read(QUESTION)
        clock.now += 12 * 60

    assert id360.logins == 1


async def test_a_token_that_is_about_to_die_is_not_used(
    id360: FakeId360, reader: Id360Reader, clock: SteadyClock
) -> None:
    id360.reports["700102"] = json_response(report())
    await reader.read(QUESTION)
    clock.now += 13 * 60
    await reader.read(QUESTION)

    assert id360.logins == 2
    assert sum("report" in asked for asked in id360.asked) == 2


@pytest.mark.parametrize(
    ("reference", "asked"),
    [
        ("7/../8", "7%2F%2E%2E%2F8"),
        ("..", "%2E%2E"),
        ("7?allow_draft=true", "7%3Fallow_draft%3Dtrue"),
        ("é\r\n", "%C3%A9%0D%0A"),
    ],
)
async def test_a_reference_cannot_lead_to_another_address(
    id360: FakeId360, reader: Id360Reader, reference: str, asked: str
) -> None:
    with pytest.raises(ReferenceUnknown):
        await reader.read(ReadRequest(key=VerificationKey(account="id360", reference=reference)))

    assert id360.asked[-1] == f"GET /api/1.0.0/enrollment/{asked}/report?allow_draft=false"
