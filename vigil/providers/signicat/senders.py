"""How the sub-providers of Signicat Assure send callbacks, and how often we poll.

A callback of the legacy generation behaves as its sub-provider does and does not name it. The numbers are documented as
of 2021. The current generation documents none.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from vigil.domain.sender_contract import (
    ANY_2XX,
    EXACTLY_200,
    Answering,
    CodeRange,
    OurAnswers,
    Redelivery,
    SenderContract,
)
from vigil.domain.terms import Name, Proof, Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE, PollPlan, TrackingPlan

ONFIDO: Final = "onfido"
ELECTRONIC_IDENTIFICATION: Final = "electronic-identification"
READID: Final = "readid"
PAPER: Final = "paper"
CONNECT: Final = "connect"
OTHER: Final = "other"
"""A sub-provider that no table lists, or that is not known yet."""
EVENTS: Final = "events"
"""The channel of the current generation, for all sub-providers."""

BUDGET: Final = timedelta(seconds=10)
"""Documented for the legacy callback; inferred for events, whose time limit is unknown."""

# 503 would make ReadID hold all callbacks for an hour; 429 costs one redelivery. The other senders treat both alike.
ANSWERS: Final = OurAnswers(lost=429)

_SECOND: Final = timedelta(seconds=1)

# Nothing distinguishes a deleted process from one that never existed. So a process that was read before counts as
# deleted, but not at once: a single 404 may come from a restart at Signicat.
_DELETED_AFTER: Final = 15 * MINUTE
# An agent of VideoID answers within minutes in office hours; no source says more (unknown).
_IN_REVIEW: Final = PollPlan.of((2 * HOUR, 2 * MINUTE), (2 * DAY, 15 * MINUTE), (None, HOUR))

_REPEATING: Final = TrackingPlan(
    callback_expected_within=10 * MINUTE,
    deadline=14 * DAY,
    not_found_is_deleted_after=_DELETED_AFTER,
    polls={
        Stage.AWAITING_APPLICANT: PollPlan.of((6 * HOUR, 5 * MINUTE), (2 * DAY, 15 * MINUTE), (None, HOUR)),
        Stage.PROCESSING: PollPlan.of((15 * MINUTE, MINUTE), (6 * HOUR, 5 * MINUTE), (None, HOUR)),
        Stage.IN_REVIEW: _IN_REVIEW,
    },
)
_ONE_SHOT: Final = TrackingPlan(
    callback_expected_within=2 * MINUTE,
    deadline=14 * DAY,
    not_found_is_deleted_after=_DELETED_AFTER,
    polls={
        Stage.AWAITING_APPLICANT: PollPlan.of(
            (HOUR, MINUTE), (6 * HOUR, 5 * MINUTE), (2 * DAY, 15 * MINUTE), (None, HOUR)
        ),
        Stage.PROCESSING: PollPlan.of((15 * MINUTE, 30 * _SECOND), (6 * HOUR, 2 * MINUTE), (None, HOUR)),
        Stage.IN_REVIEW: _IN_REVIEW,
    },
)

_SIGNICAT: Final = "Signicat, 2021"
_USUAL: Final = Answering(budget=BUDGET, accepted=EXACTLY_200, stated_by=_SIGNICAT)
# Our 200 is right by both statements.
_OF_ONFIDO: Final = Answering(
    budget=BUDGET, accepted=EXACTLY_200, stated_by=f"{_SIGNICAT}; Onfido's specification: any 20x"
)
_ASSUMED: Final = Answering(budget=BUDGET, accepted=EXACTLY_200, stated_by="assumed")
_OF_READID: Final = Answering(
    budget=BUDGET,
    # The classes of codes are documented, their order is inferred. That a missing answer means a redelivery is unknown.
    accepted=ANY_2XX,
    stated_by=_SIGNICAT,
    never_again=(CodeRange(first=400, last=400),),
    hold_everything=(
        *(CodeRange(first=code, last=code) for code in (404, 405, 406, 410, 414, 415)),
        CodeRange(first=500, last=599),
    ),
    hold_for=HOUR,
)

_FIVE_TIMES: Final = Redelivery(
    delays=(30 * _SECOND, 2 * MINUTE, 15 * MINUTE, 2 * HOUR, 10 * HOUR), counted_from="first", certain=5
)
# "Until the 15th attempt" is documented; that the first delivery is one of the 15 is inferred.
_EVERY_TEN_MINUTES: Final = Redelivery(delays=(10 * MINUTE,) * 14, certain=14)
_EVERY_HOUR: Final = Redelivery(delays=(HOUR,) * 24, certain=24)
_NEVER: Final = Redelivery()

_NEVER_AGAIN: Final = "it is never sent again"
_ROWS: Final = (
    (ONFIDO, "Onfido", _OF_ONFIDO, _FIVE_TIMES, "the last redelivery comes 10 h after the first"),
    (
        ELECTRONIC_IDENTIFICATION,
        "Electronic IDentification (VideoID)",
        _USUAL,
        _EVERY_TEN_MINUTES,
        "the 15th attempt comes 2 h 20 after the first",
    ),
    (READID, "ReadID", _OF_READID, _EVERY_HOUR, "it comes again every hour, 24 times"),
    (PAPER, "Paper", _USUAL, _NEVER, _NEVER_AGAIN),
    (CONNECT, "Connect", _USUAL, _NEVER, _NEVER_AGAIN),
    (OTHER, "other sub-providers", _ASSUMED, _NEVER, _NEVER_AGAIN),
)
"""The senders of legacy callbacks: name, title, answers, redelivery, and what happens after a lost callback."""

_LEGACY: Final = tuple(
    SenderContract(
        sender=sender,
        title=f"Signicat Assure, {title}",
        proof=Proof.SECRET,
        answering=answering,
        redelivery=redelivery,
        answers=ANSWERS,
        lost_callback=f"the process is final and no callback arrived; {afterwards}",
        tracking=_REPEATING if redelivery.delays else _ONE_SHOT,
    )
    for sender, title, answering, redelivery, afterwards in _ROWS
)

_EVENTS: Final = SenderContract(
    sender=EVENTS,
    title="Signicat Assure Events",
    # A secret can be configured, but how it is presented is unknown, so the contract promises no proof.
    proof=Proof.NONE,
    answering=Answering(budget=BUDGET, accepted=ANY_2XX, stated_by="assumed"),
    # Redeliveries end at the envelope's `expiresAt`. Their times are unknown, so we count on none.
    redelivery=Redelivery(is_known=False),
    answers=ANSWERS,
    lost_callback="the process is final and no event arrived",
    tracking=_ONE_SHOT,
)

CONTRACTS: Final[Mapping[Name, SenderContract]] = MappingProxyType(
    {contract.sender: contract for contract in (*_LEGACY, _EVENTS)}
)
