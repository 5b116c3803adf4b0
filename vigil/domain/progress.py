"""What callbacks alone told, folded by unions and maxima, so that no order or repetition matters."""

from typing import Final, Self

from pydantic import Field

from vigil.domain.callback_event import RoomChanged, StatusSeen, StepFinished
from vigil.domain.models import StoredModel
from vigil.domain.snapshot import MOST_CHECKS, MOST_ROOMS, Check, Room
from vigil.domain.terms import CheckStatus, SessionKind


class Progress(StoredModel):
    """What callbacks alone told: folded by unions and maxima, so that no order or repetition matters."""

    done: int = 0
    total: int = 0
    checks: tuple[Check, ...] = Field((), max_length=MOST_CHECKS)
    rooms: tuple[Room, ...] = Field((), max_length=MOST_ROOMS)

    def add(self, seen: StepFinished | StatusSeen | RoomChanged) -> Self:
        """Merge one callback about a step or a room, or a status that counts steps."""
        if isinstance(seen, RoomChanged):
            room = Room(
                room=seen.room,
                status=seen.room_status,
                composition_ready=seen.composition_ready,
                file_ready=seen.file_ready,
                file_id=seen.file_id,
            )
            return self._with(rooms=merge_rooms(self.rooms, (room,)))
        checks: tuple[Check, ...] = ()
        if isinstance(seen, StepFinished) and seen.check_name is not None:
            checks = (Check(kind=seen.check, name=seen.check_name, status=seen.status),)
        return self._with(
            done=max(self.done, seen.done or 0),
            total=max(self.total, seen.total or 0),
            checks=merge_checks(self.checks, checks),
        )


_CHECK_RANK: Final = (
    CheckStatus.UNRECOGNISED,
    CheckStatus.NOT_DONE,
    CheckStatus.NOT_APPLICABLE,
    CheckStatus.UNDER_REVIEW,
    CheckStatus.UNCLEAR,
    CheckStatus.FAILED,
    # A failed step may be tried again and pass; one that has passed stays passed.
    CheckStatus.PASSED,
)


def _rank(status: str) -> tuple[int, str]:
    """Return the place of a status in a check's life. A status of a later release counts as unrecognised."""
    return next((rank for rank, known in enumerate(_CHECK_RANK) if known == status), 0), status


def merge_checks(*several: tuple[Check, ...]) -> tuple[Check, ...]:
    """Unite checks by name; of two statuses the one that comes later in a check's life stays."""
    united: dict[str, Check] = {}
    for check in (check for checks in several for check in checks):
        known = united.get(check.name)
        if known is None or _rank(check.status) > _rank(known.status):
            united[check.name] = check
    return tuple(sorted(united.values(), key=lambda check: check.name))[:MOST_CHECKS]


def merge_rooms(*several: tuple[Room, ...]) -> tuple[Room, ...]:
    """Unite rooms by id and file: a room with two files has two entries, and a room with a file none without."""
    united: dict[tuple[str, str], Room] = {}
    for room in (room for rooms in several for room in rooms):
        mark = (room.room, room.file_id or "")
        united[mark] = united.get(mark, room).merge(room)
    with_file = {room for room, file in united if file}
    return tuple(united[mark] for mark in sorted(united) if mark[1] or mark[0] not in with_file)[:MOST_ROOMS]


def merge_session_kind(*several: SessionKind | None) -> SessionKind | None:
    """Unite what was told of whom it is about: a callback that says nothing of it speaks of a person."""
    rank = (None, SessionKind.PERSON, SessionKind.UNRECOGNISED, SessionKind.BUSINESS)
    return max(several, key=rank.index)
