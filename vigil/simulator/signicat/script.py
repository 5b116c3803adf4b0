"""What happens in a process of Assure, and when: a pure function of its scenario."""

from datetime import timedelta
from typing import Final

from vigil.domain.terms import Frozen
from vigil.simulator.engine import Faults
from vigil.simulator.signicat.scenario import Outcome, SignicatScenario

PENDING: Final = "pending"
PROCESSING: Final = "processing"
DELETED: Final = "deleted"
COMPLETE: Final = "process.complete"


class Beat(Frozen):
    """One change of a process. `at` is when, `reported_at` when Assure's answers say so.

    `status` is None where the process stays as it is. `event` names what is told of it (None: nothing); the older
    generation knows of `COMPLETE` alone.
    """

    at: timedelta
    reported_at: timedelta
    status: str | None
    name: str
    event: str | None = None
    faults: Faults = Faults()

    @property
    def is_final(self) -> bool:
        """Whether the process has ended with this change."""
        return self.status not in {None, PENDING, PROCESSING}


def script(scenario: SignicatScenario) -> tuple[Beat, ...]:
    """Return all changes of the process in order."""
    begins_at = scenario.hosted_capture or timedelta(0)
    beats = [_quiet("created", PENDING, at=begins_at)]
    if scenario.outcome is Outcome.SILENT:
        return tuple(beats)
    processing_at = begins_at + scenario.think
    ends_at = processing_at + scenario.processing_for
    beats.append(_processing(scenario, at=processing_at))
    return (*beats, *ending(scenario, at=ends_at, index=int(scenario.announces_processing)))


def ending(scenario: SignicatScenario, *, at: timedelta, index: int, is_told: bool = True) -> tuple[Beat, ...]:
    """Return all changes from the final status on, of which the first callback has this index."""
    word = scenario.unknown_status or scenario.outcome.value
    beats = [final(scenario, word, at=at, index=index, is_told=is_told)]
    if scenario.zip_event is not None:
        beats.append(_zipped(scenario, at=at + scenario.zip_lags, index=index + 1))
    if scenario.second_final is not None:
        beats.append(final(scenario, scenario.second_final, at=at + scenario.second_final_after, index=index + 1))
    if scenario.deleted_after is not None:
        beats.append(_quiet("deleted", DELETED, at=at + scenario.deleted_after))
    return tuple(sorted(beats, key=lambda beat: beat.at))


def reported(beats: tuple[Beat, ...], age: timedelta) -> Beat | None:
    """Return the change of status that Assure tells of a process of this age; None: it does not exist yet."""
    return next((beat for beat in reversed(beats) if beat.status is not None and beat.reported_at <= age), None)


def final(scenario: SignicatScenario, status: str, *, at: timedelta, index: int, is_told: bool = True) -> Beat:
    """Return an end of the process."""
    faults = _faults(scenario, index=index, final=True, until_final=timedelta(0))
    lag = scenario.lagging_report + faults.delay if scenario.lagging_report else timedelta(0)
    return Beat(
        at=at,
        reported_at=at + lag,
        status=status,
        name=f"final {status}",
        event=COMPLETE if is_told else None,
        faults=faults,
    )


def _quiet(name: str, status: str, *, at: timedelta) -> Beat:
    return Beat(at=at, reported_at=at, status=status, name=name)


def _processing(scenario: SignicatScenario, *, at: timedelta) -> Beat:
    if not scenario.announces_processing:
        return _quiet("processing", PROCESSING, at=at)
    faults = _faults(scenario, index=0, final=False, until_final=scenario.processing_for)
    return Beat(at=at, reported_at=at, status=PROCESSING, name="processing", event=COMPLETE, faults=faults)


def _zipped(scenario: SignicatScenario, *, at: timedelta, index: int) -> Beat:
    faults = _faults(scenario, index=index, final=False, until_final=timedelta(0))
    return Beat(at=at, reported_at=at, status=None, name="zip ready", event=scenario.zip_event, faults=faults)


def _faults(scenario: SignicatScenario, *, index: int, final: bool, until_final: timedelta) -> Faults:
    found = scenario.faults_of(index=index, final=final, until_final=until_final)
    return found.model_copy(update={"lost_when_held": not scenario.held_is_resent})
