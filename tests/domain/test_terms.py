"""The words that every other module speaks."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from tests.domain.samples import HOUR_LATER, T0
from vigil.domain.models import StrictModel
from vigil.domain.terms import ACTS_ON, Instant, as_word, earliest, latest


class Moment(StrictModel):
    at: Instant


@pytest.mark.parametrize("raw", ["OK", "VLD_DOCUMENT_INVALID", "liveness$1", "a.b:c-d", "x" * 64])
def test_a_word_stays_a_word(raw: str) -> None:
    assert as_word(raw) == raw


def test_a_number_is_a_word() -> None:
    assert as_word(812) == "812"


@pytest.mark.parametrize(
    "raw",
    ["", "Ada Lovelace", "ada@example.com", "Zoë", "OK\n", " OK", "x" * 65, None, 1.5, ["OK"], {"a": 1}, b"OK"],
)
def test_free_text_is_dropped_and_never_shortened(raw: object) -> None:
    assert as_word(raw) is None


def test_every_reason_to_look_has_its_one_actor() -> None:
    assert {reason.value: actor.value for reason, actor in ACTS_ON.items()} == {
        "unrecognised_word": "operator",
        "contradiction": "operator",
        "unconfirmed_end": "operator",
        "second_final": "operator",
        "never_registered": "backend",
        "correlation_mismatch": "backend",
        "coordinate_mismatch": "backend",
        "quarantined": "operator",
        "unproven_callbacks": "operator",
        "provider_refuses_us": "operator",
        "provider_unreachable": "provider",
        "reply_unproven": "operator",
        "overdue_applicant": "backend",
        "overdue_review": "provider",
        "silence": "operator",
        "evidence_lost": "operator",
        "details_missing": "operator",
        "unreadable_signal": "operator",
        "over_our_limit": "operator",
        "recording_unaddressed": "operator",
        "message_not_sent": "operator",
        "not_notified": "backend",
        "message_fields_unknown": "operator",
        "disagrees_with_person": "operator",
        "conflicting_registration": "backend",
        "disappeared": "operator",
        "reference_not_found": "backend",
    }


def test_an_instant_is_kept_in_utc_and_needs_a_zone() -> None:
    moment = Moment(at=datetime.fromisoformat("2031-03-04T11:00:00+02:00"))
    assert moment.at.utcoffset() == timedelta(0)
    assert moment.at == T0
    with pytest.raises(ValidationError):
        Moment(at=datetime(2031, 3, 4, tzinfo=UTC).replace(tzinfo=None))


def test_the_earliest_and_the_latest_are_of_the_known_instants() -> None:
    assert earliest(None, HOUR_LATER, T0) == T0
    assert latest(T0, None, HOUR_LATER) == HOUR_LATER
    assert earliest(None) is None
    assert latest() is None
