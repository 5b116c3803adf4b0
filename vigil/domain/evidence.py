"""The ledger: which files a verification has, and what became of each."""

import hashlib
from collections.abc import Iterable
from typing import Final, Self, TypeAlias

from vigil.domain.models import StoredModel, StrictModel
from vigil.domain.registration import Wanted
from vigil.domain.snapshot import MOST_FILES, Artifact, Room
from vigil.domain.terms import (
    ArtifactState,
    EvidenceKind,
    Instant,
    KeyedDigest,
    LossReason,
    MediaType,
    Shown,
    StorageName,
    Word,
)

UNLISTED: Final = "unlisted"
"""The locator of a file that somebody expects and no provider has listed yet."""


class RowView(StrictModel):
    """What of a row must not depend on when it was written."""

    name: Word
    kind: Shown[EvidenceKind]
    state: ArtifactState
    loss: Shown[LossReason] | None


class EvidenceRow(StoredModel):
    """One file. `size` is in bytes; `digest` is keyed, over the stored bytes."""

    name: Word
    kind: Shown[EvidenceKind]
    locator: Word
    state: ArtifactState
    loss: Shown[LossReason] | None = None
    size: int | None = None
    digest: KeyedDigest | None = None
    media_type: MediaType = None
    stored_as: StorageName | None = None
    at: Instant

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be done about it."""
        return self.state in {ArtifactState.STORED, ArtifactState.LOST}

    @property
    def was_requested(self) -> bool:
        """Whether a download has ended, with the file or without it."""
        return self.state is ArtifactState.STORED or self.loss not in {None, *_NEVER_REQUESTED}

    def view(self) -> RowView:
        """Return the part that belongs to the judgement."""
        return RowView(name=self.name, kind=self.kind, state=self.state, loss=self.loss)

    def lost(self, why: LossReason, at: Instant) -> "EvidenceRow":
        """Return the row as lost."""
        return self._with(state=ArtifactState.LOST, loss=why, at=at)

    def settle(self, settled: "EvidenceRow") -> Self:
        """Return the row as a download left it."""
        fields = ("state", "loss", "size", "digest", "media_type", "stored_as", "at")
        return self._with(**{name: getattr(settled, name) for name in fields})

    def artifact(self) -> Artifact:
        """Return what a provider must be told to open the file."""
        return Artifact(name=self.name, kind=self.kind, locator=self.locator)


Ledger: TypeAlias = tuple[EvidenceRow, ...]

_LONGEST_NAME: Final = 64
_NEVER_REQUESTED: Final = frozenset({LossReason.NOT_WANTED, LossReason.NOT_DELIVERED, LossReason.UNADDRESSED})
_MAY_RETURN: Final = frozenset(
    {
        LossReason.NEVER_CAPTURED,
        LossReason.NOT_DELIVERED,
        LossReason.UNADDRESSED,
        LossReason.UNREACHABLE,
        LossReason.LINK_EXPIRED,
        # An operator may have raised the limit.
        LossReason.TOO_LARGE,
    }
)


def list_artifacts(
    ledger: Ledger, artifacts: tuple[Artifact, ...], *, wanted: Wanted, at: Instant, is_draft: bool = False
) -> Ledger:
    """Return the ledger with every listed file in it. A stored file stays stored.

    Before the first verdict the ledger is a draft, of which only recordings are downloaded. The listing replaces a
    draft, so that the ledger does not depend on which of the earlier answers we happened to read.
    """
    rows = {row.name: row for row in ledger if row.locator == UNLISTED or row.was_requested or not is_draft}
    for artifact in artifacts:
        known = rows.get(artifact.name)
        if known is None or _may_return(known, artifact):
            rows[artifact.name] = _row(artifact, wanted=wanted, at=at)
    return _ordered(rows.values())


def list_recordings(ledger: Ledger, rooms: tuple[Room, ...], *, wanted: Wanted, at: Instant) -> Ledger:
    """Return the ledger with a row for each recording, and for each ended call whose recording has no name yet.

    The row that waits for a call's recording leaves the ledger when the recording has a name, or when nothing was
    recorded in that room.
    """
    rows = {row.name: row for row in ledger}
    for room in rooms:
        awaited = _awaited_in(room)
        if room.file_id is not None or room.status == "empty":
            rows.pop(awaited.name, None)
        if room.file_id is not None:
            # Only a file that is said not to be ready is waited for. Of any other nobody may say more.
            fresh = recording(room.file_id, ready=room.file_ready is not False)
        elif room.status == "ended":
            fresh = awaited
        else:
            continue
        known = rows.get(fresh.name)
        if known is None or _may_return(known, fresh):
            rows[fresh.name] = _row(fresh, wanted=wanted, at=at)
    return _ordered(rows.values())


def expect_kinds(ledger: Ledger, kinds: tuple[EvidenceKind, ...], *, wanted: Wanted, at: Instant) -> Ledger:
    """Return the ledger with a row for each expected kind of file of which it has no listed file, and for no other.

    Computed anew from the other rows at each change, so that no order of changes loses what somebody expects.
    """
    others = [row for row in ledger if row.locator != UNLISTED]
    known = {row.kind: row for row in ledger if row.locator == UNLISTED}
    present = {row.kind for row in others}
    missing = [kind for kind in dict.fromkeys(kinds) if kind not in present]
    rows = [known.get(kind) or _row(_unlisted(kind), wanted=wanted, at=at) for kind in missing]
    return _ordered([*others, *rows])


def _unlisted(kind: EvidenceKind) -> Artifact:
    return Artifact(name=f"expected-{kind}", kind=kind, locator=UNLISTED, ready=False)


def recording(file: str, *, ready: bool = True) -> Artifact:
    """Return the artifact of a call's recording, named by its file."""
    return Artifact(name=_named("recording", file), kind=EvidenceKind.CALL_RECORDING, locator=file, ready=ready)


def _awaited_in(room: Room) -> Artifact:
    """Return what is expected of a call that has ended while its recording has no name yet."""
    name = _named("room", room.room)
    return Artifact(name=name, kind=EvidenceKind.CALL_RECORDING, locator=name, ready=False)


def _named(what: str, word: str) -> str:
    """Return a name that no other word has. One that is too long is cut, and ends in what tells it from its like."""
    name = f"{what}-{word}"
    digest = hashlib.sha256(word.encode()).hexdigest()[:16]
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 17]}-{digest}"


def limit_to_wanted(ledger: Ledger, wanted: Wanted, *, at: Instant) -> Ledger:
    """Return the ledger with every unsettled file given up that turns out not to be wanted."""
    return tuple(
        row if row.is_settled or _is_wanted(row.kind, wanted) else row.lost(LossReason.NOT_WANTED, at) for row in ledger
    )


def replace_row(ledger: Ledger, row: EvidenceRow) -> Ledger:
    """Return the ledger with one row as a download left it."""
    return _ordered([known.settle(row) if known.name == row.name else known for known in ledger])


def mark_unsettled_lost(ledger: Ledger, why: LossReason, *, at: Instant, only: ArtifactState | None = None) -> Ledger:
    """Return the ledger with every unsettled row lost, or those in one state."""
    return tuple(row if row.is_settled or row.state is not (only or row.state) else row.lost(why, at) for row in ledger)


def has_losses(ledger: Ledger, expects: tuple[EvidenceKind, ...] = ()) -> bool:
    """Whether a wanted file will not come. A file that was never made counts only if somebody expects its kind."""
    lost = [row for row in ledger if row.state is ArtifactState.LOST and row.loss is not LossReason.NOT_WANTED]
    return any(row.loss is not LossReason.NEVER_CAPTURED or row.kind in expects for row in lost)


def count_states(ledger: Ledger) -> dict[ArtifactState, int]:
    """Return how many rows are in each state that occurs."""
    counts = {state: sum(row.state is state for row in ledger) for state in ArtifactState}
    return {state: count for state, count in counts.items() if count}


def _row(artifact: Artifact, *, wanted: Wanted, at: Instant) -> EvidenceRow:
    state = ArtifactState.AVAILABLE if artifact.ready else ArtifactState.EXPECTED
    row = EvidenceRow(name=artifact.name, kind=artifact.kind, locator=artifact.locator, state=state, at=at)
    if not _is_wanted(artifact.kind, wanted):
        return row.lost(LossReason.NOT_WANTED, at)
    return row if artifact.has_address else row.lost(LossReason.UNADDRESSED, at)


def _is_wanted(kind: str, wanted: Wanted) -> bool:
    return wanted == "all" or (wanted != "none" and kind in wanted)


def _may_return(known: EvidenceRow, artifact: Artifact) -> bool:
    if not (artifact.ready and artifact.has_address):
        return False
    if known.state is ArtifactState.EXPECTED:
        return True
    return known.state is ArtifactState.LOST and known.loss in _MAY_RETURN


def _ordered(rows: Iterable[EvidenceRow]) -> Ledger:
    return tuple(sorted(rows, key=lambda row: row.name))[:MOST_FILES]
