"""A checker of the promise that order, loss and repetition of callbacks do not matter, for any reducer."""

from collections.abc import Callable, Iterable, Sequence
from itertools import permutations, product

from tests.domain.courses import Course
from tests.domain.samples import T0, fresh, read, told
from vigil.domain.callback_event import CallbackEvent
from vigil.domain.record import Judgement, Record
from vigil.domain.snapshot import ReadResult
from vigil.domain.tracking_plan import MINUTE

Fold = Callable[[Record, CallbackEvent], Record]
Event = CallbackEvent | ReadResult


def answers(course: Course) -> tuple[ReadResult, ...]:
    """What each read of the course brings; the last one is its end."""
    return tuple(told(snapshot, at=T0 + (k + 1) * MINUTE) for k, snapshot in enumerate(course.answers))


def after(fold: Fold, events: Iterable[Event]) -> Record:
    record = fresh()
    for event in events:
        record = fold(record, event) if isinstance(event, CallbackEvent) else read(record, event)
    return record


def judged(fold: Fold, events: Iterable[Event]) -> Judgement:
    return after(fold, events).judgement()


def counterexample(fold: Fold, course: Course) -> Sequence[Event] | None:
    """Return an order, loss or repetition that changes the judgement, or None after trying all short ones.

    Every order of all callbacks, one of them twice, is tried without a read; then every order of every subset
    of callbacks, with the last answer at each place.
    """
    sent, last = course.callback_events(), answers(course)[-1]
    for order in permutations(sent):
        for repeated in (*((one,) for one in sent), ()):
            again: tuple[Event, ...] = (*order, *repeated)
            if judged(fold, again) != judged(fold, sent):
                return again
    expected = judged(fold, (*sent, last))
    for heard in product((False, True), repeat=len(sent)):
        kept: list[Event] = [one for one, is_heard in zip(sent, heard, strict=True) if is_heard]
        for events in permutations([*kept, last]):
            if judged(fold, events) != expected:
                return events
    return None
