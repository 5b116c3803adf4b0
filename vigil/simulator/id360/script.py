"""What happens in an ID360 verification, and when: a pure function of its scenario."""

from datetime import timedelta
from typing import Any, Final

from vigil.domain.terms import Frozen
from vigil.simulator.engine import Faults
from vigil.simulator.id360 import payloads
from vigil.simulator.id360.scenario import Id360Scenario, Outcome

NEW: Final = "NEW"
STARTED: Final = "STARTED"
DELETED: Final = "DELETED"


class Beat(Frozen):
    """One change at ID360. `at` is when, `reported_at` when the report says so, `code` who is told (None: nobody)."""

    at: timedelta
    reported_at: timedelta
    status: str
    reason: str | None = None
    done: int
    name: str
    code: str | None = None
    body: dict[str, Any] | None = None
    faults: Faults = Faults()

    @property
    def is_final(self) -> bool:
        """Whether the verification has ended with this change."""
        return self.status not in {NEW, STARTED}


def code_of(status: str) -> str:
    """Return the subscription code under which a status is told.

    A status that ID360 does not document has no code; it is told like an end.
    """
    return {STARTED: "I", "FAILED": "F", "CANCELED": "C"}.get(status, "E")


def reason_of(status: str) -> str | None:
    """Return the free text that goes with a status."""
    return {
        "KO": "1 validations failed: IDENTITY_DOCUMENT.expired",
        "FAILED": "processing time exceeded",
    }.get(status)


def script(scenario: Id360Scenario, reference: int) -> tuple[Beat, ...]:
    """Return all changes of the verification in order."""
    beats = [_created(), _begun(scenario), *_steps(scenario, reference)]
    if scenario.outcome is Outcome.SILENT:
        return tuple(beats)
    word = scenario.unknown_status or scenario.outcome.value
    final = _final(scenario, reference, word, at=_ends_at(scenario), index=len(beats) - 2)
    beats.append(final)
    if scenario.second_final is not None:
        at = final.at + scenario.second_final_after
        index = len(beats) - 2
        beats.append(_final(scenario, reference, scenario.second_final, at=at, index=index))
    if scenario.deleted_after is not None:
        at = final.at + scenario.deleted_after
        beats.append(Beat(at=at, reported_at=at, status=DELETED, done=final.done, name="deleted"))
    return tuple(sorted(beats, key=lambda beat: beat.at))


def _ends_at(scenario: Id360Scenario) -> timedelta:
    return scenario.think + scenario.step_every * (scenario.done_at_end + 1)


def _counted(scenario: Id360Scenario) -> int:
    # Taken literally, ID360 says that a final callback counts all steps as done, also where some never ran.
    if scenario.outcome is Outcome.CANCELED and scenario.canceled_counts == "reached":
        return scenario.done_at_end
    return len(scenario.steps)


def reported(beats: tuple[Beat, ...], age: timedelta) -> Beat:
    """Return the change that the report of a verification of this age tells."""
    return [beat for beat in beats if beat.reported_at <= age][-1]


def _created() -> Beat:
    return Beat(at=timedelta(0), reported_at=timedelta(0), status=NEW, done=0, name="created")


def _begun(scenario: Id360Scenario) -> Beat:
    return Beat(at=scenario.think, reported_at=scenario.think, status=STARTED, done=0, name="begun")


def _steps(scenario: Id360Scenario, reference: int) -> list[Beat]:
    beats = []
    for index in range(scenario.done_at_end):
        at = scenario.think + scenario.step_every * (index + 1)
        beats.append(
            Beat(
                at=at,
                reported_at=at,
                status=STARTED,
                done=index + 1,
                name=f"step {index + 1}: {scenario.steps[index]}",
                code=code_of(STARTED),
                body=payloads.intermediate(scenario, reference, step=index, done=index + 1),
                faults=scenario.faults_of(index=index, final=False, until_final=_ends_at(scenario) - at),
            )
        )
    return beats


def _final(scenario: Id360Scenario, reference: int, status: str, *, at: timedelta, index: int) -> Beat:
    faults = scenario.faults_of(index=index, final=True, until_final=timedelta(0))
    reason = reason_of(status)
    lag = scenario.lagging_report + faults.delay if scenario.lagging_report else timedelta(0)
    return Beat(
        at=at,
        reported_at=at + lag,
        status=status,
        reason=reason,
        done=scenario.done_at_end,
        name=f"final {status}",
        code=code_of(status),
        body=payloads.final(scenario, reference, status=status, reason=reason, done=_counted(scenario)),
        faults=faults,
    )
