"""ID360's report, in our words."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from vigil.domain.snapshot import MOST_CHECKS, MOST_FILES, MOST_REASONS, Artifact, Check, Drift, Snapshot
from vigil.domain.terms import Advice, CheckStatus, Stage, as_word
from vigil.providers.id360 import vocabulary
from vigil.providers.id360.documents import listed_files
from vigil.providers.id360.wire import enrollment_id
from vigil.providers.parsing import as_instant, as_list, as_object

_MOST_CODES: Final = MOST_REASONS - 1
"""A reason of our own may come before them."""


def is_deleted(report: object) -> bool:
    """Whether the report only says that retention is over; that is no news about the verification."""
    status = as_object(report).get("status")
    return isinstance(status, str) and vocabulary.status_key(status) == vocabulary.DELETED


def unrecognised(field: str, value: object = None) -> Snapshot:
    """Return what a report says that we do not understand: nothing but where we stopped."""
    return Snapshot(stage=Stage.UNRECOGNISED, unrecognised=(Drift(field=field, value=as_word(value)),))


def snapshot_of(report: object, *, reference: str) -> Snapshot:
    """Say what a report says of the user file `reference`. Never raises: odd content is `unrecognised`."""
    if not isinstance(report, dict):
        return unrecognised("report", type(report).__name__)
    if report.get("id") is not None and enrollment_id(report["id"]) != enrollment_id(reference):
        # Another file's verdict must never become this one's.
        return unrecognised("id")
    status = report.get("status")
    if not isinstance(status, str):
        return unrecognised("status", type(status).__name__)
    standing = vocabulary.STATUSES.get(vocabulary.status_key(status))
    if standing is None:
        return unrecognised("status", status).model_copy(update={"word": as_word(status)})
    return _told(report, status, standing)


def _told(report: dict[str, Any], status: str, standing: vocabulary.Standing) -> Snapshot:
    codes = tuple(islice(_codes(report), _MOST_CODES))
    checks = tuple(islice(_checks(report), MOST_CHECKS))
    artifacts = tuple(islice(_artifacts(report), MOST_FILES + 1))
    cut_off = (Drift(field="documents", value=f"more_than_{MOST_FILES}"),) if len(artifacts) > MOST_FILES else ()
    total = len(as_object(report.get("steps")))
    done = sum(_is_done(step) for step in as_object(report.get("steps")).values())
    is_technical = vocabulary.is_only_technical(standing, codes)
    return Snapshot(
        stage=_stage(standing, status, done=done, total=total),
        decision=standing.decision,
        ended=standing.ended,
        advice=Advice.NEW_ATTEMPT if is_technical else standing.advice,
        word=as_word(status),
        code=next(_own_codes(report), None),
        reasons=vocabulary.reasons_for(standing, codes),
        checks=checks,
        steps_done=done if total else None,
        steps_total=total or None,
        artifacts=artifacts[:MOST_FILES],
        provider_created_at=as_instant(report.get("creation_time")),
        provider_finished_at=as_instant(report.get("finished_time")),
        unrecognised=cut_off,
    )


def _stage(standing: vocabulary.Standing, status: str, *, done: int, total: int) -> Stage:
    # inferred: a scheduled job gives the verdict of a file whose applicant left after the last step
    is_left = vocabulary.status_key(status) == vocabulary.STARTED and 0 < total == done
    return Stage.PROCESSING if is_left else standing.stage


def _codes(report: dict[str, Any]) -> Iterator[str]:
    seen = set[str]()
    everywhere = (
        _word(as_object(entry.get("status_code")).get("code"))
        for entry in map(as_object, as_list(report.get("all_status_codes")))
    )
    for code in (*_own_codes(report), *everywhere):
        if code and code not in seen:
            seen.add(code)
            yield code


def _own_codes(report: dict[str, Any]) -> Iterator[str]:
    entries = map(as_object, as_list(report.get("status_codes")))
    return (code for entry in entries if (code := _word(entry.get("code"))))


def _checks(report: dict[str, Any]) -> Iterator[Check]:
    for name, step in as_object(report.get("steps")).items():
        if word := as_word(name):
            yield Check(
                kind=vocabulary.check_kind(word),
                name=word,
                status=vocabulary.step_status(as_object(step).get("status")),
            )


def _is_done(step: object) -> bool:
    status = vocabulary.step_status(as_object(step).get("status"))
    has_finished = isinstance(as_object(step).get("finished_time"), str)
    return has_finished or status in {CheckStatus.PASSED, CheckStatus.FAILED}


def _artifacts(report: dict[str, Any]) -> Iterator[Artifact]:
    return (file.artifact for file in listed_files(report))


def _word(raw: object) -> str | None:
    return as_word(raw) if isinstance(raw, str) else None
