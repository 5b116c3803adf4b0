"""What happens in a session of Identomat, and when: a pure function of its scenario."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from vigil.domain.terms import Frozen
from vigil.simulator.engine import Faults
from vigil.simulator.identomat import payloads
from vigil.simulator.identomat.scenario import IdentomatScenario, Message, Outcome, Room

IN_PROGRESS: Final = "in_progress"
EXPIRED: Final = "expired"
DELETED: Final = "deleted"
FINAL: Final = frozenset({"approved", "rejected"})
NEVER_ANNOUNCED: Final = frozenset({IN_PROGRESS, EXPIRED, DELETED})
UNSUBMITTED: Final = NEVER_ANNOUNCED | {"additional_information_requested"}
NOW: Final = timedelta(0)


class Beat(Frozen):
    """One change of a session. `at` is when, `reported_at` when its result says so.

    `status` is None where the result's word stays as it is, `body` what is told of it (None: nothing).
    """

    at: timedelta
    reported_at: timedelta
    name: str
    status: str | None = None
    body: Mapping[str, Any] | None = None
    is_final: bool = False
    faults: Faults = Faults()


def script(scenario: IdentomatScenario) -> tuple[Beat, ...]:
    """Return all changes of the session in order."""
    beats = [*_course(scenario), *(each for room in scenario.rooms for each in _room(scenario, room))]
    beats += [_message(scenario, each) for each in scenario.messages]
    return tuple(_with_faults(scenario, sorted(beats, key=lambda beat: beat.at)))


def status_beat(scenario: IdentomatScenario, word: str, *, at: timedelta) -> Beat:
    """Return a change of the result's word; callbacks shout it, where they tell it at all."""
    is_told = word.lower() not in NEVER_ANNOUNCED
    body = payloads.session_change(scenario, word.upper()) if is_told else None
    is_final = word.lower() in {*FINAL, (scenario.unknown_status or "").lower()}
    return Beat(at=at, reported_at=at, name=word.lower(), status=word.lower(), body=body, is_final=is_final)


def is_submitted(beats: Iterable[Beat], age: timedelta) -> bool:
    """Say whether the applicant of a session of this age has ever submitted everything."""
    return any(beat.status is not None and beat.status not in UNSUBMITTED and beat.at <= age for beat in beats)


def status_of(beats: Iterable[Beat], age: timedelta) -> str:
    """Return the word that the result of a session of this age says."""
    return [beat.status for beat in beats if beat.status is not None and beat.reported_at <= age][-1]


def _course(scenario: IdentomatScenario) -> Iterator[Beat]:
    yield status_beat(scenario, IN_PROGRESS, at=NOW)
    ends_at = _ends_at(scenario)
    if scenario.manual_check and scenario.outcome.value in FINAL:
        yield status_beat(scenario, "manual_check", at=scenario.think + scenario.step_every)
    if ends_at is not None:
        yield status_beat(scenario, scenario.unknown_status or scenario.outcome.value, at=ends_at)
    for change in scenario.changes:
        yield status_beat(scenario, change.result, at=change.at)
    if scenario.deleted_after is not None:
        yield status_beat(scenario, DELETED, at=(ends_at or NOW) + scenario.deleted_after)


def _ends_at(scenario: IdentomatScenario) -> timedelta | None:
    match scenario.outcome:
        case Outcome.SILENT:
            return None
        case Outcome.EXPIRED:
            return scenario.lifetime
        case _:
            return scenario.think + scenario.step_every + (scenario.review_for if scenario.manual_check else NOW)


def _room(scenario: IdentomatScenario, room: Room) -> Iterator[Beat]:
    if room.tells_end and room.ends == "recorded":
        body = payloads.video_call(scenario, room, age=room.at)
        yield Beat(at=room.at, reported_at=room.at, name=f"{room.room} ended", body=body)
    at = room.told_at
    yield Beat(
        at=at,
        reported_at=at,
        name=f"{room.room} {room.ends}",
        body=payloads.video_call(scenario, room, age=at),
        faults=Faults(dropped=room.callback_dropped),
    )


def _message(scenario: IdentomatScenario, message: Message) -> Beat:
    return Beat(
        at=message.at,
        reported_at=message.at,
        name=message.kind,
        body=payloads.message(scenario, message),
        faults=Faults(duplicates=message.times - 1),
    )


def _with_faults(scenario: IdentomatScenario, beats: list[Beat]) -> Iterator[Beat]:
    index = 0
    for number, beat in enumerate(beats):
        if beat.body is None:
            yield beat
            continue
        finals = (later.at - beat.at for later in beats[number:] if later.is_final and beat.status is not None)
        found = scenario.faults_of(index=index, final=beat.is_final, until_final=next(finals, NOW))
        index += 1
        faults = found.model_copy(
            update={
                "dropped": found.dropped or beat.faults.dropped,
                "duplicates": found.duplicates + beat.faults.duplicates,
            }
        )
        lag = scenario.lagging_report + faults.delay if beat.is_final and scenario.lagging_report else NOW
        yield beat.model_copy(update={"faults": faults, "reported_at": beat.at + lag})
