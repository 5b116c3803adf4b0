"""What happens in a job of Smile ID, and when: a pure function of its scenario."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from vigil.domain.terms import Frozen
from vigil.simulator.engine import Faults
from vigil.simulator.smile_id.scenario import APPROVING, BIOMETRIC_KYC, Generation, SmileIdScenario

NOW: Final = timedelta(0)
AUTHORITY_DOWN: Final = frozenset({"1015", "0908"})
PROVISIONAL: Final[Mapping[int, frozenset[str]]] = {
    1: frozenset({"0812", "0814", "0815"}),
    2: frozenset({"0822", "0824", "0825"}),
    4: frozenset({"0842", "0844", "0846"}),
}
"""By job type, what a reviewer may have the last word on."""
PROCESSING: Final = "processing"
MONITORING_UPDATE: Final = "aml_monitoring_update"


class Kind(StrEnum):
    """Which of a job's results of the first generation."""

    IDENTITY = "identity"
    BIOMETRIC = "biometric"
    WHOLE = "whole"


class Beat(Frozen):
    """One change of a job. `at` is when, `reported_at` when whoever asks is told.

    `word` is the result code or the status that it brings, `kind` tells results of the first generation apart, and
    `product` is what a callback of the third names in place of the job's own. `is_settled`: nothing is open any more.
    A beat that `is_told` has a callback; one that `is_aside` changes nothing of what is said of the job.
    """

    at: timedelta
    reported_at: timedelta
    name: str
    word: str | None = None
    kind: Kind | None = None
    product: str | None = None
    reason: str | None = None
    is_told: bool = False
    is_aside: bool = False
    is_settled: bool = False
    is_final: bool = False
    faults: Faults = Faults()


def script(scenario: SmileIdScenario) -> tuple[Beat, ...]:
    """Return all changes of the job in order."""
    course = _v1(scenario) if scenario.generation is Generation.V1 else _v3(scenario)
    return tuple(_with_faults(scenario, sorted(course, key=lambda beat: beat.at)))


def kind_of(job_type: int, code: str) -> Kind:
    """Say to which of a job's results a code belongs."""
    if job_type != BIOMETRIC_KYC:
        return Kind.WHOLE
    return Kind.IDENTITY if code.startswith("10") else Kind.BIOMETRIC


def is_open(job_type: int, code: str) -> bool:
    """Say whether something may follow: a review, or the authority's return."""
    return code in AUTHORITY_DOWN or code in PROVISIONAL.get(job_type, ())


def results(beats: Iterable[Beat], age: timedelta) -> list[Beat]:
    """Return the results that a job of this age tells, oldest first."""
    return [beat for beat in beats if beat.kind is not None and beat.reported_at <= age]


def status(beats: Iterable[Beat], age: timedelta) -> Beat | None:
    """Return what the status of a job of the third generation says at this age; None: it does not exist yet."""
    said = [beat for beat in beats if beat.word is not None and not beat.is_aside and beat.reported_at <= age]
    return said[-1] if said else None


def quiet(name: str, at: timedelta, word: str | None = None) -> Beat:
    """Return a change that nobody is told of."""
    return Beat(at=at, reported_at=at, name=name, word=word)


def result(scenario: SmileIdScenario, code: str, *, at: timedelta) -> Beat:
    """Return a result of the first generation, and its callback."""
    kind = kind_of(scenario.job_type, code)
    return Beat(at=at, reported_at=at, name=f"{kind} {code}", word=code, kind=kind, is_told=True)


def verdict(word: str, *, at: timedelta, reason: str | None = None, product: str | None = None) -> Beat:
    """Return an end of the third generation, and its callback; with a product it is one that follows the end."""
    name = f"{product or 'final'} {word}"
    return Beat(at=at, reported_at=at, name=name, word=word, reason=reason, product=product, is_told=True)


def _v1(scenario: SmileIdScenario) -> Iterator[Beat]:
    yield quiet("created", NOW)
    if scenario.silent:
        return
    yield quiet("submitted", scenario.think)
    known: dict[Kind, str] = {}
    wanted = 1 if scenario.job_type != BIOMETRIC_KYC else 2
    for beat in sorted(_results(scenario), key=lambda each: each.at):
        known[beat.kind or Kind.WHOLE] = beat.word or ""
        is_settled = len(known) == wanted and not any(is_open(scenario.job_type, code) for code in known.values())
        yield beat.model_copy(update={"is_settled": is_settled})


def _results(scenario: SmileIdScenario) -> Iterator[Beat]:
    first_at = scenario.think + scenario.step_every
    codes = [scenario.own_code]
    if scenario.job_type == BIOMETRIC_KYC:
        codes = [scenario.identity_code, scenario.own_code]
    if not scenario.identity_first:
        codes.reverse()
    for number, code in enumerate(codes):
        at = first_at + number * scenario.step_every
        # By its place and not by its code, which may be one that nobody knows.
        kind = Kind.WHOLE if len(codes) == 1 else _half(scenario, number)
        beat = result(scenario, code, at=at).model_copy(update={"kind": kind, "name": f"{kind} {code}"})
        yield beat
        if code in AUTHORITY_DOWN and scenario.heals_after is not None:
            healed = "1012" if kind is Kind.IDENTITY else APPROVING[scenario.job_type]
            yield result(scenario, healed, at=at + scenario.heals_after).model_copy(update={"kind": kind})
        if kind is not Kind.IDENTITY and scenario.reviewed_code is not None:
            reviewed = result(scenario, scenario.reviewed_code, at=at + scenario.review_for)
            yield reviewed.model_copy(update={"kind": kind, "name": f"reviewed {scenario.reviewed_code}"})


def _half(scenario: SmileIdScenario, number: int) -> Kind:
    return Kind.IDENTITY if (number == 0) == scenario.identity_first else Kind.BIOMETRIC


def _v3(scenario: SmileIdScenario) -> Iterator[Beat]:
    yield quiet("created", scenario.appears_after, PROCESSING)
    if scenario.silent:
        return
    ends_at = scenario.think + scenario.step_every
    end = verdict(scenario.status, at=ends_at, reason=scenario.reason or likely_reason(scenario.status))
    yield end.model_copy(update={"is_settled": True})
    if scenario.monitoring_after is not None:
        at = ends_at + scenario.monitoring_after
        reason = likely_reason(scenario.monitoring_status)
        update = verdict(scenario.monitoring_status, at=at, reason=reason, product=MONITORING_UPDATE)
        yield update.model_copy(update={"is_aside": not scenario.monitoring_changes_status})


def likely_reason(status: str) -> str | None:
    """Return a reason that the documents name for a status."""
    reasons = {"block": "face_verification_failed", "attention": "document_expired", "error": "service_unavailable"}
    return reasons.get(status)


def _with_faults(scenario: SmileIdScenario, beats: list[Beat]) -> Iterator[Beat]:
    told = [beat for beat in beats if beat.is_told and beat.product is None]
    finals = [beat for beat in told if beat.is_settled or beat is told[-1]]
    index = 0
    for beat in beats:
        if not beat.is_told:
            yield beat
            continue
        is_final = beat in finals
        until_final = next((final.at - beat.at for final in finals if final.at >= beat.at), NOW)
        faults = scenario.faults_of(index=index, final=is_final, until_final=until_final)
        index += 1
        lag = scenario.lagging_report + faults.delay if is_final and scenario.lagging_report else NOW
        yield beat.model_copy(update={"is_final": is_final, "faults": faults, "reported_at": beat.at + lag})
