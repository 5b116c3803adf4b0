"""What a verification notes of the notifications that backends are owed."""

from datetime import timedelta

from tests.domain.samples import APPROVED, PLAN, SECOND, T0, fresh, read
from vigil.domain.explanation import explain
from vigil.domain.log import EntryKind
from vigil.domain.notification import NotificationRow, NotificationState, timeline
from vigil.domain.record import Record
from vigil.domain.record_edits import apply_notification
from vigil.domain.situation import Queue, Situation
from vigil.domain.summary import summarize
from vigil.domain.terms import Actor, Attention

SERVED = Queue(name="verifications", last_asked_at=T0 - SECOND)


def concluded() -> Record:
    return read(fresh(), APPROVED)


def row(
    state: NotificationState, *, endpoint: str = "checkout", revision: int = 1, minutes: int = 0
) -> NotificationRow:
    at, answer = T0 + timedelta(minutes=minutes), "endpoint_unreachable" if state != "delivered" else None
    return NotificationRow(endpoint=endpoint, revision=revision, state=state, attempts=8, answer=answer, at=at)


def lines(record: Record) -> list[tuple[str, ...]]:
    return [entry.words for entry in record.log.entries if entry.kind is EntryKind.NOTIFICATION]


def reasons(record: Record) -> set[Attention | str]:
    return {note.reason for note in record.attention}


def test_an_owed_notification_asks_the_backend_to_look_until_it_is_delivered() -> None:
    owing = apply_notification(fresh(), row(NotificationState.PENDING))
    paid = apply_notification(owing, row(NotificationState.DELIVERED, minutes=9))

    assert [(note.reason, note.actor) for note in owing.attention] == [(Attention.NOT_NOTIFIED, Actor.BACKEND)]
    assert lines(paid) == [
        ("checkout", "revision:1", "pending", "endpoint_unreachable"),
        ("checkout", "revision:1", "delivered"),
    ]
    assert (reasons(paid), paid.owed) == (set(), ())


def test_one_endpoint_does_not_pay_for_another() -> None:
    record = apply_notification(fresh(), row(NotificationState.GONE, endpoint="audit"))
    record = apply_notification(record, row(NotificationState.GIVEN_UP))
    record = apply_notification(record, row(NotificationState.DELIVERED))

    assert reasons(record) == {Attention.NOT_NOTIFIED}
    assert [each.endpoint for each in record.owed] == ["audit"]


def test_a_later_revision_that_arrives_settles_the_earlier_one_and_not_the_reverse() -> None:
    first = apply_notification(fresh(), row(NotificationState.PENDING, revision=1))
    both = apply_notification(first, row(NotificationState.PENDING, revision=2))

    assert apply_notification(both, row(NotificationState.DELIVERED, revision=2)).owed == ()
    assert [each.revision for each in apply_notification(both, row(NotificationState.DELIVERED)).owed] == [2]


def test_what_was_never_owed_is_no_line() -> None:
    assert apply_notification(fresh(), row(NotificationState.DELIVERED)) == fresh()


def test_a_verification_that_is_complete_says_who_was_not_notified_and_when_it_is_tried_again() -> None:
    summary = summarize(fresh(), PLAN)
    due = row(NotificationState.PENDING).model_copy(update={"next_at": T0 + timedelta(minutes=5)})
    explained = explain(Situation(summary=summary, is_open=False, owed=(due,)), plan=PLAN, now=T0)

    assert explained.sentence == "it is complete: without a verdict; `checkout` has not been notified"
    assert (explained.actor, explained.next_at) == (Actor.BACKEND, T0 + timedelta(minutes=5))
    assert explained.notes[-1].startswith(
        "notification of revision 1 to `checkout`: pending, 8 attempts, last answer endpoint_unreachable, next at "
    )


def test_an_endpoint_that_is_gone_will_not_be_notified() -> None:
    gone = row(NotificationState.GONE)
    explained = explain(Situation(summary=summarize(fresh(), PLAN), is_open=False, owed=(gone,)), plan=PLAN, now=T0)

    assert explained.sentence == "it is complete: without a verdict; `checkout` will not be notified"
    assert (explained.actor, explained.next_event) == (Actor.BACKEND, None)


def test_the_timeline_has_each_notification_once_whether_it_was_reported_or_not() -> None:
    late, quick = (
        row(NotificationState.PENDING, minutes=5),
        row(NotificationState.DELIVERED, endpoint="audit", minutes=1),
    )
    record = apply_notification(fresh(), late)

    lines_of = [(entry.kind, entry.words) for entry in timeline(record.log, [late, quick])]

    assert [words for kind, words in lines_of if kind == EntryKind.NOTIFICATION] == [
        ("audit", "revision:1", "delivered"),
        ("checkout", "revision:1", "pending", "endpoint_unreachable"),
    ]


def test_a_verification_that_waits_for_its_files_says_it_too() -> None:
    record = apply_notification(concluded(), row(NotificationState.PENDING))
    situation = Situation(summary=summarize(record, PLAN), is_open=True, queues=(SERVED,), owed=record.owed)

    explained = explain(situation, plan=PLAN, now=T0)

    assert explained.sentence.startswith("it is concluded (decided approved)")
    assert explained.sentence.endswith("; `checkout` has not been notified")
    assert explained.actor == Actor.BACKEND
