"""What becomes of each answer that ID360 can give, from its socket to the record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationErrorCategory

from activities.reads import ReadActivities
from tests.activities.attempts import NOW, Attempts
from tests.gate import GatedStorage
from tests.providers.id360.fake_id360 import FakeId360
from tests.providers.id360.samples import QUESTION, report
from tests.providers.raw_server import Answer as Said
from tests.providers.raw_server import HangUp, Response, Stall, json_response
from tests.world import STARTED, SaidReader
from vigil.domain.account import Account
from vigil.domain.callbacks import apply_registration, open_record
from vigil.domain.decisions import apply_read
from vigil.domain.digest import Digester
from vigil.domain.errors import ReferenceUnknown, ReplyUnproven
from vigil.domain.record import Record
from vigil.domain.registration import Registration
from vigil.domain.snapshot import Answer, ReadRequest, ReadResult
from vigil.domain.terms import Attention, Decision, Outcome, Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE
from vigil.domain.verdict import Cause
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import ProviderResponse, Reader
from vigil.providers.id360.senders import CONTRACT
from vigil.storage.contract import StorageUnavailable
from vigil.temporal import messages

REPORT = "/api/1.0.0/enrollment/700102/report"
PLACE = "id360/700102"
PLAN = CONTRACT.tracking
SECOND = timedelta(seconds=1)
HTML = Response(200, b"<html><body>Be right back</body></html>", {"Content-Type": "text/html"})


@pytest.fixture
def reading(
    accounts: Mapping[str, Account], readers: Mapping[str, Reader], storage: GatedStorage, digester: Digester
) -> ReadActivities:
    return ReadActivities(accounts, readers, storage, digester)


def record() -> Record:
    key = VerificationKey(account="id360", reference="700102")
    registration = Registration(key=key, registered_at=NOW - HOUR, registered_by="checkout")
    fresh = open_record(key, provider="id360", environment="sandbox", at=NOW - HOUR, plan=PLAN)
    return apply_registration(fresh, registration, plan=PLAN)


ASK = messages.ReadInput(path=PLACE, question=QUESTION)


def order(known: ReadResult | None = None, *, confirmation_until: datetime | None = None) -> messages.PollInput:
    return messages.PollInput(
        path=PLACE,
        question=QUESTION,
        known=known,
        stage=Stage.AWAITING_APPLICANT,
        entered_at=NOW - HOUR,
        confirmation_until=confirmation_until,
    )


def known(reading: ReadResult, *, asked_at: datetime = NOW - DAY) -> ReadResult:
    """The reading as a poll is given it once it was applied."""
    return reading.model_copy(update={"asked_at": asked_at})


@dataclass(frozen=True)
class Retried:
    """The same question is asked again.

    `by_read` is the delay that a read names (None: its retry policy's own); a poll names one from `by_poll` to
    eleven tenths of it, unless the provider's own delay is longer.
    """

    code: str
    by_read: timedelta | None = None
    by_poll: timedelta = 5 * MINUTE


@dataclass(frozen=True)
class Applied:
    """It is applied to the record, which then has this stage, attention and end."""

    answer: str
    stage: str = "awaiting_applicant"
    attention: str | None = None
    ends: tuple[str, str | None] | None = None


ANSWERS: dict[str, tuple[tuple[Said, ...], Retried | Applied]] = {
    "200 OK": ((json_response(report(status="OK")),), Applied("answered", "concluded", ends=("decided", "approved"))),
    "200 KO": ((json_response(report(status="KO")),), Applied("answered", "concluded", ends=("decided", "declined"))),
    "200 FAILED": ((json_response(report(status="FAILED")),), Applied("answered", "concluded", ends=("failed", None))),
    "200 CANCELED": (
        (json_response(report(status="CANCELED")),),
        Applied("answered", "concluded", ends=("canceled", None)),
    ),
    "200 NEW": ((json_response(report(status="NEW")),), Applied("answered")),
    "200 STARTED": ((json_response(report(status="STARTED")),), Applied("answered")),
    "200 DELETED": (
        (json_response(report(status="DELETED")),),
        Applied("gone", "concluded", "disappeared", ("unknown_to_provider", None)),
    ),
    "200 with an unknown word": (
        (json_response(report(status="SPLENDID")),),
        Applied("answered", "unrecognised", "unrecognised_word"),
    ),
    "200 with a list": ((json_response([]),), Applied("answered", "unrecognised", "unrecognised_word")),
    "200 with a number for a status": (
        (json_response(report(status=7)),),
        Applied("answered", "unrecognised", "unrecognised_word"),
    ),
    "200 of another file": (
        (json_response(report(id=700103)),),
        Applied("answered", "unrecognised", "unrecognised_word"),
    ),
    "200 with a page": ((HTML,), Retried("not_json")),
    "200 with half a report": ((Response(200, b'{"id": 700102, "status": "OK"'),), Retried("not_json")),
    "200 with nothing": ((Response(200),), Retried("not_json")),
    "200 that is cut": ((Response(200, b'{"id": 7', announced=500),), Retried("cut_short")),
    "202": ((Response(202),), Applied("not_ready")),
    "302": ((Response(302, headers={"Location": "https://elsewhere.example/"}),), Retried("http_302")),
    "401 once": (
        (Response(401), json_response(report(status="OK"))),
        Applied("answered", "concluded", ends=("decided", "approved")),
    ),
    "401 twice": ((Response(401), Response(401)), Applied("refused", attention="provider_refuses_us")),
    "403": ((Response(403),), Applied("refused", attention="provider_refuses_us")),
    "404": ((Response(404),), Applied("not_found")),
    "409": ((Response(409),), Retried("http_409")),
    "429": ((Response(429),), Retried("http_429")),
    "429 with a short delay": (
        (Response(429, headers={"Retry-After": "30"}),),
        Retried("http_429", by_read=30 * SECOND),
    ),
    "429 with a long delay": (
        (Response(429, headers={"Retry-After": "1800"}),),
        Retried("http_429", by_read=30 * MINUTE, by_poll=30 * MINUTE),
    ),
    "429 with a delay of a day": (
        (Response(429, headers={"Retry-After": "86400"}),),
        Retried("http_429", by_read=HOUR, by_poll=HOUR),
    ),
    "429 with a delay of 30 years": (
        (Response(429, headers={"Retry-After": "999999999"}),),
        Retried("http_429", by_read=HOUR, by_poll=HOUR),
    ),
    "429 with nonsense": ((Response(429, headers={"Retry-After": "soon"}),), Retried("http_429")),
    "500": ((Response(500),), Retried("http_500")),
    "503": ((Response(503, headers={"Retry-After": "7"}),), Retried("http_503", by_read=7 * SECOND)),
    "silence": ((Stall(),), Retried("read_timeout")),
    "reset": ((HangUp(),), Retried("connection_lost")),
}
RETRIED = {name: row for name, row in ANSWERS.items() if isinstance(row[1], Retried)}
APPLIED = {name: row for name, row in ANSWERS.items() if isinstance(row[1], Applied)}


@pytest.mark.parametrize(("answers", "expected"), RETRIED.values(), ids=RETRIED.keys())
async def test_a_read_is_tried_again_by(
    id360: FakeId360, reading: ReadActivities, answers: tuple[Said, ...], expected: Retried
) -> None:
    id360.will_answer(REPORT, *answers)

    error = await Attempts().fails(reading.read, ASK)

    assert (error.type, error.next_retry_delay) == (expected.code, expected.by_read)
    assert error.category is ApplicationErrorCategory.BENIGN


@pytest.mark.parametrize(("answers", "expected"), RETRIED.values(), ids=RETRIED.keys())
async def test_a_poll_sleeps_on_after(
    id360: FakeId360, reading: ReadActivities, answers: tuple[Said, ...], expected: Retried
) -> None:
    id360.will_answer(REPORT, *answers)

    error = await Attempts().fails(reading.poll, order())

    assert error.type == "Unchanged"
    assert error.category is ApplicationErrorCategory.BENIGN
    assert error.details[0].answer == expected.code
    assert error.next_retry_delay is not None
    assert expected.by_poll <= error.next_retry_delay <= expected.by_poll * 1.1
    assert error.details[0].next_at == NOW + error.next_retry_delay


@pytest.mark.parametrize("asked_by", ["read", "poll"])
@pytest.mark.parametrize(("answers", "expected"), APPLIED.values(), ids=APPLIED.keys())
async def test_the_record_after(
    id360: FakeId360, reading: ReadActivities, answers: tuple[Said, ...], expected: Applied, asked_by: str
) -> None:
    id360.will_answer(REPORT, *answers)

    if asked_by == "read":
        told_us = await Attempts().next(reading.read, ASK)
    else:
        told_us = await Attempts().next(reading.poll, order())
    after = apply_read(record(), told_us, plan=PLAN, cause=Cause.POLL)

    assert (told_us.asked_at, told_us.answer) == (NOW, expected.answer)
    assert after.verdict.stage == expected.stage
    assert [note.reason for note in after.attention] == ([expected.attention] if expected.attention else [])
    assert (after.verdict.outcome, after.verdict.decision) == (expected.ends or (None, None))


@pytest.mark.parametrize(
    "answer", [Response(404), Response(410), json_response(report(status="DELETED"))], ids=["404", "410", "DELETED"]
)
async def test_a_verdict_outlives_the_report_it_was_read_from(
    id360: FakeId360, reading: ReadActivities, answer: Response
) -> None:
    id360.will_answer(REPORT, json_response(report(status="OK")), answer)
    first = await Attempts().next(reading.read, ASK, at=NOW - HOUR)
    second = await Attempts().next(reading.read, ASK)

    after = apply_read(apply_read(record(), first, plan=PLAN, cause=Cause.POLL), second, plan=PLAN, cause=Cause.POLL)

    assert (after.verdict.outcome, after.verdict.decision, after.verdict.revision) == (
        Outcome.DECIDED,
        Decision.APPROVED,
        1,
    )
    assert [note.reason for note in after.attention] == [Attention.DISAPPEARED]


# ---------------------------------------------------------------- what is kept


async def test_an_answer_is_kept_as_it_came_under_a_name_that_shows_nothing(
    id360: FakeId360, reading: ReadActivities, storage: GatedStorage, digester: Digester
) -> None:
    id360.reports["700102"] = answer = json_response(report(status="OK"))

    told_us = await Attempts().next(reading.poll, order())

    assert told_us.snapshot is not None
    assert told_us.snapshot.result_digest == digester.digest("result", answer.body)
    assert await storage.list("") == [f"verifications/id360/700102/results/{told_us.snapshot.result_digest}"]
    assert await storage.read(told_us.snapshot.result or "") == answer.body


async def test_the_same_answer_read_twice_is_kept_once(
    id360: FakeId360, reading: ReadActivities, storage: GatedStorage
) -> None:
    id360.reports["700102"] = json_response(report(status="OK"))

    first = await Attempts().next(reading.read, ASK)
    second = await Attempts().next(reading.read, ASK)

    assert second == first
    assert len(await storage.list("")) == 1


async def test_an_unchanged_answer_is_not_kept(
    id360: FakeId360, reading: ReadActivities, storage: GatedStorage
) -> None:
    id360.reports["700102"] = json_response(report(status="STARTED"))
    before = known(await Attempts().next(reading.poll, order()))
    for name in await storage.list(""):
        await storage.erase(name)

    await Attempts().fails(reading.poll, order(before))

    assert await storage.list("") == []


async def test_an_answer_that_cannot_be_kept_is_not_reported(
    id360: FakeId360, reading: ReadActivities, storage: GatedStorage
) -> None:
    id360.reports["700102"] = json_response(report(status="OK"))
    storage.fail_next("/results/", times=1)
    attempts = Attempts()

    with pytest.raises(StorageUnavailable):
        await attempts.next(reading.poll, order())
    told_us = await attempts.next(reading.poll, order())

    assert told_us.answer is Answer.ANSWERED


# ---------------------------------------------------------------- when a poll asks


async def test_an_unchanged_answer_sleeps_on_and_says_until_when(id360: FakeId360, reading: ReadActivities) -> None:
    id360.reports["700102"] = json_response(report(status="STARTED"))
    before = known(await Attempts().next(reading.poll, order()))

    error = await Attempts().fails(reading.poll, order(before))

    assert (error.type, error.message) == ("Unchanged", "answered:STARTED")
    assert error.category is ApplicationErrorCategory.BENIGN
    assert error.next_retry_delay is not None
    assert 5 * MINUTE <= error.next_retry_delay <= 5.5 * MINUTE
    assert error.details == (
        messages.Unchanged(asked_at=NOW, answer="answered:STARTED", next_at=NOW + error.next_retry_delay),
    )


async def test_fresh_links_and_times_alone_are_no_change(id360: FakeId360, reading: ReadActivities) -> None:
    def with_link(token: str, **changes: str) -> Response:
        files = [{"url": f"{id360.link('9')}&token={token}", "hash": "0" * 32, "hash_algorithm": "MD5"}]
        document = {"name": "id_document_image", "status": "VALID", "files": files}
        return json_response(report(status="STARTED", documents={"identity_document": [document]}, **changes))

    id360.will_answer(REPORT, with_link("one"), with_link("two", finished_time="2031-03-04T10:00:00Z"))
    before = known(await Attempts().next(reading.poll, order()))

    error = await Attempts().fails(reading.poll, order(before))

    assert before.snapshot is not None
    assert [artifact.name for artifact in before.snapshot.artifacts] == ["id_document_image-0"]
    assert error.type == "Unchanged"


@pytest.mark.parametrize(
    ("answer", "word"),
    [(Response(202), "not_ready:http_202"), (Response(404), "not_found:http_404"), (Response(403), "refused:http_403")],
)
async def test_a_poll_that_knows_there_is_nothing_sleeps_on(
    id360: FakeId360, reading: ReadActivities, answer: Response, word: str
) -> None:
    id360.reports["700102"] = answer
    before = known(await Attempts().next(reading.poll, order()))

    error = await Attempts().fails(reading.poll, order(before))

    assert (error.type, error.message) == ("Unchanged", word)


async def test_a_poll_that_starts_early_sleeps_without_asking(id360: FakeId360, reading: ReadActivities) -> None:
    id360.reports["700102"] = json_response(report(status="STARTED"))
    asked_at = NOW - 2 * MINUTE
    before = known(await Attempts().next(reading.poll, order()), asked_at=asked_at)
    asked = len(id360.asked)

    error = await Attempts().fails(reading.poll, order(before))

    assert len(id360.asked) == asked
    assert error.details[0].asked_at == asked_at
    assert error.next_retry_delay is not None
    assert 3 * MINUTE <= error.next_retry_delay <= 3.5 * MINUTE


async def test_an_attempt_at_the_time_that_the_last_one_named_asks(id360: FakeId360, reading: ReadActivities) -> None:
    id360.reports["700102"] = json_response(report(status="STARTED"))
    before = known(await Attempts().next(reading.poll, order()), asked_at=NOW)
    attempts = Attempts()
    early = await attempts.fails(reading.poll, order(before), at=NOW + SECOND)
    asked = len(id360.asked)

    await attempts.fails(reading.poll, order(before), at=early.details[0].next_at)

    assert len(id360.asked) == asked + 1


async def test_a_poll_after_an_unconfirmed_callback_asks_every_minute_while_its_window_lasts(
    id360: FakeId360, reading: ReadActivities
) -> None:
    id360.reports["700102"] = Response(202)
    before = known(await Attempts().next(reading.poll, order()))
    hurried = order(before, confirmation_until=NOW + 10 * MINUTE)
    attempts = Attempts()

    inside = await attempts.fails(reading.poll, hurried, at=NOW)
    beyond = await attempts.fails(reading.poll, hurried, at=NOW + 10 * MINUTE)

    assert inside.next_retry_delay == MINUTE
    assert beyond.next_retry_delay is not None
    assert beyond.next_retry_delay >= 5 * MINUTE


async def test_the_number_of_an_attempt_changes_nothing(id360: FakeId360, reading: ReadActivities) -> None:
    id360.reports["700102"] = Response(202)
    before = known(await Attempts().next(reading.poll, order()))

    first = await Attempts().fails(reading.poll, order(before))
    later = await Attempts(number=500).fails(reading.poll, order(before))

    assert later.next_retry_delay == first.next_retry_delay


# ---------------------------------------------------------------- trouble that lasts


async def test_trouble_that_lasts_is_reported_once(id360: FakeId360, reading: ReadActivities) -> None:
    id360.reports["700102"] = Response(503)
    attempts = Attempts()
    first = await attempts.fails(reading.poll, order())
    second = await attempts.fails(reading.poll, order(), at=NOW + 14 * MINUTE)

    lasting = await attempts.next(reading.poll, order(), at=NOW + 15 * MINUTE)
    after = apply_read(record(), lasting, plan=PLAN, cause=Cause.POLL)
    slept_on = await Attempts().fails(reading.poll, order(known(lasting)), at=NOW + HOUR)

    assert [error.details[0].trouble_since for error in (first, second)] == [NOW, NOW]
    assert (lasting.answer, lasting.word) == (Answer.UNREACHABLE, "http_503")
    assert [note.reason for note in after.attention] == [Attention.PROVIDER_UNREACHABLE]
    assert (slept_on.type, slept_on.message) == ("Unchanged", "http_503")


async def test_a_poll_that_knows_of_lasting_trouble_sleeps_on_however_long_it_lasts(
    id360: FakeId360, reading: ReadActivities
) -> None:
    id360.reports["700102"] = Response(503)
    unreachable = ReadResult(asked_at=NOW - HOUR, answer=Answer.UNREACHABLE, word="http_503")
    attempts = Attempts()

    await attempts.fails(reading.poll, order(unreachable))
    much_later = await attempts.fails(reading.poll, order(unreachable), at=NOW + DAY)

    assert (much_later.type, much_later.message) == ("Unchanged", "http_503")
    assert much_later.details[0].trouble_since == NOW


async def test_an_answer_after_lasting_trouble_is_reported_even_if_it_is_the_old_one(
    id360: FakeId360, reading: ReadActivities
) -> None:
    id360.will_answer(REPORT, Response(202))
    unreachable = ReadResult(asked_at=NOW - HOUR, answer=Answer.UNREACHABLE, word="http_503")

    told_us = await Attempts().next(reading.poll, order(unreachable))

    assert told_us.answer is Answer.NOT_READY


async def test_trouble_that_was_over_in_between_does_not_count(id360: FakeId360, reading: ReadActivities) -> None:
    before = ReadResult(asked_at=NOW - DAY, answer=Answer.NOT_READY, word="http_202")
    id360.will_answer(REPORT, Response(503), Response(202), Response(503))
    attempts = Attempts()

    await attempts.fails(reading.poll, order(before))
    await attempts.fails(reading.poll, order(before), at=NOW + 6 * MINUTE)
    again = await attempts.fails(reading.poll, order(before), at=NOW + 5 * HOUR)

    assert again.details[0].trouble_since == NOW + 5 * HOUR


async def test_an_answer_that_is_not_proven_is_applied_as_such_and_nothing_of_it_is_kept(
    accounts: Mapping[str, Account], storage: GatedStorage, digester: Digester
) -> None:
    reader = SaidReader(says=ReplyUnproven("reply_unproven"))
    reading = ReadActivities(accounts, {"id360": reader}, storage, digester)

    by_read = await Attempts().next(reading.read, ASK)
    by_poll = await Attempts().next(reading.poll, order())

    assert by_read == by_poll == ReadResult(asked_at=NOW, answer=Answer.UNPROVEN, word="reply_unproven")
    assert await storage.list("") == []


@dataclass
class OneUserReader(SaidReader):
    """A provider that knows its verification under one user alone."""

    user: str = "u-1"

    async def read(self, question: ReadRequest) -> ProviderResponse:
        self.reads += 1
        if question.coordinates.get("user_id") != self.user:
            raise ReferenceUnknown("not_found")
        return ProviderResponse(snapshot=STARTED)


@pytest.mark.parametrize(
    ("users", "found"),
    [
        (("u-1", "!"), (1, Answer.ANSWERED, None)),
        (("!", "?", "u-1", "never"), (3, Answer.ANSWERED, {"user_id": "u-1"})),
        (("!", "?"), (2, Answer.NOT_FOUND, {"user_id": "?"})),
    ],
)
async def test_coordinates_that_callbacks_dispute_are_tried_in_turn_until_the_provider_answers(
    accounts: Mapping[str, Account],
    storage: GatedStorage,
    digester: Digester,
    users: tuple[str, ...],
    found: tuple[int, Answer, Mapping[str, str] | None],
) -> None:
    reader = OneUserReader()
    first, *others = ({"user_id": user} for user in users)
    question = QUESTION.model_copy(update={"coordinates": first, "alternatives": tuple(others)})
    reading = ReadActivities(accounts, {"id360": reader}, storage, digester)

    result = await Attempts().next(reading.read, messages.ReadInput(path=PLACE, question=question))

    assert (reader.reads, result.answer, result.coordinates) == found
