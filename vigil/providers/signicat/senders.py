"""What the sub-providers of Signicat Assure do on the wire when they call back, and how often we ask.

The callback of the legacy generation passes on each sub-provider's own habits and does not say whose it is. Its
numbers are documented as of 2021; the current generation documents none.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from vigil.domain.sender_contract import Answering, CodeRange, OurAnswers, Redelivery, SenderContract
from vigil.domain.terms import Name, Proof, Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE, PollPlan, PollStep, TrackingPlan

ONFIDO: Final = "onfido"
ELECTRONIC_IDENTIFICATION: Final = "electronic-identification"
READID: Final = "readid"
PAPER: Final = "paper"
CONNECT: Final = "connect"
OTHER: Final = "other"
"""A sub-provider that no table names, or one that is not known yet."""
EVENTS: Final = "events"
"""The channel of the current generation, whichever sub-provider is behind it."""

ALLOWED: Final = timedelta(seconds=10)
"""Documented for the legacy callback; inferred for events, whose budget is unknown."""

# 503 would make ReadID hold every notification for an hour, 429 costs it one resend; the others treat both alike.
ANSWERS: Final = OurAnswers(lost=429)

_EXACTLY_200: Final = (CodeRange(first=200, last=200),)
_ANY_2XX: Final = (CodeRange(first=200, last=299),)
_SECOND: Final = timedelta(seconds=1)
_DELETED_AFTER: Final = 15 * MINUTE


def _polls(*steps: tuple[timedelta | None, timedelta]) -> PollPlan:
    return PollPlan(steps=tuple(PollStep(until=until, every=every) for until, every in steps))


# An agent of VideoID answers within minutes in office hours; no source says more (unknown).
_REVIEW: Final = _polls((2 * HOUR, 2 * MINUTE), (2 * DAY, 15 * MINUTE), (None, HOUR))

_REPEATING: Final = TrackingPlan(
    callback_expected_within=10 * MINUTE,
    deadline=14 * DAY,
    # Nothing tells a deleted process from one that never was, so one that was read before was deleted; but one 404
    # may come of a restart over there.
    not_found_is_deleted_after=_DELETED_AFTER,
    polls={
        Stage.AWAITING_APPLICANT: _polls((6 * HOUR, 5 * MINUTE), (2 * DAY, 15 * MINUTE), (None, HOUR)),
        Stage.PROCESSING: _polls((15 * MINUTE, MINUTE), (6 * HOUR, 5 * MINUTE), (None, HOUR)),
        Stage.IN_REVIEW: _REVIEW,
    },
)
_ONE_SHOT: Final = TrackingPlan(
    callback_expected_within=2 * MINUTE,
    deadline=14 * DAY,
    not_found_is_deleted_after=_DELETED_AFTER,
    polls={
        Stage.AWAITING_APPLICANT: _polls((HOUR, MINUTE), (6 * HOUR, 5 * MINUTE), (2 * DAY, 15 * MINUTE), (None, HOUR)),
        Stage.PROCESSING: _polls((15 * MINUTE, 30 * _SECOND), (6 * HOUR, 2 * MINUTE), (None, HOUR)),
        Stage.IN_REVIEW: _REVIEW,
    },
)


def _one_shot(sender: str, title: str) -> SenderContract:
    return SenderContract(
        sender=sender,
        title=title,
        proof=Proof.SECRET,
        answering=Answering(budget=ALLOWED, accepted=_EXACTLY_200),
        redelivery=Redelivery(),
        answers=ANSWERS,
        lost_callback="the process is final and no callback was heard; it is never sent again",
        watch=_ONE_SHOT,
    )


_ONFIDO: Final = SenderContract(
    sender=ONFIDO,
    title="Signicat Assure, Onfido",
    proof=Proof.SECRET,
    answering=Answering(budget=ALLOWED, accepted=_EXACTLY_200),
    redelivery=Redelivery(
        delays=(30 * _SECOND, 2 * MINUTE, 15 * MINUTE, 2 * HOUR, 10 * HOUR), counted_from="first", certain=5
    ),
    answers=ANSWERS,
    lost_callback="the process is final and no callback was heard; the last redelivery comes 10 h after the first",
    watch=_REPEATING,
)

_ELECTRONIC_IDENTIFICATION: Final = SenderContract(
    sender=ELECTRONIC_IDENTIFICATION,
    title="Signicat Assure, Electronic IDentification (VideoID)",
    proof=Proof.SECRET,
    answering=Answering(budget=ALLOWED, accepted=_EXACTLY_200),
    # "Until the 15th attempt" is documented; that the first delivery is one of the 15 is inferred.
    redelivery=Redelivery(delays=(10 * MINUTE,) * 14, counted_from="previous", certain=14),
    answers=ANSWERS,
    lost_callback="the process is final and no callback was heard; the 15th attempt comes 2 h 20 after the first",
    watch=_REPEATING,
)

_READID: Final = SenderContract(
    sender=READID,
    title="Signicat Assure, ReadID",
    proof=Proof.SECRET,
    # The classes are documented, their order is inferred; that no answer means "come again" is unknown.
    answering=Answering(
        budget=ALLOWED,
        accepted=_ANY_2XX,
        never_again=(CodeRange(first=400, last=400),),
        hold_everything=(
            *(CodeRange(first=code, last=code) for code in (404, 405, 406, 410, 414, 415)),
            CodeRange(first=500, last=599),
        ),
        hold_for=HOUR,
    ),
    redelivery=Redelivery(delays=(HOUR,) * 24, counted_from="previous", certain=24),
    answers=ANSWERS,
    lost_callback="the process is final and no callback was heard; it comes again every hour, 24 times",
    watch=_REPEATING,
)

_EVENTS: Final = SenderContract(
    sender=EVENTS,
    title="Signicat Assure Events",
    # A secret can be configured, but how it is presented is unknown, so the contract promises no proof.
    proof=Proof.NONE,
    answering=Answering(budget=ALLOWED, accepted=_ANY_2XX),
    # Retries end at the envelope's `expiresAt`; when they come is unknown, so none is counted on.
    redelivery=Redelivery(is_known=False),
    answers=ANSWERS,
    lost_callback="the process is final and no event was heard",
    watch=_ONE_SHOT,
)

CONTRACTS: Final[Mapping[Name, SenderContract]] = MappingProxyType(
    {
        contract.sender: contract
        for contract in (
            _ONFIDO,
            _ELECTRONIC_IDENTIFICATION,
            _READID,
            _one_shot(PAPER, "Signicat Assure, Paper"),
            _one_shot(CONNECT, "Signicat Assure, Connect"),
            _one_shot(OTHER, "Signicat Assure, other sub-providers"),
            _EVENTS,
        )
    }
)
