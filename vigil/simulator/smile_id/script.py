"""The script of a Smile ID job: what happens when, as a pure function of its scenario."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from vigil.simulator.base import ScriptedEvent
from vigil.simulator.smile_id.scenario import Generation, SmileIdScenario

BIOMETRIC_KYC: Final = 1
AUTHORITY_DOWN: Final = frozenset({"1015", "0908"})
APPROVING: Final[Mapping[int, str]] = {
    1: "0810",
    2: "0820",
    4: "0840",
    5: "1012",
    6: "0810",
    7: "1012",
    8: "0840",
    9: "0810",
    10: "1031",
    11: "0810",
    12: "1012",
}
"""By job type, the code of an approved job; of 8, 9 and 12 no sample is known."""
PROVISIONAL: Final[Mapping[int, frozenset[str]]] = {
    1: frozenset({"0812", "0814", "0815"}),
    2: frozenset({"0822", "0824", "0825"}),
    4: frozenset({"0842", "0844", "0846"}),
}
"""By job type, the codes that a reviewer may replace."""
PROCESSING: Final = "processing"


class Kind(StrEnum):
    """The results that a job of the first generation can have."""

    IDENTITY = "identity"
    BIOMETRIC = "biometric"
    WHOLE = "whole"


@dataclass(frozen=True, kw_only=True)
class Event(ScriptedEvent):
    """One change of a job.

    `word` is the code or the status that a callback names; where it is not the `status`, the result keeps its word.
    `kind` distinguishes results of the first generation; `is_update` marks a change after the end in the third.
    `is_settled`: no other result is open any more.
    """

    word: str = ""
    kind: Kind | None = None
    is_settled: bool = False
    is_update: bool = False


def script(scenario: SmileIdScenario) -> Iterator[Event]:
    """Return all changes of a job, in order."""
    events = sorted(
        _v1(scenario) if scenario.generation is Generation.V1 else _v3(scenario), key=lambda event: event.at
    )
    last = next((event for event in reversed(events) if event.is_announced and not event.is_update), None)
    for event in events:
        is_final = event is last or event.is_settled
        yield replace(event, is_final=is_final)


def result(scenario: SmileIdScenario, code: str, *, at: timedelta, kind: Kind | None = None) -> Event:
    """Return a result of the first generation, and its callback."""
    if kind is None:
        is_identity = code.startswith("10")
        halves = Kind.IDENTITY if is_identity else Kind.BIOMETRIC
        kind = halves if scenario.job_type == BIOMETRIC_KYC else Kind.WHOLE
    return Event(at=at, name=f"{kind} {code}", status=code, word=code, kind=kind, is_announced=True)


def verdict(word: str, *, at: timedelta) -> Event:
    """Return an end of the third generation, and its callback."""
    return Event(at=at, name=f"final {word}", status=word, word=word, is_announced=True)


def _v1(scenario: SmileIdScenario) -> Iterator[Event]:
    yield Event(at=timedelta(0), name="created")
    if scenario.silent:
        return
    yield Event(at=scenario.think, name="submitted")
    known: dict[Kind | None, str] = {}
    needed = 2 if scenario.job_type == BIOMETRIC_KYC else 1
    for event in sorted(_results(scenario), key=lambda each: each.at):
        known[event.kind] = event.word
        is_open = any(_is_open(scenario.job_type, code) for code in known.values())
        yield replace(event, is_settled=len(known) == needed and not is_open)


def _results(scenario: SmileIdScenario) -> Iterator[Event]:
    # The kind follows from the place and not from the code, which may be unknown.
    own = scenario.code or APPROVING[scenario.job_type]
    results = [(Kind.WHOLE, own)]
    if scenario.job_type == BIOMETRIC_KYC:
        results = [(Kind.IDENTITY, scenario.identity_code), (Kind.BIOMETRIC, own)]
    if not scenario.identity_first:
        results.reverse()
    at = scenario.think
    for kind, code in results:
        at += scenario.step_every
        yield result(scenario, code, at=at, kind=kind)
        if code in AUTHORITY_DOWN and scenario.heals_after is not None:
            healed = "1012" if kind is Kind.IDENTITY else APPROVING[scenario.job_type]
            yield result(scenario, healed, at=at + scenario.heals_after, kind=kind)
        if kind is not Kind.IDENTITY and scenario.reviewed_code is not None:
            yield result(scenario, scenario.reviewed_code, at=at + scenario.review_for, kind=kind)


def _is_open(job_type: int, code: str) -> bool:
    """Return whether a review or the return of the ID authority may follow."""
    return code in AUTHORITY_DOWN or code in PROVISIONAL.get(job_type, ())


def _v3(scenario: SmileIdScenario) -> Iterator[Event]:
    yield Event(at=timedelta(0), name="created", status=PROCESSING)
    if scenario.silent:
        return
    ends_at = scenario.think + scenario.step_every
    yield replace(verdict(scenario.status, at=ends_at), is_settled=True)
    if scenario.monitoring_after is not None:
        update = verdict("attention", at=ends_at + scenario.monitoring_after)
        yield replace(
            update,
            name=f"aml_monitoring_update {update.word}",
            status=update.word if scenario.monitoring_changes_status else None,
            is_update=True,
        )
