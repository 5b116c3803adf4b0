"""What a backend tells us when it has created a verification at the provider."""

import json
from collections.abc import Collection, Mapping
from typing import Final, Literal, TypeAlias

from pydantic import Field

from vigil.domain.digest import Digester
from vigil.domain.models import StoredModel
from vigil.domain.snapshot import Coordinates
from vigil.domain.terms import EvidenceKind, Instant, Name, SessionKind, Word
from vigil.domain.verification_key import VerificationKey

Wanted: TypeAlias = Literal["all", "none"] | tuple[EvidenceKind, ...]

MOST_EXPECTED: Final = 20
MOST_ENDPOINTS: Final = 8


class Registration(StoredModel):
    """Signal `register`. `notify` names configured endpoints, never URLs; `fingerprint` is filled by `signed`."""

    key: VerificationKey
    correlation: Word | None = None
    coordinates: Coordinates = Field(default_factory=dict)
    sender: Name | None = None
    session_kind: SessionKind | None = None
    expects: tuple[EvidenceKind, ...] = Field((), max_length=MOST_EXPECTED)
    evidence: Wanted = "all"
    applicant: Word | None = None
    deadline_at: Instant | None = None
    review_deadline_at: Instant | None = None
    notify: tuple[Name, ...] = Field((), max_length=MOST_ENDPOINTS)
    notify_complete: tuple[Name, ...] = Field(
        (), max_length=MOST_ENDPOINTS, description="those of `notify` that are also notified when it is complete"
    )
    registered_at: Instant
    registered_by: Name
    fingerprint: Mapping[Word, Word] = Field(default_factory=dict)

    def signed(self, digester: Digester) -> "Registration":
        """Return the registration with its fingerprint: a short keyed digest of every field that must not differ.

        Two registrations are the same if their fingerprints are; a field by field digest lets a conflict be
        named without either value leaving the process that holds it.
        """
        # A field that a later release adds with a default must not make an earlier registration differ.
        # `notify_complete` follows from the settings, which may change.
        left_out = {"registered_at", "registered_by", "fingerprint", "notify_complete"}
        said = self.model_dump(mode="json", exclude=left_out, exclude_defaults=True)
        marks = {
            name: _mark(name, value, digester) for name, value in sorted(said.items()) if value not in (None, [], {})
        }
        return self._with(fingerprint=marks)

    def with_key(self, key: VerificationKey) -> "Registration":
        """Return the registration for the same verification, with its key in another form."""
        return self._with(key=key)

    def notifying_completion(self, endpoints: Collection[str]) -> "Registration":
        """Return the registration that notifies these endpoints also of the completion, as far as it names them."""
        return self._with(notify_complete=tuple(name for name in self.notify if name in endpoints))

    def differs_from(self, fingerprint: Mapping[str, str]) -> tuple[str, ...]:
        """Name the fields in which this registration is not the one that the fingerprint was made of.

        A registration that a backend itself has signalled in Temporal has no fingerprint, and is not compared.
        """
        if not self.fingerprint or not fingerprint:
            return ()
        names = sorted(set(self.fingerprint) | set(fingerprint))
        return tuple(name for name in names if self.fingerprint.get(name) != fingerprint.get(name))


def applicant_digest_in(fingerprint: Mapping[str, str]) -> str | None:
    """Return the keyed digest of the applicant in a fingerprint, by which Temporal finds it; None: it has none."""
    return fingerprint.get("applicant")


def digest_applicant(applicant: str, digester: Digester) -> str:
    """Return the digest that the fingerprint of each registration of an applicant has."""
    return _mark("applicant", applicant, digester)


def _mark(name: str, value: object, digester: Digester) -> str:
    return digester.digest(f"registration/{name}", json.dumps(value, sort_keys=True))[:10]
