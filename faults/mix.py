"""The verifications of a campaign: what each does at the provider, and the only ends that are right for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final

LOST_OF: Final = 3
"""Of so many verifications one has a final callback that is never sent."""
LATE_OF: Final = 7
"""Of so many verifications one has a callback after its end, or a verdict that is taken back."""
SILENT_OF: Final = 25
"""Of so many verifications one has an applicant who never finishes. Only forged callbacks speak of it."""
_LOST_TURN, _LATE_TURNS, _SILENT_TURN = 1, (2, 4), 3
"""Early turns, so that a small campaign has each kind too."""


@dataclass(frozen=True)
class End:
    """How a verification must end. `verdicts` are all that the provider ever gave, the last one at the end."""

    verdicts: Sequence[str]
    files: int
    """How many files must be stored at least."""


@dataclass
class Case:
    """One verification of the campaign."""

    number: int
    sender: str
    account: str
    scenario: Mapping[str, Any]
    end: End | None
    """None: it must stay open without a verdict."""
    lasts: timedelta
    """Contract time after which the provider has nothing new to say."""
    registration: Mapping[str, Any] = field(default_factory=dict)
    afterwards: Mapping[str, Any] | None = None
    """One more proven callback after the end, which says what the provider would deny."""
    is_lost: bool = False
    is_late: bool = False
    messages_to: str | None = None
    reference: str = ""
    shown_as: str = ""
    """The reference as notifications show it."""


_Late = tuple[Mapping[str, Any], End | None, Mapping[str, Any] | None]
"""A scenario, its end if that differs from the usual one, and a callback afterwards."""


@dataclass(frozen=True)
class _Sender:
    """One sender: its account, the shape of its plain scenarios, and how each of its ends is written."""

    name: str
    account: str
    scenario: Mapping[str, Any]
    ends: Mapping[str, tuple[Mapping[str, Any], End]]
    lost: Mapping[str, Any]
    late: Sequence[_Late] = ()
    registration: Mapping[str, Any] = field(default_factory=dict)
    asks_for_messages: bool = False


_APPROVED, _DECLINED, _INCONCLUSIVE = "approved", "declined", "inconclusive"
_FINAL_LOST: Final = {"drop_finals": True}
_BRISK: Final = {"think": "PT1M", "step_every": "PT30S"}


def _assure(name: str, provider: str, files: int, *, pace: Mapping[str, Any]) -> _Sender:
    return _Sender(
        name=name,
        account="assure",
        scenario={**pace, "provider": provider},
        ends={
            "accepted": ({}, End([_APPROVED], files)),
            "rejected": ({"outcome": "rejected"}, End([_DECLINED], files)),
            "inconclusive": ({"outcome": "inconclusive"}, End([_INCONCLUSIVE], files)),
            "canceled": ({"outcome": "canceled"}, End(["canceled"], 0)),
        },
        lost=_FINAL_LOST,
        late=[({}, None, {"status": "rejected"})],
        registration={"sender": name},
    )


_PROCESS: Final = {"think": "PT1M", "processing_for": "PT30S"}
_SWIFT: Final = {"think": "PT20S", "processing_for": "PT20S"}

SENDERS: Final = (
    _Sender(
        name="id360",
        account="id360",
        scenario=_BRISK,
        ends={
            "OK": ({}, End([_APPROVED], 5)),
            "KO": ({"outcome": "KO"}, End([_DECLINED], 5)),
            "CANCELED": ({"outcome": "CANCELED"}, End(["canceled"], 2)),
        },
        lost=_FINAL_LOST,
        late=[({}, None, {"status": "KO"})],
    ),
    _Sender(
        name="identomat",
        account="identomat",
        scenario=_BRISK,
        ends={
            "approved": ({}, End([_APPROVED], 4)),
            "rejected": ({"outcome": "rejected"}, End([_DECLINED], 4)),
        },
        lost=_FINAL_LOST,
        late=[
            # The callback of the change arrives, and no recheck is due soon after it.
            ({"changes": [{"at": "PT90M", "result": "rejected"}]}, End([_APPROVED, _DECLINED], 4), None),
            # The callback of the change is lost: only the recheck after an hour finds it.
            (
                {"changes": [{"at": "PT50M", "result": "rejected"}], "drop_indices": [1]},
                End([_APPROVED, _DECLINED], 4),
                None,
            ),
        ],
        asks_for_messages=True,
    ),
    _assure("onfido", "onfido", 3, pace=_PROCESS),
    _assure("electronic-identification", "eid", 6, pace=_PROCESS),
    _assure("readid", "readid", 3, pace=_PROCESS),
    _assure("paper", "paper", 2, pace=_SWIFT),
    _assure("connect", "connect:idmethod", 1, pace=_SWIFT),
    _assure("other", "facetec", 2, pace=_SWIFT),
    _Sender(
        name="events",
        account="assure-events",
        scenario=_PROCESS,
        ends={
            "accepted": ({}, End([_APPROVED], 3)),
            "rejected": ({"outcome": "rejected"}, End([_DECLINED], 3)),
        },
        lost=_FINAL_LOST,
        late=[({}, None, {"status": "rejected"})],
    ),
    _Sender(
        name="v1",
        account="smile",
        scenario={"think": "PT30S", "step_every": "PT30S"},
        ends={
            "approved": ({}, End([_APPROVED], 1)),
            "reviewed": ({"code": "0814", "reviewed_code": "1211", "review_for": "PT15M"}, End([_DECLINED], 1)),
        },
        lost={"drop_all": True},
        late=[({"reviewed_code": "1211", "review_for": "PT15M"}, End([_APPROVED, _DECLINED], 1), None)],
    ),
    _Sender(
        name="v3",
        account="smile-v3",
        scenario={"think": "PT30S", "step_every": "PT30S"},
        ends={
            "clear": ({}, End([_APPROVED], 4)),
            "block": ({"status": "block"}, End([_DECLINED], 4)),
        },
        lost=_FINAL_LOST,
        late=[
            (
                {"monitoring_after": "PT10M", "monitoring_changes_status": True},
                End([_APPROVED, _INCONCLUSIVE], 4),
                None,
            )
        ],
    ),
)


def cases(count: int, *, random: Random) -> list[Case]:
    """Return so many verifications, of every sender about the same number: the longest first, the others at random."""
    made = list(_cases(count, random=random))
    random.shuffle(made)
    return sorted(made, key=lambda case: case.lasts, reverse=True)


def _cases(count: int, *, random: Random) -> Iterator[Case]:
    for number in range(count):
        sender, turn = SENDERS[number % len(SENDERS)], number // len(SENDERS)
        # The kinds go round, so that every sender has its share of each whatever the seed.
        is_lost = turn % LOST_OF == _LOST_TURN
        lateness = _lateness(sender, turn)
        if turn % SILENT_OF == _SILENT_TURN:
            yield _silent(number, sender)
        elif lateness is not None:
            yield _late(number, sender, lateness, is_lost=is_lost)
        else:
            yield _plain(number, sender, random, is_lost=is_lost)


def _lateness(sender: _Sender, turn: int) -> _Late | None:
    """Return what makes the verification of this turn late. A sender's second kind has a turn of its own."""
    by_turn = dict(zip(_LATE_TURNS, sender.late, strict=False))
    return by_turn.get(turn % LATE_OF)


def _plain(number: int, sender: _Sender, random: Random, *, is_lost: bool) -> Case:
    special, end = random.choice(list(sender.ends.values()))
    case = _case(number, sender, {**special, **(sender.lost if is_lost else {})}, end)
    case.is_lost = is_lost
    if sender.asks_for_messages:
        case.messages_to = f"+1202{number + 5550000:07}"
        message = {"at": "PT5M", "address": case.messages_to, "times": 2 + random.randrange(3)}
        case.scenario = {**case.scenario, "think": "PT8M", "messages": [message]}
    return case


def _late(number: int, sender: _Sender, kind: _Late, *, is_lost: bool) -> Case:
    special, end, afterwards = kind
    _, usual = next(iter(sender.ends.values()))
    is_lost = is_lost and end is None
    case = _case(number, sender, {**special, **(sender.lost if is_lost else {})}, end or usual)
    case.is_late, case.is_lost, case.afterwards = True, is_lost or "drop_indices" in special, afterwards
    if "changes" in special:
        case.lasts = timedelta(minutes=100)
    return case


def _silent(number: int, sender: _Sender) -> Case:
    silence = {"silent": True} if sender.name in {"v1", "v3"} else {"outcome": "silent", "callbacks": False}
    return _case(number, sender, silence, None)


def _case(number: int, sender: _Sender, special: Mapping[str, Any], end: End | None) -> Case:
    return Case(
        number=number,
        sender=sender.name,
        account=sender.account,
        scenario={**sender.scenario, **special},
        end=end,
        lasts=timedelta(minutes=25),
        registration=sender.registration,
    )
