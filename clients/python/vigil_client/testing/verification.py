"""One verification of the fake: its state, and what changes it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from vigil_client.claims import Claims, Document, DocumentEvidence, Person, Process, VerifiedClaims
from vigil_client.models import (
    AttentionNote,
    Erasure,
    Explanation,
    File,
    Hold,
    Reason,
    Record,
    Revision,
    State,
    Verification,
)
from vigil_client.testing.providers import RULES, ProviderRules
from vigil_client.words import Advice, Basis, Decision, FileState, Outcome, Stage

DEADLINE: Final = timedelta(days=14)
_MARK_LENGTH: Final = 26
_PLAIN: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}")


@dataclass(frozen=True)
class FakeAccount:
    """An account of the fake. `hides_reference`: URLs and notifications have a digest in the reference's place."""

    provider: str
    hides_reference: bool = False
    coordinates: tuple[str, ...] = ()
    """The coordinates that a registration must have. Which others it may have follows from the provider."""

    @property
    def rules(self) -> ProviderRules:
        """What references and coordinates look like."""
        return RULES.get(self.provider, ProviderRules())


@dataclass
class FakeVerification:
    """One verification. Every change grows `sequence`, every verdict `revision`."""

    account: str
    reference: str
    kind: FakeAccount
    body: dict[str, Any]
    opened_at: datetime
    stage: Stage = Stage.AWAITING_APPLICANT
    stage_entered_at: datetime = field(init=False)
    deadline_at: datetime = field(init=False)
    sequence: int = 1
    revisions: list[Revision] = field(default_factory=list)
    files: dict[str, tuple[File, bytes]] = field(default_factory=dict)
    missed: int = 0
    attention: tuple[AttentionNote, ...] = ()
    last_callback_at: datetime | None = None
    person: Person | None = None
    documents: tuple[Document, ...] = ()
    result: Mapping[str, Any] | None = None
    """The provider's answer, as `client.result()` returns it."""
    hold: Hold | None = None
    erasure: Erasure | None = None
    """The receipt, once its data was erased."""
    commands: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """What was answered, by idempotency key."""

    def __post_init__(self) -> None:
        """Set what follows from the registration."""
        self.stage_entered_at = self.opened_at
        given = self.body.get("deadline_at")
        self.deadline_at = datetime.fromisoformat(given) if given else self.opened_at + DEADLINE

    @property
    def shown_reference(self) -> str:
        """The reference, or the digest that URLs and notifications have instead: of a secret, or of odd characters."""
        if not self.kind.hides_reference and _PLAIN.fullmatch(self.reference):
            return self.reference
        return "~" + hashlib.sha256(self.reference.encode()).hexdigest()[:_MARK_LENGTH]

    @property
    def newest(self) -> Revision | None:
        """The newest revision."""
        return self.revisions[-1] if self.revisions else None

    @property
    def outcome(self) -> Outcome | str | None:
        """How it ended, or None while it is open."""
        return self.newest.outcome if self.newest else None

    @property
    def decision(self) -> Decision | str | None:
        """The present decision."""
        return self.newest.decision if self.newest else None

    @property
    def expects_files(self) -> bool:
        """Whether a file is still to come."""
        return any(row.state == FileState.EXPECTED for row, _ in self.files.values())

    def enter(self, stage: Stage, at: datetime) -> None:
        """Publish another stage."""
        self.stage, self.stage_entered_at = stage, at
        self.sequence += 1

    def note_callback(self, at: datetime | None) -> None:
        """Count a callback that was received at this time; None: that was missed."""
        self.last_callback_at, self.missed = at or self.last_callback_at, self.missed + (at is None)

    def revise(self, revision: Revision) -> None:
        """Publish a verdict, or that it was reopened."""
        self.revisions.append(revision)
        self.enter(Stage.CONCLUDED if revision.outcome else Stage.IN_REVIEW, revision.at)

    def add_file(self, name: str, kind: str, content: bytes | None, at: datetime) -> None:
        """Add a file, or store what was expected."""
        state = FileState.EXPECTED if content is None else FileState.STORED
        size = None if content is None else len(content)
        media_type = "image/png" if content is not None else None
        row = File(name=name, kind=kind, state=state, loss=None, size=size, media_type=media_type, at=at)
        self.files[name] = row, content or b""
        self.sequence += 1

    def state(self) -> State:
        """Return the published state."""
        counts = [row.state for row, _ in self.files.values()]
        return State(
            provider=self.kind.provider,
            environment="sandbox",
            applicant=self.body.get("applicant"),
            sender=None,
            stage=self.stage,
            decision=self.decision,
            outcome=self.outcome,
            basis=self.newest.basis if self.newest else None,
            revision=len(self.revisions),
            sequence=self.sequence,
            registered=True,
            attention=self.attention,
            steps_done=0,
            steps_total=0,
            evidence={state: counts.count(state) for state in dict.fromkeys(counts)},
            opened_at=self.opened_at,
            stage_entered_at=self.stage_entered_at,
            deadline_at=self.deadline_at,
            last_callback_at=self.last_callback_at,
            erased_at=self.erasure.erased_at if self.erasure else None,
        )

    def view(self) -> Verification:
        """Return what the API answers."""
        is_complete = self.stage == Stage.COMPLETE
        return Verification(
            account=self.account,
            reference=self.reference,
            is_open=not is_complete,
            interrupted=False,
            state=self.state(),
            record=self._record() if is_complete and not self.erasure else None,
        )

    def _record(self) -> Record:
        newest = self.newest
        return Record(
            session_kind=self.body.get("session_kind"),
            advice=Advice.NONE,
            reasons=newest.reasons if newest else (),
            checks=(),
            revisions=tuple(self.revisions),
            evidence=tuple(row for row, _ in self.files.values()),
            decided_at=newest.at if newest else None,
            completed_at=self.stage_entered_at,
            received=int(self.last_callback_at is not None),
            duplicates=0,
            late=0,
            missed=self.missed,
            reads=len(self.revisions),
            unknown_fields={},
        )

    def erase(self, at: datetime) -> Erasure:
        """Forget everything but the verdict. Returns the receipt."""
        self.body.pop("applicant", None)
        files, self.files, self.person, self.documents, self.result = len(self.files), {}, None, (), None
        self.enter(Stage.COMPLETE, at)
        self.erasure = Erasure(
            account=self.account,
            reference=self.shown_reference,
            state="finished",
            decision=self.decision,
            outcome=self.outcome,
            erased_at=at,
            finished_at=at,
            asked_by="local",
            cause="request",
            erased={"artifacts": files},
            key_forgotten=False,
            key_backups_until=None,
            not_ours=("provider", "backend", "proxy_logs"),
        )
        return self.erasure

    def claims(self) -> Claims | None:
        """Return the person's data; None: the provider has given no answer."""
        if self.person is None:
            return None
        state, evidence = self.state(), tuple(DocumentEvidence(document_details=each) for each in self.documents)
        process = Process(time=self.newest.at if self.newest else None, evidence=evidence)
        return Claims(
            account=self.account,
            reference=self.reference,
            revision=state.revision,
            sequence=state.sequence,
            stage=state.stage,
            decision=state.decision,
            outcome=state.outcome,
            verified_claims=VerifiedClaims(verification=process, claims=self.person),
        )

    def explanation(self) -> Explanation:
        """Explain the present state."""
        if self.outcome:
            sentence = f"It is {self.stage}: {self.outcome} {self.decision or ''}".strip() + "."
            return Explanation(sentence=sentence, next_event=None, next_at=None, actor=None, cause="nobody")
        return Explanation(
            sentence="The applicant has not finished.",
            next_event="the deadline",
            next_at=self.deadline_at,
            actor="applicant",
            cause="theirs",
        )


def revision_of(
    number: int,
    at: datetime,
    outcome: Outcome | None = None,
    decision: Decision | None = None,
    *,
    reasons: tuple[str, ...] = (),
    author: str | None = None,
) -> Revision:
    """Return one verdict, of the provider or of a person."""
    return Revision(
        number=number,
        at=at,
        decision=decision,
        outcome=outcome,
        basis=Basis.PERSON if author else Basis.READ,
        provider_status=None,
        reasons=tuple(Reason(code=code) for code in reasons),
        author=author,
    )
