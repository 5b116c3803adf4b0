"""What a later release writes: fields and words that this release does not know."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tests.domain.samples import APPROVED, DIGESTER, PLAN, T0, callback_event, fresh, read, registration, status
from vigil.domain.callbacks import apply_callback, apply_registration
from vigil.domain.explanation import explain
from vigil.domain.record import Record
from vigil.domain.record_edits import add_attention
from vigil.domain.situation import Situation
from vigil.domain.summary import Summary, summarize
from vigil.domain.terms import Attention


def full_record() -> Record:
    record = apply_callback(fresh(), callback_event(status("OK")))
    record = read(apply_registration(record, registration(), plan=PLAN), APPROVED)
    return add_attention(record, Attention.SILENCE, at=T0)


def with_unknown_fields(value: Any) -> Any:
    """Add a field to every object, except to mappings by name."""
    if isinstance(value, list):
        return [with_unknown_fields(item) for item in value]
    if not isinstance(value, dict):
        return value
    maps = {"coordinates", "fingerprint", "unknown_fields"}
    return {name: item if name in maps else with_unknown_fields(item) for name, item in value.items()} | {"later": 1}


def test_a_record_hands_the_fields_of_a_later_release_on_through_edits() -> None:
    later = with_unknown_fields(json.loads(full_record().model_dump_json()))
    record = Record.model_validate(later)
    edited = record.with_verdict(record.verdict.mark_notified()).with_sequence(record.sequence + 1)
    assert edited.model_dump_json().count('"later":1') == json.dumps(later).count('"later": 1') > 10


def test_a_callback_that_comes_again_keeps_the_fields_of_a_later_release() -> None:
    record = Record.model_validate(with_unknown_fields(json.loads(full_record().model_dump_json())))
    again = apply_callback(record, callback_event(status("OK")))
    assert [dict(seen)["later"] for seen in again.callbacks.identities] == [1]


def test_words_of_a_later_release_are_shown_as_they_are() -> None:
    shape = json.loads(summarize(full_record(), PLAN).model_dump_json())
    shape |= {"attention": ["moon_phase"], "stage": "waiting_for_moon", "decision": "perhaps", "outcome": None}
    summary = Summary.model_validate(shape | {"basis": "oracle", "evidence": {"melted": 1}})
    explanation = explain(Situation(summary=summary, is_open=True), plan=PLAN, now=T0)
    assert summary.model_dump(mode="json")["attention"] == ["moon_phase"]
    assert explanation.notes == (
        "moon_phase: a reason of a later release, which this release does not know (operator acts)",
    )


def test_known_words_are_read_as_what_they_are() -> None:
    summary = Summary.model_validate_json(summarize(full_record(), PLAN).model_dump_json())
    assert [type(reason) for reason in summary.attention] == [Attention]


@pytest.mark.parametrize("text", ["Ada Lovelace", "ada@example.com"])
def test_a_shown_word_takes_no_free_text(text: str) -> None:
    shape = json.loads(summarize(full_record(), PLAN).model_dump_json())
    with pytest.raises(ValidationError):
        Summary.model_validate(shape | {"attention": [text]})


@pytest.mark.parametrize("change", [{"stage": "waiting_for_moon"}, {"outcome": "moved"}, {"decision": "perhaps"}])
def test_a_record_whose_verdict_has_an_unknown_word_is_refused(change: dict[str, str]) -> None:
    shape = json.loads(full_record().model_dump_json())
    with pytest.raises(ValidationError):
        Record.model_validate(shape | {"verdict": shape["verdict"] | change})


def test_a_record_of_a_later_schema_is_refused_with_a_sentence() -> None:
    shape = json.loads(full_record().model_dump_json())
    with pytest.raises(ValidationError, match="has schema 2; this release reads up to 1"):
        Record.model_validate(shape | {"schema_version": 2})


def test_the_default_of_a_field_is_no_part_of_a_fingerprint() -> None:
    assert "evidence" not in registration().signed(DIGESTER).fingerprint
