"""The recorded histories, their callbacks and registrations shuffled and repeated: the judgement is the same."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter

from tests.fuzz.effort import tries
from tests.workflows.record_histories import HISTORIES
from tests.workflows.stories import STORIES
from vigil.domain.callback_event import CallbackEvent
from vigil.domain.callbacks import apply_callback, apply_registration, open_record
from vigil.domain.decisions import apply_read
from vigil.domain.record import Judgement
from vigil.domain.registration import Registration
from vigil.domain.snapshot import ReadResult
from vigil.domain.tracking_plan import TrackingPlan
from vigil.domain.verdict import Cause
from vigil.temporal import messages

Event: TypeAlias = Registration | CallbackEvent | ReadResult
PLANS: Final = {story.name: story.plan for story in STORIES}
OF_ANOTHER_KIND: Final = {"with_a_signal_that_could_not_be_read", "started_by_a_backend_itself"}
"""Stories in which something is told that a worker does not read, or reads first."""
SIGNALS: Final = {"register": Registration, "callback_received": CallbackEvent}


@dataclass(frozen=True)
class Recorded:
    """What a recorded run was told, in its order."""

    name: str
    order: messages.TrackVerification
    events: Sequence[Event]
    plan: TrackingPlan

    def judged(self, events: Sequence[Event]) -> Judgement:
        """Return the judgement after these events."""
        order, plan = self.order, self.plan
        record = open_record(
            order.key, provider=order.provider, environment=order.environment, at=order.opened_at, plan=plan
        )
        for event in events:
            match event:
                case Registration():
                    record = apply_registration(record, event, plan=plan)
                case CallbackEvent():
                    record = apply_callback(record, event, finals_may_change=plan.finals_may_change)
                case ReadResult():
                    record = apply_read(record, event, plan=plan, cause=Cause.CALLBACK)
        return record.judgement()


def _decode(payloads: Sequence[dict[str, Any]], model: type[Any]) -> Any:
    return pydantic_data_converter.payload_converter.from_payload(ParseDict(payloads[0], Payload()), model)


def _read(name: str, events: Sequence[dict[str, Any]]) -> Recorded | None:
    """Return a recorded run of a verification that had a callback; None for another one."""
    told: list[Event] = []
    asked: set[str] = set()
    began = events[0]["workflowExecutionStartedEventAttributes"]
    if began["workflowType"]["name"] != messages.VERIFICATION_WORKFLOW:
        return None
    for event in events:
        if signal := event.get("workflowExecutionSignaledEventAttributes"):
            model = SIGNALS.get(signal["signalName"])
            told += [_decode(signal["input"]["payloads"], model)] if model else []
        elif scheduled := event.get("activityTaskScheduledEventAttributes"):
            asked |= (
                {event["eventId"]} if scheduled["activityType"]["name"] in {messages.READ, messages.POLL} else set()
            )
        elif (done := event.get("activityTaskCompletedEventAttributes")) and done["scheduledEventId"] in asked:
            told.append(_decode(done["result"]["payloads"], ReadResult))
    if not any(isinstance(each, CallbackEvent) for each in told):
        return None
    order = _decode(began["input"]["payloads"], messages.TrackVerification)
    return Recorded(name, order, tuple(told), PLANS[name])


def recorded() -> list[Recorded]:
    files = sorted(HISTORIES.glob("*/*.json"))
    readable = [file for file in files if file.stem in PLANS.keys() - OF_ANOTHER_KIND]
    runs = [_read(file.stem, json.loads(file.read_text())["events"]) for file in readable]
    return [run for run in runs if run is not None]


RECORDED: Final = recorded()


def test_most_stories_are_shuffled() -> None:
    assert len(RECORDED) >= 15


@pytest.mark.parametrize("run", RECORDED, ids=lambda run: run.name)
@given(data=st.data())
@tries(12)
def test_a_recorded_story_shuffled_has_the_same_judgement(run: Recorded, data: st.DataObject) -> None:
    others = [event for event in run.events if not isinstance(event, ReadResult)]
    answers = [event for event in run.events if isinstance(event, ReadResult)]
    # A verdict covers what callbacks counted, so a part of the answers shows more.
    answers = answers[: data.draw(st.integers(0, len(answers)))]
    again = data.draw(st.lists(st.sampled_from(others), max_size=3))
    shuffled: list[Event] = list(data.draw(st.permutations([*others, *again])))
    at = 0
    for answer in answers:  # what the provider answers keeps its order
        at = data.draw(st.integers(at, len(shuffled)))
        shuffled.insert(at, answer)
        at += 1

    in_order = [event for event in run.events if not isinstance(event, ReadResult) or event in answers]
    assert run.judged(shuffled) == run.judged(in_order)
