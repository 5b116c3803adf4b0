"""The files that a report lists, and how one of them is found again in a stored report."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from vigil.domain.snapshot import Artifact
from vigil.domain.terms import as_word
from vigil.providers.id360 import vocabulary
from vigil.providers.parsing import NotReadable, as_list, as_object, parse_json


@dataclass(frozen=True)
class ListedFile:
    """One entry under `documents[kind][].files`. The link is no secret of ours, yet it is not for logs."""

    artifact: Artifact
    url: str | None = field(repr=False)
    digest: str | None
    algorithm: str | None


def listed_files(report: object) -> Iterator[ListedFile]:
    """Go through the files of a report, in its order.

    A file is named by its document slot and its number there, `id_document_image-0`, which is also its locator:
    a later report that lists more files keeps the names of those that were there.
    """
    numbers: Counter[str] = Counter()
    for kind, documents in as_object(as_object(report).get("documents")).items():
        for document in map(as_object, as_list(documents)):
            slot = _slot(document, kind)
            for entry in map(as_object, as_list(document.get("files"))):
                yield _listed(entry, slot, numbers[slot])
                numbers[slot] += 1


def find_file(result: bytes, locator: str) -> ListedFile | None:
    """Find a file in a stored report, or None where it is not listed."""
    try:
        report = parse_json(result)
    except NotReadable:
        return None
    return next((file for file in listed_files(report) if file.artifact.locator == locator), None)


def running_digest(algorithm: str | None) -> "hashlib._Hash | None":
    """Return a digest to be fed, or None where the algorithm is not named or not known to us.

    Observed is `MD5`. What hashlib knows is verified, too; a name that it does not know is let pass unverified,
    because refusing the file would lose evidence over a spelling.
    """
    for name in _spellings(algorithm or ""):
        if name in hashlib.algorithms_available:
            digest = hashlib.new(name, usedforsecurity=False)
            # A digest of free length cannot be compared without knowing that length.
            return digest if digest.digest_size else None
    return None


def _spellings(algorithm: str) -> tuple[str, ...]:
    name = algorithm.strip().lower()
    return (name, name.replace("-", ""), name.replace("-", "_"))


def _listed(entry: dict[str, Any], slot: str, number: int) -> ListedFile:
    url = _text(entry.get("url"))
    name = f"{slot}-{number}"
    kind = vocabulary.evidence_kind(slot, number)
    return ListedFile(
        artifact=Artifact(name=name, kind=kind, locator=name, ready=url is not None),
        url=url,
        digest=_text(entry.get("hash")),
        algorithm=_text(entry.get("hash_algorithm")),
    )


def _slot(document: dict[str, Any], kind: str) -> str:
    # Ten characters are left for the number.
    for raw in (document.get("name"), kind):
        word = as_word(raw) if isinstance(raw, str) else None
        if word and len(word) <= 54:  # noqa: PLR2004
            return word
    return "document"


def _text(raw: object) -> str | None:
    return raw.strip() or None if isinstance(raw, str) else None
