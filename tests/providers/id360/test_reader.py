"""What comes of each answer that ID360, or something in between, can give to a question."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from tests.providers.id360.fake_id360 import LOGIN, FakeId360
from tests.providers.id360.samples import QUESTION, report, settings
from tests.providers.raw_server import Answer, HangUp, Stall, SteadyClock, Told, told
from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.domain.snapshot import ReadRequest
from vigil.domain.terms import Decision, Stage
from vigil.domain.verification_key import VerificationKey
from vigil.providers.id360.reader import Id360Reader

REPORT = "/api/1.0.0/enrollment/700102/report"
HTML = Told(200, b"<html><body>Be right back</body></html>", {"Content-Type": "text/html"})
HALF = Told(200, b'{"id": 700102, "status": "OK"')

UNAVAILABLE: dict[str, tuple[Answer, str, timedelta | None]] = {
    "409": (Told(409), "http_409", None),
    "429": (Told(429), "http_429", None),
    "429 in seconds": (Told(429, headers={"Retry-After": "30"}), "http_429", timedelta(seconds=30)),
    "429 by a date long past": (
        Told(429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        "http_429",
        timedelta(0),
    ),
    "429 with nonsense": (Told(429, headers={"Retry-After": "soon"}), "http_429", None),
    "500": (Told(500), "http_500", None),
    "503": (Told(503, headers={"Retry-After": "7"}), "http_503", timedelta(seconds=7)),
    "redirect": (Told(302, headers={"Location": "https://elsewhere.example/"}), "http_302", None),
    "a page": (HTML, "not_json", None),
    "half a report": (HALF, "not_json", None),
    "an empty body": (Told(200), "not_json", None),
    "a cut body": (Told(200, b'{"id": 7', announced=500), "cut_short", None),
    "silence": (Stall(), "read_timeout", None),
    "reset": (HangUp(), "connection_lost", None),
    "no gzip": (Told(200, b"plain", {"Content-Encoding": "gzip"}), "undecodable", None),
}


@pytest.mark.parametrize(("answer", "code", "retry_after"), UNAVAILABLE.values(), ids=UNAVAILABLE.keys())
async def test_an_answer_that_may_heal_is_unavailable(
    id360: FakeId360, reader: Id360Reader, answer: Answer, code: str, retry_after: timedelta | None
) -> None:
    id360.will_answer(REPORT, answer)

    with pytest.raises(ProviderUnavailable) as caught:
        await reader.read(QUESTION)

    assert (caught.value.code, caught.value.retry_after) == (code, retry_after)


async def test_a_report_is_told_with_the_bytes_it_came_in(id360: FakeId360, reader: Id360Reader) -> None:
    id360.reports["700102"] = answer = told(report(status="OK"))

    reply = await reader.read(QUESTION)

    assert reply.snapshot is not None
    assert (reply.snapshot.stage, reply.snapshot.decision) == (Stage.CONCLUDED, Decision.APPROVED)
    assert (reply.word, reply.raw) == ("OK", answer.body)
    assert id360.asked == [
        "POST /api/1.0.0/user/login/",
        "GET /api/1.0.0/enrollment/700102/report?allow_draft=false",
    ]


async def test_a_report_that_is_not_ready_is_no_snapshot(id360: FakeId360, reader: Id360Reader) -> None:
    id360.reports["700102"] = Told(202)

    reply = await reader.read(QUESTION)

    assert (reply.snapshot, reply.word, reply.raw) == (None, "http_202", None)


@pytest.mark.parametrize(
    ("answer", "code", "gone"),
    [
        (Told(404), "http_404", False),
        (Told(410), "http_410", True),
        (told(report(status="DELETED")), "deleted", True),
        (told(report(status="Deleted")), "deleted", True),
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
    id360.reports["700102"] = Told(200, body)

    reply = await reader.read(QUESTION)

    assert reply.snapshot is not None
    assert (reply.snapshot.stage, reply.snapshot.decision, reply.snapshot.ended) == (
        Stage.UNRECOGNISED,
        None,
        None,
    )
    assert [(each.field, each.value) for each in reply.snapshot.unrecognised] == [drift]
    assert reply.raw == body


async def test_a_report_beyond_all_measure_is_left_unread(id360: FakeId360, reader: Id360Reader) -> None:
    id360.reports["700102"] = Told(200, b" " * (11 * 1024 * 1024))

    with pytest.raises(ProviderUnavailable, match="answer_too_large"):
        await reader.read(QUESTION)


async def test_nobody_listening_is_unavailable(http: httpx.AsyncClient) -> None:
    reader = Id360Reader(settings(base_url="http://127.0.0.1:1"), http)

    with pytest.raises(ProviderUnavailable, match="connect_failed"):
        await reader.read(QUESTION)


async def test_a_token_that_died_early_costs_one_login(id360: FakeId360, reader: Id360Reader) -> None:
    id360.reports["700102"] = told(report())
    await reader.read(QUESTION)
    id360.expire_all_tokens()

    reply = await reader.read(QUESTION)

    assert (reply.word, id360.logins) == ("OK", 2)


async def test_a_second_401_in_a_row_is_a_refusal(id360: FakeId360, reader: Id360Reader) -> None:
    id360.will_answer(REPORT, Told(401), Told(401))

    with pytest.raises(ProviderRefusesUs, match=r"^http_401$"):
        await reader.read(QUESTION)

    assert id360.logins == 2


async def test_403_is_a_refusal_without_another_login(id360: FakeId360, reader: Id360Reader) -> None:
    id360.will_answer(REPORT, Told(403))

    with pytest.raises(ProviderRefusesUs, match=r"^http_403$"):
        await reader.read(QUESTION)

    assert id360.logins == 1


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (Told(400), ProviderRefusesUs, "login_400"),
        (Told(401), ProviderRefusesUs, "login_401"),
        (Told(403), ProviderRefusesUs, "login_403"),
        (Told(301, headers={"Location": "/"}), ProviderUnavailable, "login_301"),
        (Told(429), ProviderUnavailable, "login_429"),
        (Told(502), ProviderUnavailable, "login_502"),
        (HTML, ProviderUnavailable, "login_unreadable"),
        (told({}), ProviderUnavailable, "login_unreadable"),
        (told({"token": ""}), ProviderUnavailable, "login_unreadable"),
        (told({"token": "two\r\nlines"}), ProviderUnavailable, "login_unreadable"),
        (Stall(), ProviderUnavailable, "read_timeout"),
        (HangUp(), ProviderUnavailable, "connection_lost"),
    ],
)
async def test_a_login_that_fails_says_whose_fault_it_is(
    id360: FakeId360, reader: Id360Reader, answer: Answer, kind: type[ProviderError], code: str
) -> None:
    id360.will_answer(LOGIN, answer, answer)

    with pytest.raises(kind, match=f"^{code}$"):
        await reader.read(QUESTION)
    with pytest.raises(kind, match=f"^{code}$"):
        await reader.check_login()


async def test_a_login_that_is_put_off_says_until_when(id360: FakeId360, reader: Id360Reader) -> None:
    id360.will_answer(LOGIN, Told(429, headers={"Retry-After": "90"}))

    with pytest.raises(ProviderUnavailable) as caught:
        await reader.read(QUESTION)

    assert caught.value.retry_after == timedelta(seconds=90)


async def test_a_wrong_password_is_refused_and_the_right_one_is_not(
    id360: FakeId360, reader: Id360Reader, http: httpx.AsyncClient
) -> None:
    await reader.check_login()

    with pytest.raises(ProviderRefusesUs, match=r"^login_401$"):
        await Id360Reader(settings(base_url=id360.base_url, password="wrong"), http).check_login()


@pytest.mark.alone  # a hundred connections must be made within the seconds that one is given
@pytest.mark.parametrize("same_token_always", [False, True])
@pytest.mark.parametrize("provider_says_so", [False, True])
async def test_a_hundred_reads_after_expiry_log_in_once(
    id360: FakeId360,
    reader: Id360Reader,
    clock: SteadyClock,
    *,
    same_token_always: bool,
    provider_says_so: bool,
) -> None:
    id360.reports["700102"] = told(report())
    id360.same_token_always = same_token_always
    id360.login_takes = 0.05
    await reader.read(QUESTION)
    if provider_says_so:
        id360.expire_all_tokens()
    else:
        clock.now += 15 * 60

    replies = await asyncio.gather(*(reader.read(QUESTION) for _ in range(100)))

    assert [reply.word for reply in replies] == ["OK"] * 100
    assert id360.logins == 2


async def test_those_who_waited_for_a_login_share_its_failure(id360: FakeId360, reader: Id360Reader) -> None:
    id360.login_takes = 0.05
    id360.will_answer(LOGIN, Told(503))
    id360.reports["700102"] = told(report())

    outcomes = await asyncio.gather(*(reader.read(QUESTION) for _ in range(50)), return_exceptions=True)

    assert [str(outcome) for outcome in outcomes] == ["login_503"] * 50
    assert id360.logins == 1
    assert (await reader.read(QUESTION)).word == "OK"


async def test_every_accepted_call_keeps_the_token_alive(
    id360: FakeId360, reader: Id360Reader, clock: SteadyClock
) -> None:
    id360.reports["700102"] = told(report())
    for _ in range(10):
        await reader.read(QUESTION)
        clock.now += 12 * 60

    assert id360.logins == 1


async def test_a_token_that_is_about_to_die_is_not_used(
    id360: FakeId360, reader: Id360Reader, clock: SteadyClock
) -> None:
    id360.reports["700102"] = told(report())
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
