"""Invented callbacks, answers, registrations and plans, for the tests that try many courses of events."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from typing import Final, TypeVar

from hypothesis import strategies as st

from tests.domain.samples import APPROVED, DECLINED, DIGESTER, PLAN, T0, callback_event, ended, registration
from vigil.domain.callback_event import CallbackEvent, Observation, RoomChanged, StatusSeen, StepFinished, Unreadable
from vigil.domain.snapshot import Answer, Artifact, Drift, Reason, ReviewExpiry, Room, Snapshot
from vigil.domain.terms import CheckStatus, Decision, EvidenceKind, Outcome, Proof, ReasonCode, SessionKind, Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE

Value = TypeVar("Value")


def _one_of(values: Sequence[Value]) -> st.SearchStrategy[Value]:
    """Return a strategy for one of many values; `sampled_from` would print them all."""
    return st.integers(0, len(values) - 1).map(lambda index: values[index])


PLANS: Final = _one_of(
    [
        PLAN.model_copy(
            update={
                "finals_may_change": is_reopened,
                "reopens": (HOUR, DAY) if is_reopened else (),
                "details_in_callbacks": is_detailed,
                "not_found_is_deleted_after": deleted_after,
                "deadline_lag": lag,
            }
        )
        for is_reopened, is_detailed, deleted_after, lag in product(
            (False, True), (False, True), (None, 20 * MINUTE), (timedelta(0), 15 * MINUTE)
        )
    ]
)

_ROOMS_SEEN: Final = tuple(
    seen
    for room in ("r1", "r2")
    for seen in (
        RoomChanged(room=room, room_status="empty"),
        RoomChanged(room=room, room_status="unrecognised"),
        RoomChanged(room=room, room_status="ended"),
        RoomChanged(room=room, room_status="ended", file_ready=True, file_id="vf-1"),
        RoomChanged(room=room, room_status="ended", file_id="vf-2"),
    )
)
_OBSERVATIONS: Final[tuple[Observation, ...]] = (
    StatusSeen(word="OK", looks="final"),
    StatusSeen(word="KO", looks="final"),
    StatusSeen(word="CANCELED", looks="final", ended=Outcome.CANCELED),
    StatusSeen(word="FAILED", looks="final", ended=Outcome.FAILED),
    StatusSeen(word="manual_check", looks="open"),
    StatusSeen(word="manual_check", looks="reopened"),
    StatusSeen(word="archived", looks="unrecognised"),
    *_ROOMS_SEEN,
    StepFinished(done=1, total=3, name="phone", status=CheckStatus.FAILED),
    StepFinished(done=2, total=3, name="phone", status=CheckStatus.PASSED),
    StepFinished(done=3, total=3),
    Unreadable(why="not_json"),
)


def _callback(
    seen: Observation, proof: Proof, minute: int, number: int, session_kind: SessionKind | None
) -> CallbackEvent:
    return callback_event(seen, at=T0 + minute * MINUTE, proof=proof).model_copy(
        update={
            "receipt": f"receipts/{number:02}",
            "coordinates": {f"name-{number:02}": str(minute)},
            "unknown_fields": (f"field-{number}",),
            "session_kind": session_kind,
            "identity": DIGESTER.digest("identity", str(number)) if number % 2 else None,
        }
    )


CALLBACKS: Final = st.builds(
    _callback,
    _one_of(_OBSERVATIONS),
    st.sampled_from(Proof),
    st.integers(0, 10),
    st.integers(0, 30),
    st.sampled_from([None, *SessionKind]),
)
"""Of all proofs, with all that may stand beside what they say. Received within ten minutes of `T0`."""

_ROOMS: Final[tuple[tuple[Room, ...], ...]] = (
    (),
    (Room(room="r1", status="empty"),),
    (Room(room="r1", status="ended"), Room(room="r2", status="ended", file_ready=True, file_id="vf-2")),
)
_FILES: Final = (
    Artifact(name="portrait-1", kind=EvidenceKind.PORTRAIT, locator="p.1"),
    Artifact(name="call-1", kind=EvidenceKind.CALL_RECORDING, locator="c.1", ready=False),
)
_LISTINGS: Final[tuple[tuple[Artifact, ...], ...]] = ((), _FILES[:1], _FILES[1:], _FILES)
_STRANGE: Final = (Drift(field="part", value="new"),)

OPEN_ANSWERS: Final = _one_of(
    [
        *(Snapshot(stage=Stage.UNRECOGNISED, word=word) for word in ("archived", "complete")),
        *(
            Snapshot(
                stage=stage,
                word=stage.value,
                review_expires_to=ReviewExpiry(decision=Decision.INCONCLUSIVE) if stage is Stage.IN_REVIEW else None,
                rooms=rooms,
                artifacts=files,
                unrecognised=drifts,
            )
            for stage, rooms, files, drifts in product(
                (Stage.AWAITING_APPLICANT, Stage.PROCESSING, Stage.IN_REVIEW), _ROOMS, _LISTINGS, ((), _STRANGE)
            )
        ),
    ]
)
_BARE: Final = tuple(
    verdict.model_copy(update={"unrecognised": drifts})
    for verdict in (APPROVED, DECLINED, ended(Outcome.CANCELED), ended(Outcome.FAILED))
    for drifts in ((), _STRANGE)
)
_EXPLAINED: Final = tuple(
    bare.model_copy(
        update={
            "rooms": rooms,
            "artifacts": files,
            "reasons": reasons,
            "has_unaddressed_recording": is_spoken_of,
        }
    )
    for bare, rooms, files, reasons, is_spoken_of in product(
        _BARE, _ROOMS, _LISTINGS, ((), (Reason(code=ReasonCode.AGE),)), (False, True)
    )
)
WHOLE_VERDICTS: Final = _one_of(_EXPLAINED)
VERDICTS: Final = st.one_of(
    WHOLE_VERDICTS, _one_of([bare.model_copy(update={"lacks_details": True}) for bare in _BARE])
)
SNAPSHOTS: Final = st.one_of(OPEN_ANSWERS, VERDICTS)
ANSWERS: Final = st.one_of(SNAPSHOTS, st.sampled_from([answer for answer in Answer if answer is not Answer.ANSWERED]))

_KINDS: Final = (EvidenceKind.CALL_RECORDING, EvidenceKind.PORTRAIT, EvidenceKind.RECEIPT)
REGISTRATIONS: Final = _one_of(
    [
        registration(expects=expects, evidence=wanted, coordinates={f"own-{n}": "x" for n in range(coordinates)})
        for expects, wanted, coordinates in product(
            ((), _KINDS[:1], _KINDS[1:]), ("all", "none", _KINDS[:1], _KINDS[1:2]), (0, 7)
        )
    ]
)
