"""One session at Identomat: its script, its callbacks and its result."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from vigil.providers.identomat.senders import CONTRACT
from vigil.simulator.base import Outgoing, ScriptedEvent, SimulatedVerification, latest
from vigil.simulator.engine import NO_FAULTS, Callback, Faults
from vigil.simulator.identomat import payloads
from vigil.simulator.identomat.scenario import ExtraCallback, IdentomatScenario, Outcome, Room

IN_PROGRESS: Final = "in_progress"
EXPIRES_AFTER: Final = timedelta(minutes=15)
FINAL: Final = frozenset({"approved", "rejected"})
NEVER_ANNOUNCED: Final = frozenset({IN_PROGRESS, "expired"})
SENT_BACK: Final = "additional_information_requested"
UNSUBMITTED: Final = NEVER_ANNOUNCED | {SENT_BACK}
NOW: Final = timedelta(0)
WRONG_KEY: Final = "not-the-agreed-key"


@dataclass(frozen=True, kw_only=True)
class Event(ScriptedEvent):
    """One change of a session, with the body of the callback that announces it."""

    body: Mapping[str, Any] | None = None


def script(scenario: IdentomatScenario) -> Iterator[Event]:
    """Return all changes of a session."""
    yield _change(scenario, IN_PROGRESS, at=NOW)
    submitted_at = scenario.think + scenario.step_every
    is_reviewed = scenario.manual_check and scenario.outcome.value in FINAL
    if is_reviewed:
        yield _change(scenario, "manual_check", at=submitted_at)
    if scenario.outcome is not Outcome.SILENT:
        ends_at = submitted_at + (scenario.review_for if is_reviewed else NOW)
        status = scenario.unknown_status or scenario.outcome.value
        yield _change(scenario, status, at=EXPIRES_AFTER if scenario.outcome is Outcome.EXPIRED else ends_at)
    for change in scenario.changes:
        yield _change(scenario, change.result, at=change.at)
    for room in scenario.rooms:
        yield from _call(room)
    for message in scenario.messages:
        body = payloads.message(message)
        yield _announced(message.kind, body, at=message.at, faults=Faults(duplicates=message.times - 1))


def _change(scenario: IdentomatScenario, word: str, *, at: timedelta) -> Event:
    status = word.lower()
    return Event(
        at=at,
        name=status,
        status=status,
        body=payloads.session_change(scenario, word),
        is_announced=status not in NEVER_ANNOUNCED,
        is_final=status in {*FINAL, (scenario.unknown_status or "").lower()},
    )


def _call(room: Room) -> Iterator[Event]:
    if room.tells_end and room.ends == "recorded":
        yield _announced(f"{room.room} ended", payloads.video_call(room, age=room.at), at=room.at)
    at, faults = room.complete_at, Faults(dropped=room.callback_dropped)
    yield _announced(f"{room.room} {room.ends}", payloads.video_call(room, age=at), at=at, faults=faults)


def _announced(name: str, body: Mapping[str, Any], *, at: timedelta, faults: Faults = NO_FAULTS) -> Event:
    return Event(at=at, name=name, body=body, is_announced=True, faults=faults)


class Session(SimulatedVerification[IdentomatScenario, Event]):
    """One session."""

    def callbacks(self, event: Event) -> Iterable[Outgoing]:
        """Return one callback for each company, with that company's key in its body."""
        for company in self.scenario.endpoints:
            key = WRONG_KEY if event.faults.wrong_secret else company.callback_api_key
            body = {"callbackApiKey": key, "sessionId": self.reference, **(event.body or {})}
            yield CONTRACT, Callback(name=event.name, content=json.dumps(body).encode()), company

    def extra_event(self, ordered: bytes) -> Event:
        """Return the event of one more callback. Raises `ValidationError`."""
        extra = ExtraCallback.model_validate_json(ordered)
        event = _change(self.scenario, extra.result, at=self.age)
        return replace(event, name=f"extra {event.name}")

    @property
    def is_submitted(self) -> bool:
        """Whether the applicant has sent pictures and data."""
        statuses = {event.status for event in self.script if event.status is not None and event.at <= self.age}
        return not statuses <= UNSUBMITTED

    @property
    def rounds(self) -> int:
        """How often the applicant was sent back. The pictures of each round have the same addresses."""
        return sum(event.status == SENT_BACK and event.at <= self.age for event in self.script)

    def result(self) -> Mapping[str, Any]:
        """Return its result as of now."""
        event = latest(self.script, self.age)
        status = event.status if event is not None and event.status is not None else IN_PROGRESS
        return payloads.result(self.scenario, status, age=self.age, is_submitted=self.is_submitted)

    def find_recording(self, file: str) -> Room | None:
        """Return the call whose recording has this id and is known by now; None: there is none."""
        recorded = (room for room in self.scenario.rooms if room.ends == "recorded" and room.complete_at <= self.age)
        return next((room for room in recorded if room.file == file), None)
