"""What stands behind a verdict of generation 3: its callback tells it, the status does not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from vigil.domain.snapshot import Artifact, Check, Reason
from vigil.domain.terms import CheckKind, CheckStatus, EvidenceKind, as_word
from vigil.providers.parsing import NotReadable, as_count, as_list, as_object, parse_json
from vigil.providers.smile_id.v3 import vocabulary

_ADDITIONAL: Final = "additional_documents"
_MOST_ADDITIONAL: Final = 20
_MOST_CALLBACKS: Final = 16


@dataclass(frozen=True)
class Details:
    """The body of a callback. What it says of a person stays in it."""

    body: Mapping[str, Any] = field(repr=False)
    is_disputed: bool = False
    """Whether another callback gives another reason for the same: no body is signed, so one of them may be planted."""

    @property
    def reason_word(self) -> str | None:
        """The provider's word for why, if it is one."""
        return as_word(self.body.get("reason"))

    def reasons(self) -> tuple[Reason, ...]:
        """Return why the job ended as it did; a reason that is no word is told without it."""
        told = self.body.get("reason")
        if not isinstance(told, str) or not told:
            return ()
        return (Reason(code=vocabulary.reason(told), word=as_word(told)),)

    def checks(self) -> tuple[Check, ...]:
        """Return what was looked at, as far as a callback tells it apart. Scores stay in the result."""
        return tuple(_checks(self.body))

    def artifacts(self) -> tuple[Artifact, ...]:
        """Return the files that the body has links to."""
        return tuple(Artifact(name=file.name, kind=file.kind, locator=at) for at, file, _ in _links(self.body))

    def link(self, locator: str) -> str | None:
        """Return the link to a file."""
        return next((link for at, _, link in _links(self.body) if at == locator), None)


def details_of(status: str, callbacks: Sequence[bytes]) -> Details | None:
    """Return the newest callback that says the same as the status that was read; `callbacks` are newest first.

    What came long after the job is believed about it only if the job's own callback does not say the same.
    """
    told = [body for body in map(_parsed, callbacks[:_MOST_CALLBACKS]) if body.get("status") == status]
    own = [body for body in told if body.get("product") != vocabulary.MONITORING_UPDATE]
    chosen = own or told
    if not chosen:
        return None
    return Details(chosen[0], is_disputed=any(body.get("reason") != chosen[0].get("reason") for body in chosen))


def _parsed(callback: bytes) -> dict[str, Any]:
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
    # An error carries the number, too, and there it says nothing: nobody was looked for.
    if persons is not None and body.get("status") in {"clear", "block", "attention"}:
        # A hit is somebody of that name; whether it is this person a list cannot say.
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


def _links(body: Mapping[str, Any]) -> Iterator[tuple[str, vocabulary.Linked, str]]:
    """Yield where each link stands, what it leads to, and the link."""
    holders = ((as_object(body.get("image_links")), vocabulary.PICTURES), (body, vocabulary.RECEIPTS))
    for holder, files in holders:
        for at, file in files.items():
            if link := _text(holder.get(at)):
                yield at, file, link
    for number, document in enumerate(islice(as_list(body.get(_ADDITIONAL)), _MOST_ADDITIONAL), start=1):
        if link := _text(as_object(document).get("image_link")):
            name = f"additional-document-{number}"
            yield f"{_ADDITIONAL}.{number}", vocabulary.Linked(name, EvidenceKind.SUPPORTING_DOCUMENT), link


def _text(raw: object) -> str:
    return raw.strip() if isinstance(raw, str) else ""
