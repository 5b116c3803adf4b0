from datetime import timedelta
from typing import Any

import pytest

from vigil.demo.story_runner import StoryRun
from vigil.simulator.story import Story

STORY = Story(
    account="acme",
    sender="acme",
    title="approved",
    expected={"outcome": "decided", "decision": "approved", "attention": [], "evidence_stored": 1, "late": 0},
)


def seen(**state: Any) -> dict[str, Any]:
    return {
        "is_open": False,
        "state": {"stage": "complete", "outcome": "decided", "decision": "approved", "attention": [], **state},
        "record": {"heard": 3, "late": 0, "evidence": [{"state": "stored"}, {"state": "lost"}]},
    }


def test_a_story_is_ok_only_when_all_that_it_expects_was_observed() -> None:
    assert StoryRun(STORY, "acme", seen=seen(), is_over=True).is_ok


def test_a_message_that_came_more_often_than_it_should_is_not_ok() -> None:
    story = STORY.model_copy(update={"expected": {**STORY.expected, "sent": 1}})

    assert StoryRun(story, "acme", seen=seen(), sent=1, is_over=True).is_ok
    assert not StoryRun(story, "acme", seen=seen(), sent=2, is_over=True).is_ok
    assert not StoryRun(story, "acme", seen=seen(), is_over=True).is_ok


@pytest.mark.parametrize(
    "differing",
    [
        {"decision": "declined"},
        {"outcome": "failed"},
        {"attention": [{"reason": "silence", "actor": "operator"}]},
    ],
)
def test_a_story_that_ended_otherwise_is_not_ok(differing: dict[str, Any]) -> None:
    assert not StoryRun(STORY, "acme", seen=seen(**differing), is_over=True).is_ok


def test_a_story_that_is_not_over_or_broke_off_is_not_ok() -> None:
    assert not StoryRun(STORY, "acme", seen=seen()).is_ok
    assert not StoryRun(STORY, "acme", seen=seen(), is_over=True, broke="did not end within 120 s").is_ok


def test_what_broke_off_is_said_where_the_observations_would_stand() -> None:
    told = StoryRun(STORY, "acme", seen=seen(), is_over=True, broke="did not end within 120 s")

    assert told.shown()["observed"] == {"broke": "did not end within 120 s"}


def test_a_story_is_shown_with_exactly_the_fields_that_programs_read() -> None:
    told = StoryRun(STORY, "acme", seen=seen(), meant=4, reads=2, events=50, took=timedelta(seconds=2.34), is_over=True)

    assert told.shown() == {
        "account": "acme",
        "provider": "acme",
        "sender": "acme",
        "story": "approved",
        "expected": {"outcome": "decided", "decision": "approved", "attention": [], "evidence_stored": 1, "late": 0},
        "observed": {"outcome": "decided", "decision": "approved", "attention": [], "evidence_stored": 1, "late": 0},
        "ok": True,
        "callbacks_meant": 4,
        "callbacks_received": 3,
        "polls": 2,
        "events": 50,
        "seconds": 2.3,
    }
