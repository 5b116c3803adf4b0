"""A registered reference that the provider never knew: who is asked to look, and when."""

from datetime import datetime

import pytest

from tests.domain.samples import PLAN, STARTED, T0, fresh, read, registration, silent
from vigil.domain.callbacks import apply_registration
from vigil.domain.record import Record
from vigil.domain.snapshot import Answer
from vigil.domain.terms import Stage
from vigil.domain.timers import TimerName, apply_timers, timers
from vigil.domain.tracking_plan import HOUR, MINUTE, PollPlan

EVERY_MINUTE = PLAN.model_copy(
    update={"polls": {Stage.PROCESSING: PollPlan.of((3 * MINUTE, MINUTE), (None, HOUR))}, "not_found_polls": 4}
)
REGISTERED = apply_registration(fresh(), registration(), plan=EVERY_MINUTE)


def denied(record: Record, *, at: datetime) -> Record:
    record = read(record, silent(Answer.NOT_FOUND, at=at))
    return record.with_reads(record.reads.note_denial(at=at))


def reasons(record: Record) -> list[str]:
    return [str(note.reason) for note in record.attention]


def test_a_backend_is_asked_after_as_many_polls_as_the_plan_names() -> None:
    record = denied(REGISTERED, at=T0 + MINUTE)
    due = T0 + MINUTE + 2 * MINUTE + 2 * HOUR  # two polls a minute apart, then two an hour apart

    assert timers(record, EVERY_MINUTE)[TimerName.REFERENCE_NOT_FOUND] == due
    assert reasons(apply_timers(record, EVERY_MINUTE, now=due - MINUTE, read_at=None)) == []
    assert reasons(apply_timers(record, EVERY_MINUTE, now=due, read_at=None)) == ["reference_not_found"]


def test_a_further_read_that_does_not_find_it_does_not_begin_the_count_anew() -> None:
    record = denied(denied(REGISTERED, at=T0 + MINUTE), at=T0 + 2 * MINUTE)

    assert record.reads.not_found_since == T0 + MINUTE


@pytest.mark.parametrize("answer", [STARTED, silent(Answer.NOT_READY, at=T0 + 9 * HOUR)])
def test_the_attention_goes_when_the_provider_knows_it(answer: object) -> None:
    record = apply_timers(denied(REGISTERED, at=T0), EVERY_MINUTE, now=T0 + 9 * HOUR, read_at=None)
    found = read(record, answer, at=T0 + 9 * HOUR) if answer is STARTED else read(record, answer)  # type: ignore[arg-type]

    assert (reasons(record), reasons(found)) == (["reference_not_found"], [])
    assert TimerName.REFERENCE_NOT_FOUND not in timers(found, EVERY_MINUTE)


@pytest.mark.parametrize("answer", [Answer.UNREACHABLE, Answer.REFUSED])
def test_an_outage_in_between_does_not_make_it_known(answer: Answer) -> None:
    record = read(denied(REGISTERED, at=T0), silent(answer, at=T0 + MINUTE))

    assert record.reads.not_found_since == T0


def test_one_that_the_provider_once_knew_has_disappeared_instead() -> None:
    record = denied(read(REGISTERED, STARTED), at=T0 + MINUTE)

    assert (record.reads.not_found_since, reasons(record)) == (None, ["disappeared"])


def test_nobody_is_asked_about_one_that_no_backend_registered() -> None:
    assert TimerName.REFERENCE_NOT_FOUND not in timers(denied(fresh(), at=T0), EVERY_MINUTE)
