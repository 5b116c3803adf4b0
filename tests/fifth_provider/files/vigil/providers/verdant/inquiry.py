"""Verdant's inquiry, in our words: two parts, of which both are needed, and the files with their links."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vigil.domain.snapshot import MOST_FILES, Artifact, Drift, Part, Reason, Snapshot
from vigil.domain.terms import Decision, EvidenceKind, Stage, as_word
from vigil.providers.parsing import NotReadable, as_list, as_object, parse_json
from vigil.providers.verdant import vocabulary
from vigil.providers.verdant.wire import inquiry_id



@dataclass(frozen=True)
class ListedFile:
    """One file of an inquiry. The link opens it for everybody who has it, for a few minutes."""

    artifact: Artifact
    link: str = field(repr=False)
    sha256: str


def snapshot_of(inquiry: object, *, reference: str) -> Snapshot:
    """Say what an inquiry says. Never raises: odd content is `unrecognised`."""
    content = as_object(inquiry)
    if inquiry_id(content.get("inquiry")) != reference:
        # Another one's verdict must never become this one's.
        return _unrecognised("inquiry", None)
    told = as_object(content.get("parts"))
    verdicts = {ours: as_object(told.get(name)).get("verdict") for name, ours in vocabulary.PARTS.items()}
    for part, verdict in verdicts.items():
        if verdict is not None and str(verdict) not in vocabulary.VERDICTS:
            return _unrecognised(f"{part}.verdict", verdict)
    return _told(content, {part: verdict for part, verdict in verdicts.items() if verdict is not None})


def listed_files(inquiry: object) -> Iterator[ListedFile]:
    """Go through the files of an inquiry; one without name, link and digest is not there yet."""
    for entry in map(as_object, as_list(as_object(inquiry).get("files"))):
        name, link, sha256 = as_word(entry.get("name")), entry.get("link"), entry.get("sha256")
        if name and isinstance(link, str) and isinstance(sha256, str):
            kind = vocabulary.FILES.get(name, EvidenceKind.SUPPORTING_DOCUMENT)
            yield ListedFile(Artifact(name=name, kind=kind, locator=name), link, sha256)


def find_file(result: bytes, locator: str) -> ListedFile | None:
    """Find a file in an inquiry, or None where it is not listed."""
    try:
        inquiry = parse_json(result)
    except NotReadable:
        return None
    return next((file for file in listed_files(inquiry) if file.artifact.locator == locator), None)


def _told(content: dict[str, Any], verdicts: Mapping[vocabulary.PartName, str]) -> Snapshot:
    decisions = {part: vocabulary.VERDICTS[verdict] for part, verdict in verdicts.items()}
    failed = [part for part, decision in decisions.items() if decision is Decision.DECLINED]
    is_whole = len(decisions) == len(vocabulary.PARTS)
    decision = Decision.DECLINED if failed else Decision.APPROVED
    return Snapshot(
        stage=Stage.CONCLUDED if is_whole else Stage.PROCESSING if decisions else Stage.AWAITING_APPLICANT,
        decision=decision if is_whole else None,
        reasons=tuple(Reason(code=vocabulary.FAILURES[part]) for part in failed) if is_whole else (),
        parts=tuple(Part(name=part, code=verdicts[part], decision=decisions[part]) for part in decisions),
        artifacts=tuple(file.artifact for file in listed_files(content))[:MOST_FILES],
    )


def _unrecognised(field_name: str, value: object) -> Snapshot:
    return Snapshot(stage=Stage.UNRECOGNISED, unrecognised=(Drift(field=field_name, value=as_word(value)),))
