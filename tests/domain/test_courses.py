"""Random courses: their callbacks, and the registration, may come in any order, several times, or not at all."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.samples import T0, fresh, read
from tests.domain.strategies import CALLBACKS, OPEN_ANSWERS, PLANS, REGISTRATIONS, SNAPSHOTS, WHOLE_VERDICTS
from vigil.domain.callback_event import CallbackEvent, RoomChanged
from vigil.domain.callbacks import apply_callback, apply_registration
from vigil.domain.decisions import close_confirmation_window
from vigil.domain.record import Judgement, Record
from vigil.domain.registration import Registration
from vigil.domain.snapshot import Room, Snapshot
from vigil.domain.tracking_plan import DAY, MINUTE, TrackingPlan

many = settings(max_examples=120, derandomize=True, deadline=None, database=None)
Sent = CallbackEvent | Registration


@dataclass(frozen=True)
class Course:
    """What is sent to us, in one order, and what the provider answers, in order."""

    plan: TrackingPlan
    sent: tuple[Sent, ...]
    answers: tuple[Snapshot, ...]

    def told_in(self, order: list[Sent | None]) -> Judgement:
        """Return the judgement after this order, in which None is the next read; all reads are made in the end."""
        answers = list(enumerate(self.answers))
        record = fresh(plan=self.plan)
        for each in [*order, *[None] * len(answers)]:
            match each:
                case Registration():
                    record = apply_registration(record, each, plan=self.plan)
                case CallbackEvent():
                    record = apply_callback(record, each, finals_may_change=self.plan.finals_may_change)
                case None if answers:
                    number, answer = answers.pop(0)
                    record = read(record, answer, at=T0 + (11 + number) * MINUTE, plan=self.plan)
        return _with_a_closed_window(record).judgement()


def _with_a_closed_window(record: Record) -> Record:
    return close_confirmation_window(record, at=T0 + DAY) if record.callbacks.announcements else record


def _covering(answer: Snapshot, sent: list[Sent]) -> Snapshot:
    """Return a last answer that shows every room of which a callback told, as a provider does in the end."""
    seen = [each.observation for each in sent if isinstance(each, CallbackEvent)]
    rooms = [
        Room(room=each.room, status=each.room_status, file_ready=each.file_ready, file_id=each.file_id)
        for each in seen
        if isinstance(each, RoomChanged)
    ]
    return answer.model_copy(update={"rooms": (*answer.rooms, *rooms)})


def _orders(sent: list[Sent], reads: int) -> st.SearchStrategy[list[Sent | None]]:
    some = st.lists(st.sampled_from(sent), max_size=3) if sent else st.just([])
    return some.flatmap(lambda again: st.permutations([*sent, *again, *[None] * reads]))


@st.composite
def reordered(draw: st.DrawFn) -> tuple[Course, list[Sent | None]]:
    """A course, and another order of it with some repetitions."""
    sent: list[Sent] = [*draw(st.lists(CALLBACKS, max_size=5)), *draw(st.lists(REGISTRATIONS, max_size=1))]
    answers = draw(st.lists(SNAPSHOTS, max_size=3))
    return Course(draw(PLANS), tuple(sent), tuple(answers)), draw(_orders(sent, len(answers)))


@st.composite
def lossy(draw: st.DrawFn) -> tuple[Course, list[Sent | None]]:
    """A course that ends with a whole answer, and an order of it in which callbacks are lost."""
    heard = draw(st.lists(CALLBACKS, max_size=5))
    backend = draw(st.lists(REGISTRATIONS, max_size=1))
    whole = draw(WHOLE_VERDICTS)
    answers = [*draw(st.lists(OPEN_ANSWERS, max_size=2)), _covering(whole, [*heard])]
    kept: list[Sent] = [*backend, *(each for each in heard if draw(st.booleans()))]
    order = draw(_orders(kept, len(answers)))
    return Course(draw(PLANS), (*heard, *backend), tuple(answers)), order


@many
@given(reordered())
def test_no_order_and_no_repetition_changes_the_judgement(case: tuple[Course, list[Sent | None]]) -> None:
    course, order = case
    assert course.told_in(order) == course.told_in([*course.sent])


@many
@given(lossy())
def test_once_a_whole_answer_is_read_no_loss_changes_the_judgement(case: tuple[Course, list[Sent | None]]) -> None:
    course, order = case
    assert course.told_in(order) == course.told_in([*course.sent])
