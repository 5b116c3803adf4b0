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


def view(**state: Any) -> dict[str, Any]:
    return {
        "is_open": False,
        "state": {"stage": "complete", "outcome": "decided", "decision": "approved", "attention": [], **state},
        "record": {"received": 3, "late": 0, "evidence": [{"state": "stored"}, {"state": "lost"}]},
    }


def over(story: Story = STORY, **observed: Any) -> StoryRun:
    return StoryRun(story, "acme", is_over=True, **{"view": view(), **observed})


def test_a_story_is_ok_when_every_fact_is_as_expected() -> None:
    assert over().is_ok


def test_a_message_that_was_sent_more_often_than_expected_is_not_ok() -> None:
    story = STORY.model_copy(update={"expected": {**STORY.expected, "sent": 1}})

    assert over(story, messages_sent=1).is_ok
    assert not over(story, messages_sent=2).is_ok
    assert not over(story).is_ok


@pytest.mark.parametrize(
    "differing",
    [
        {"decision": "declined"},
        {"outcome": "failed"},
        {"attention": [{"reason": "silence", "actor": "operator"}]},
    ],
)
def test_a_story_with_another_end_is_not_ok(differing: dict[str, Any]) -> None:
    assert not over(view=view(**differing)).is_ok


def test_a_story_that_is_not_over_or_has_failed_is_not_ok() -> None:
    assert not StoryRun(STORY, "acme", view=view()).is_ok
    assert not over(failure="did not end within 120 s").is_ok


def test_a_failure_takes_the_place_of_the_observed_facts() -> None:
    run = over(failure="did not end within 120 s")

    assert run.to_json()["observed"] == {"failure": "did not end within 120 s"}


def test_a_run_is_printed_as_json_with_exactly_these_fields() -> None:
    run = over(planned=4, reads=2, events=50, took=timedelta(seconds=2.34))

    assert run.to_json() == {
        "account": "acme",
        "provider": "acme",
        "sender": "acme",
        "story": "approved",
        "expected": {"outcome": "decided", "decision": "approved", "attention": [], "evidence_stored": 1, "late": 0},
        "observed": {"outcome": "decided", "decision": "approved", "attention": [], "evidence_stored": 1, "late": 0},
        "ok": True,
        "callbacks_planned": 4,
        "callbacks_received": 3,
        "reads": 2,
        "events": 50,
        "seconds": 2.3,
    }
