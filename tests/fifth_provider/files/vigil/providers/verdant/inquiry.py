"""Translates Verdant's inquiry into a snapshot: two parts, both of them needed, and files with their links."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from vigil.domain.snapshot import MOST_FILES, Artifact, Drift, Part, Reason, Snapshot
from vigil.domain.terms import Decision, EvidenceKind, Stage, as_word
from vigil.providers.answers import unrecognised
from vigil.providers.parsing import NotReadable, as_list, as_object, parse_json
from vigil.providers.verdant import vocabulary
from vigil.providers.verdant.wire import inquiry_id


@dataclass(frozen=True)
class ListedFile:
    """One file of an inquiry. Its link opens it for anyone, for a few minutes."""

    artifact: Artifact
    link: str = field(repr=False)
    sha256: str


def snapshot_of(inquiry: object, *, reference: str) -> Snapshot:
    """Return the snapshot of an inquiry. Never raises: unknown content is `unrecognised`."""
    content = as_object(inquiry)
    if inquiry_id(content.get("inquiry")) != reference:
        # The verdict of another inquiry must never become the verdict of this one.
        return unrecognised("inquiry")
    parts = as_object(content.get("parts"))
    verdicts = {ours: as_object(parts.get(name)).get("verdict") for name, ours in vocabulary.PARTS.items()}
    for part, verdict in verdicts.items():
        if verdict is not None and str(verdict) not in vocabulary.VERDICTS:
            return unrecognised(f"{part}.verdict", verdict)
    return _build_snapshot(content, {part: verdict for part, verdict in verdicts.items() if verdict is not None})


def listed_files(inquiry: object) -> Iterator[ListedFile]:
    """Yield the files of an inquiry. A file without name, link or digest is not ready yet."""
    for entry in map(as_object, as_list(as_object(inquiry).get("files"))):
        name, link, sha256 = as_word(entry.get("name")), entry.get("link"), entry.get("sha256")
        if name and isinstance(link, str) and isinstance(sha256, str):
            kind = vocabulary.FILES.get(name, EvidenceKind.SUPPORTING_DOCUMENT)
            yield ListedFile(Artifact(name=name, kind=kind, locator=name), link, sha256)


def _names(inquiry: object) -> Iterator[str | None]:
    return (as_word(as_object(entry).get("name")) for entry in as_list(as_object(inquiry).get("files")))


def find_file(result: bytes, locator: str) -> ListedFile | None:
    """Return a file from a stored inquiry; None if the inquiry does not list it."""
    try:
        inquiry = parse_json(result)
    except NotReadable:
        return None
    return next((file for file in listed_files(inquiry) if file.artifact.locator == locator), None)


def _build_snapshot(content: dict[str, Any], verdicts: Mapping[vocabulary.PartName, str]) -> Snapshot:
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
        unrecognised=() if all(_names(content)) else (Drift(field="files", value="without_name"),),
    )
