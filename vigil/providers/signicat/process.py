"""What Signicat answers about a process, in our words."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from vigil.domain.snapshot import MOST_CHECKS, MOST_REASONS, Check, Drift, Reason, Snapshot
from vigil.domain.terms import CheckKind, Name, ReasonCode, Stage, as_word
from vigil.providers.parsing import as_instant, as_list, as_object
from vigil.providers.signicat import vocabulary
from vigil.providers.signicat.evidence import artifacts_of, drifts_of
from vigil.providers.signicat.senders import ELECTRONIC_IDENTIFICATION
from vigil.providers.signicat.vocabulary import Standing


def unrecognised(field: str, value: object = None) -> Snapshot:
    """Return what an answer says that we do not understand: nothing but where we stopped."""
    return Snapshot(stage=Stage.UNRECOGNISED, unrecognised=(Drift(field=field, value=as_word(value)),))


def snapshot_of(process: object, *, process_id: str, channel: Name | None = None) -> Snapshot:
    """Say what an answer says of the process. Never raises: odd content is `unrecognised`.

    `channel` is the sender where it is not the sub-provider that calls back.
    """
    if not isinstance(process, dict):
        return unrecognised("process", type(process).__name__)
    if not _is_about(process, process_id):
        # Another process's verdict must never become this one's.
        return unrecognised("processId")
    status = process.get("status")
    if not isinstance(status, str):
        return unrecognised("status", type(status).__name__)
    sender = channel or vocabulary.sender_of(process.get("provider"))
    standing = vocabulary.standing_of(status)
    if standing is None:
        return unrecognised("status", status).model_copy(update={"word": as_word(status), "sender": sender})
    return _told(process, status, standing).model_copy(update={"sender": sender})


def _is_about(process: dict[str, Any], process_id: str) -> bool:
    told = process.get("processId")
    return told is None or (isinstance(told, str) and told.lower() == process_id.lower())


def _told(process: dict[str, Any], status: str, standing: Standing) -> Snapshot:
    is_final = standing.stage is Stage.CONCLUDED
    return Snapshot(
        stage=_stage(process, standing),
        decision=standing.decision,
        ended=standing.ended,
        advice=standing.advice,
        word=as_word(status),
        code=next(_words_of_failure(process), None) if is_final else None,
        reasons=_reasons(process, standing),
        checks=tuple(islice(_checks(process), MOST_CHECKS)),
        artifacts=artifacts_of(process, standing) if is_final else (),
        provider_created_at=as_instant(process.get("createdAt")),
        provider_finished_at=as_instant(process.get("updatedAt")) if is_final else None,
        unrecognised=drifts_of(process) if is_final else (),
    )


def _stage(process: dict[str, Any], standing: Standing) -> Stage:
    # inferred: the agent of a VideoID process is documented, a word of its own for that time is not
    has_agent = (
        vocabulary.sender_of(process.get("provider")) == ELECTRONIC_IDENTIFICATION
        and as_word(process.get("processType")) in vocabulary.AGENT_TYPES
    )
    return Stage.IN_REVIEW if has_agent and standing.stage is Stage.PROCESSING else standing.stage


def _reasons(process: dict[str, Any], standing: Standing) -> tuple[Reason, ...]:
    if standing.because is None:
        return ()
    words = dict.fromkeys((*_words_of_failure(process), *_words_of_verdict(process)))
    told = tuple(Reason(code=standing.because, word=word) for word in islice(words, MOST_REASONS))
    # A failure is technical by definition; the other words say nothing without a word of their own.
    return told or ((Reason(code=standing.because),) if standing.because is ReasonCode.TECHNICAL else ())


def _words_of_failure(process: dict[str, Any]) -> Iterator[str]:
    told = as_object(process.get("failReason"))
    return (word for name in ("type", "category", "reason") if (word := as_word(told.get(name))))


def _words_of_verdict(process: dict[str, Any]) -> Iterator[str]:
    entries = map(as_object, as_list(process.get("statusReasons")))
    return (word for entry in entries if (word := as_word(entry.get("category"))))


def _checks(process: dict[str, Any]) -> Iterator[Check]:
    for name, told in as_object(process.get("providerSpecific")).items():
        if isinstance(told, dict) and "result" in told and (word := as_word(name)):
            kind = vocabulary.CHECKS.get(word, CheckKind.OTHER)
            yield Check(kind=kind, name=word, status=vocabulary.result_of(told["result"]))
