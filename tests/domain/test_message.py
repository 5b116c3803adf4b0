"""What a verification notes of the messages that were asked for in its name."""

from datetime import timedelta

import pytest

from tests.domain.samples import T0, fresh
from vigil.domain.callbacks import apply_message_outcome
from vigil.domain.log import EntryKind
from vigil.domain.message import Channel, MessageKind, MessageOutcome, MessageResult
from vigil.domain.record import Record
from vigil.domain.terms import Attention


def noted(result: MessageResult, why: str | None = None, *, minutes: int = 0) -> MessageOutcome:
    at = T0 + timedelta(minutes=minutes)
    return MessageOutcome(kind=MessageKind.ONE_TIME_PASSWORD, result=result, at=at, why=why)


def lines(record: Record) -> list[tuple[str, ...]]:
    return [entry.words for entry in record.log.entries if entry.kind is EntryKind.MESSAGE]


def reasons(record: Record) -> set[Attention | str]:
    return {note.reason for note in record.attention}


@pytest.mark.parametrize("result", [each for each in MessageResult if each is not MessageResult.SENT])
def test_whatever_may_not_have_been_sent_asks_a_person_to_look(result: MessageResult) -> None:
    after = apply_message_outcome(fresh(), noted(result, "http_500"))

    assert lines(after) == [("one_time_password", result.value, "http_500")]
    assert reasons(after) == {Attention.MESSAGE_NOT_SENT}


def test_what_was_sent_is_a_line_and_nothing_else() -> None:
    after = apply_message_outcome(fresh(), noted(MessageResult.SENT))

    assert lines(after) == [("one_time_password", "sent")]
    assert after.judgement() == fresh().judgement()
    assert reasons(after) == set()


def test_an_address_in_a_field_that_nobody_described_is_an_attention_of_its_own() -> None:
    after = apply_message_outcome(fresh(), noted(MessageResult.REFUSED, "address_unknown"))

    assert reasons(after) == {Attention.MESSAGE_NOT_SENT, Attention.MESSAGE_FIELDS_UNKNOWN}


def test_what_is_reported_twice_is_noted_once_and_the_next_message_is_noted_too() -> None:
    once = apply_message_outcome(fresh(), noted(MessageResult.SENT))

    assert apply_message_outcome(once, noted(MessageResult.SENT)) == once
    assert len(lines(apply_message_outcome(once, noted(MessageResult.SENT, minutes=3)))) == 2


def test_the_kind_says_by_which_channel_a_message_goes() -> None:
    assert {kind.value: kind.channel for kind in MessageKind} == {
        "one_time_password": Channel.SMS,
        "email_one_time_password": Channel.EMAIL,
        "session_link_by_sms": Channel.SMS,
        "session_link_by_email": Channel.EMAIL,
    }
