"""The files that a report lists, and how to find one of them in a stored report."""

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
    """One entry under `documents[kind][].files`. The link is not our secret, but it must not be logged."""

    artifact: Artifact
    url: str | None = field(repr=False)
    digest: str | None
    algorithm: str | None


def listed_files(report: object) -> Iterator[ListedFile]:
    """Yield the files of a report, in its order.

    A file's name is its document slot and its number there, such as `id_document_image-0`; it is also the locator.
    A later report that lists more files keeps the names of the earlier ones.
    """
    numbers: Counter[str] = Counter()
    for kind, documents in as_object(as_object(report).get("documents")).items():
        for document in map(as_object, as_list(documents)):
            slot = _slot(document, kind)
            for entry in map(as_object, as_list(document.get("files"))):
                yield _listed_file(entry, slot, numbers[slot])
                numbers[slot] += 1


def find_file(result: bytes, locator: str) -> ListedFile | None:
    """Return a file from a stored report; None if the report does not list it."""
    try:
        report = parse_json(result)
    except NotReadable:
        return None
    return next((file for file in listed_files(report) if file.artifact.locator == locator), None)


def new_digest(algorithm: str | None) -> "hashlib._Hash | None":
    """Return an empty digest; None if no algorithm is named or it is unknown here.

    Observed is `MD5`. Every algorithm of hashlib is verified. A file with an unknown algorithm passes unverified,
    because refusing it would lose evidence over a spelling.
    """
    for name in _spellings(algorithm or ""):
        if name in hashlib.algorithms_available:
            digest = hashlib.new(name, usedforsecurity=False)
            # A digest of variable length cannot be compared without knowing that length.
            return digest if digest.digest_size else None
    return None


def _spellings(algorithm: str) -> tuple[str, ...]:
    name = algorithm.strip().lower()
    return (name, name.replace("-", ""), name.replace("-", "_"))


def _listed_file(entry: dict[str, Any], slot: str, number: int) -> ListedFile:
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
    # An artifact's name has at most 64 characters, so ten are left for the number.
    for raw in (document.get("name"), kind):
        word = as_word(raw) if isinstance(raw, str) else None
        if word and len(word) <= 54:  # noqa: PLR2004
            return word
    return "document"


def _text(raw: object) -> str | None:
    return raw.strip() or None if isinstance(raw, str) else None
