"""The details of a verdict: reasons, checks and links. Only its callback holds them, the status does not."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from vigil.domain.snapshot import MOST_DRIFTS, Artifact, Check, Drift, Reason
from vigil.domain.terms import CheckKind, CheckStatus, EvidenceKind, as_word
from vigil.providers.parsing import NotReadable, as_count, as_list, as_object, parse_json
from vigil.providers.smile_id.v3 import vocabulary

_PICTURES: Final = "image_links"
_ADDITIONAL: Final = "additional_documents"
_MAX_ADDITIONAL: Final = 20
_MAX_CALLBACKS: Final = 16


@dataclass(frozen=True)
class Details:
    """The body of a callback. Its personal data stays in it."""

    body: Mapping[str, Any] = field(repr=False)

    @property
    def is_update(self) -> bool:
        """Whether it is news from the monitoring of watchlists, and not about the job itself."""
        return self.body.get("product") == vocabulary.MONITORING_UPDATE

    def identity(self) -> str:
        """Return a text that is equal for two callbacks with the same reason, checks and files.

        inferred: a replay signs new links to the same objects, so only their queries differ
        """
        links = [(at, link.partition("?")[0]) for at, _, link in _links(self.body)]
        checks = [(each.name, each.status) for each in self.checks()]
        return json.dumps([self.body.get("reason"), checks, links])

    @property
    def reason_word(self) -> str | None:
        """The provider's reason, if it is a word."""
        return as_word(self.body.get("reason"))

    def reasons(self) -> tuple[Reason, ...]:
        """Return the reason of the outcome. Free text is dropped, and only its code remains."""
        raw = self.body.get("reason")
        if not isinstance(raw, str) or not raw:
            return ()
        return (Reason(code=vocabulary.reason(raw), word=as_word(raw)),)

    def checks(self) -> tuple[Check, ...]:
        """Return the checks that a callback distinguishes. Scores stay in the result."""
        return tuple(_checks(self.body))

    def artifacts(self) -> tuple[Artifact, ...]:
        """Return the files to which the body has links."""
        return tuple(Artifact(name=file.name, kind=file.kind, locator=at) for at, file, _ in _links(self.body))

    def drifts(self) -> tuple[Drift, ...]:
        """Return the files that no table lists, those without a link, and that there are too many."""
        return tuple(dict.fromkeys(_drifts(self.body)))[:MOST_DRIFTS]

    def link(self, locator: str) -> str | None:
        """Return the link to a file."""
        return next((link for at, _, link in _links(self.body) if at == locator), None)


def details_of(status: str, callbacks: Sequence[bytes]) -> Details | None:
    """Return the first callback with the status that was read; None if there is none.

    A later monitoring update is used only if the job's own callback has another status.
    """
    matching = [Details(body) for body in map(_parse, callbacks[:_MAX_CALLBACKS]) if body.get("status") == status]
    return min(matching, key=lambda each: each.is_update, default=None)


def _parse(callback: bytes) -> dict[str, Any]:
    try:
        return as_object(parse_json(callback))
    except NotReadable:
        return {}


def _checks(body: Mapping[str, Any]) -> Iterator[Check]:
    fields = body.get("id_fields")
    if isinstance(fields, dict):
        status = CheckStatus.PASSED if fields else CheckStatus.NOT_DONE
        yield Check(kind=CheckKind.OTHER, name="id_fields", status=status)
    persons = as_count(body.get("no_of_persons_found"))
    # An error has the number, too, but nobody was searched for.
    if persons is not None and body.get("status") in {"clear", "block", "attention"}:
        # A hit has the same name; a list cannot say whether it is the same person.
        yield Check(
            kind=CheckKind.WATCHLIST, name="watchlist", status=CheckStatus.UNCLEAR if persons else CheckStatus.PASSED
        )
    antifraud = as_object(body.get("antifraud"))
    is_fraud = as_object(antifraud.get("summary")).get("fraud_detected")
    if isinstance(is_fraud, bool):
        yield Check(kind=CheckKind.OTHER, name="fraud", status=CheckStatus.FAILED if is_fraud else CheckStatus.PASSED)
    known_faces = as_object(antifraud.get("smile_secure")).get("status")
    if isinstance(known_faces, str):
        yield Check(kind=CheckKind.OTHER, name="smile_secure", status=vocabulary.check_status(known_faces))


def _links(body: Mapping[str, Any]) -> Iterator[tuple[str, vocabulary.LinkedFile, str]]:
    """Yield the locator, the file and the link of each linked file."""
    holders = ((as_object(body.get(_PICTURES)), vocabulary.PICTURES), (body, vocabulary.RECEIPTS))
    for holder, files in holders:
        for at, file in files.items():
            if link := _text(holder.get(at)):
                yield at, file, link
    for number, document in enumerate(islice(as_list(body.get(_ADDITIONAL)), _MAX_ADDITIONAL), start=1):
        if link := _text(as_object(document).get("image_link")):
            name = f"additional-document-{number}"
            yield f"{_ADDITIONAL}.{number}", vocabulary.LinkedFile(name, EvidenceKind.SUPPORTING_DOCUMENT), link


def _drifts(body: Mapping[str, Any]) -> Iterator[Drift]:
    for name, link in as_object(body.get(_PICTURES)).items():
        if link and name not in vocabulary.PICTURES:
            yield Drift(field=_PICTURES, value=as_word(name))
    additional = as_list(body.get(_ADDITIONAL))
    if len(additional) > _MAX_ADDITIONAL:
        yield Drift(field=_ADDITIONAL, value=f"more_than_{_MAX_ADDITIONAL}")
    if not all(_text(as_object(document).get("image_link")) for document in additional[:_MAX_ADDITIONAL]):
        yield Drift(field=_ADDITIONAL, value="without_link")


def _text(raw: object) -> str:
    return raw.strip() if isinstance(raw, str) else ""
