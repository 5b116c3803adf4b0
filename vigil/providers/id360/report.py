"""Translates ID360's report into a snapshot."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from vigil.domain.snapshot import MOST_CHECKS, MOST_FILES, MOST_REASONS, Check, Drift, Snapshot
from vigil.domain.terms import Advice, CheckStatus, Stage, as_word
from vigil.providers.answers import too_many_files, unrecognised
from vigil.providers.id360 import vocabulary
from vigil.providers.id360.documents import listed_files
from vigil.providers.id360.vocabulary import ReportStatus
from vigil.providers.id360.wire import enrollment_id
from vigil.providers.parsing import as_instant, as_list, as_object

_MAX_CODES: Final = MOST_REASONS - 1
"""A reason of our own may come before them."""


def is_deleted(report: object) -> bool:
    """Whether the report only says that the retention period is over. That changes no verdict."""
    status = as_object(report).get("status")
    return isinstance(status, str) and status.upper() == vocabulary.DELETED


def snapshot_of(report: object, *, reference: str) -> Snapshot:
    """Return the snapshot of the user file `reference`. Never raises: unknown content is `unrecognised`."""
    if not isinstance(report, dict):
        return unrecognised("report", type(report).__name__)
    if report.get("id") is not None and enrollment_id(report["id"]) != enrollment_id(reference):
        # The verdict of another user file must never become the verdict of this one.
        return unrecognised("id")
    status = report.get("status")
    if not isinstance(status, str):
        return unrecognised("status", type(status).__name__)
    meaning = vocabulary.meaning_of(status)
    if meaning is None:
        return unrecognised("status", status, word=status)
    return _build_snapshot(report, status, meaning)


def _build_snapshot(report: dict[str, Any], status: str, meaning: ReportStatus) -> Snapshot:
    codes = tuple(islice(_codes(report), _MAX_CODES))
    artifacts = tuple(file.artifact for file in islice(listed_files(report), MOST_FILES + 1))
    too_many = too_many_files("documents", len(artifacts))
    steps = as_object(report.get("steps"))
    done, total = sum(map(_is_done, steps.values())), len(steps)
    unnamed = () if all(map(as_word, steps)) else (Drift(field="steps", value="unnamed"),)
    return Snapshot(
        stage=_stage(meaning, status, done=done, total=total),
        decision=meaning.decision,
        ended=meaning.ended,
        advice=Advice.NEW_ATTEMPT if vocabulary.is_only_technical(meaning, codes) else meaning.advice,
        word=vocabulary.status_word(status),
        code=next(_own_codes(report), None),
        reasons=vocabulary.reasons_for(meaning, codes),
        checks=tuple(islice(_checks(steps), MOST_CHECKS)),
        steps_done=done if total else None,
        steps_total=total or None,
        artifacts=artifacts[:MOST_FILES],
        provider_created_at=as_instant(report.get("creation_time")),
        provider_finished_at=as_instant(report.get("finished_time")),
        unrecognised=(*too_many, *unnamed),
    )


def _stage(meaning: ReportStatus, status: str, *, done: int, total: int) -> Stage:
    # inferred: if the applicant leaves after the last step, a scheduled job gives the verdict later
    is_waiting_for_job = status.upper() == vocabulary.STARTED and 0 < total == done
    return Stage.PROCESSING if is_waiting_for_job else meaning.stage


def _codes(report: dict[str, Any]) -> Iterator[str]:
    entries = map(as_object, as_list(report.get("all_status_codes")))
    everywhere = (_word(as_object(entry.get("status_code")).get("code")) for entry in entries)
    yield from dict.fromkeys(code for code in (*_own_codes(report), *everywhere) if code)


def _own_codes(report: dict[str, Any]) -> Iterator[str]:
    entries = map(as_object, as_list(report.get("status_codes")))
    return (code for entry in entries if (code := _word(entry.get("code"))))


def _checks(steps: dict[str, Any]) -> Iterator[Check]:
    for name, step in steps.items():
        if word := as_word(name):
            status = vocabulary.step_status(as_object(step).get("status"))
            yield Check(kind=vocabulary.check_kind(word), name=word, status=status)


def _is_done(step: object) -> bool:
    status = vocabulary.step_status(as_object(step).get("status"))
    has_finished = isinstance(as_object(step).get("finished_time"), str)
    return has_finished or status in {CheckStatus.PASSED, CheckStatus.FAILED}


def _word(raw: object) -> str | None:
    return as_word(raw) if isinstance(raw, str) else None
