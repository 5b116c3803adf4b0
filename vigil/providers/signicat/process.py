"""Translates Signicat's answer about a process into a snapshot."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from vigil.domain.snapshot import MOST_CHECKS, MOST_REASONS, Check, Reason, Snapshot
from vigil.domain.terms import CheckKind, Name, ReasonCode, Stage, as_word
from vigil.providers.answers import unrecognised
from vigil.providers.parsing import as_instant, as_list, as_object
from vigil.providers.signicat import vocabulary
from vigil.providers.signicat.evidence import artifacts_of, drifts_of
from vigil.providers.signicat.senders import ELECTRONIC_IDENTIFICATION
from vigil.providers.vocabulary import StatusMeaning


def snapshot_of(process: object, *, process_id: str, channel: Name | None = None) -> Snapshot:
    """Return the snapshot of a process. Never raises: unknown content is `unrecognised`.

    `channel` is the sender of callbacks if it is not the sub-provider.
    """
    if not isinstance(process, dict):
        return unrecognised("process", type(process).__name__)
    if not _is_about(process, process_id):
        # The verdict of another process must never become the verdict of this one.
        return unrecognised("processId")
    status = process.get("status")
    if not isinstance(status, str):
        return unrecognised("status", type(status).__name__)
    sender = channel or vocabulary.sender_of(process.get("provider"))
    meaning = vocabulary.meaning_of(status)
    if meaning is None:
        return unrecognised("status", status, sender=sender, word=status)
    return _build_snapshot(process, status, meaning, sender)


def _is_about(process: dict[str, Any], process_id: str) -> bool:
    found = process.get("processId")
    return found is None or (isinstance(found, str) and found.lower() == process_id.lower())


def _build_snapshot(process: dict[str, Any], status: str, meaning: StatusMeaning, sender: Name | None) -> Snapshot:
    is_final = meaning.stage is Stage.CONCLUDED
    return Snapshot(
        stage=_stage(process, meaning),
        decision=meaning.decision,
        ended=meaning.ended,
        advice=meaning.advice,
        sender=sender,
        word=as_word(status),
        code=next(_words_of_failure(process), None) if is_final else None,
        reasons=_reasons(process, meaning),
        checks=tuple(islice(_checks(process), MOST_CHECKS)),
        artifacts=artifacts_of(process, meaning) if is_final else (),
        provider_created_at=as_instant(process.get("createdAt")),
        provider_finished_at=as_instant(process.get("updatedAt")) if is_final else None,
        unrecognised=drifts_of(process) if is_final else (),
    )


def _stage(process: dict[str, Any], meaning: StatusMeaning) -> Stage:
    # inferred: the agent of a VideoID process is documented; a status for the time with the agent is not
    has_agent = (
        vocabulary.sender_of(process.get("provider")) == ELECTRONIC_IDENTIFICATION
        and as_word(process.get("processType")) in vocabulary.AGENT_TYPES
    )
    return Stage.IN_REVIEW if has_agent and meaning.stage is Stage.PROCESSING else meaning.stage


def _reasons(process: dict[str, Any], meaning: StatusMeaning) -> tuple[Reason, ...]:
    if meaning.reason is None:
        return ()
    words = dict.fromkeys((*_words_of_failure(process), *_words_of_verdict(process)))
    reasons = tuple(Reason(code=meaning.reason, word=word) for word in islice(words, MOST_REASONS))
    # A failure is technical by definition. The other statuses give no reason by themselves.
    return reasons or ((Reason(code=meaning.reason),) if meaning.reason is ReasonCode.TECHNICAL else ())


def _words_of_failure(process: dict[str, Any]) -> Iterator[str]:
    failure = as_object(process.get("failReason"))
    return (word for name in ("type", "category", "reason") if (word := as_word(failure.get(name))))


def _words_of_verdict(process: dict[str, Any]) -> Iterator[str]:
    entries = map(as_object, as_list(process.get("statusReasons")))
    return (word for entry in entries if (word := as_word(entry.get("category"))))


def _checks(process: dict[str, Any]) -> Iterator[Check]:
    for name, check in as_object(process.get("providerSpecific")).items():
        if isinstance(check, dict) and "result" in check and (word := as_word(name)):
            kind = vocabulary.CHECKS.get(word, CheckKind.OTHER)
            yield Check(kind=kind, name=word, status=vocabulary.check_status(check["result"]))
