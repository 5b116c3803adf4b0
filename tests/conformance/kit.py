"""What a provider brings so that the conformance suite can hold it to the promises.

A provider `p` has a module `tests/providers/p/kit.py` with `KIT: Kit`. It is found by the name in the registry; the
suite itself is never touched. A kit is data and small functions, and every expectation in it is a literal: what the
provider's documents say and what we answer, never computed by the code under test.

The provider must also be simulated: `simulator.registry.SIMULATED[p]`, with its markers. The suite orders every
verification from the simulator, takes the callbacks that the simulator sends, and withholds, doubles or reorders them
itself; so a kit needs no course of callbacks. What no honest sender sends (a forgery, an unknown word, a broken body)
the kit builds.

What a sender cannot have is named in `absent` with the reason, and shown as skipped with it. Only the conditions in
`MAY_BE_ABSENT` can be.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias

from vigil.domain.sender_contract import AnswerMeaning
from vigil.domain.snapshot import Snapshot
from vigil.domain.terms import Decision


class Condition(StrEnum):
    """A callback, or the state of our side when it comes, to which we owe an answer."""

    GENUINE = "genuine"
    """A final callback, proven by the first live secret, for a verification that is being tracked."""
    INTERMEDIATE = "intermediate"
    """A proven one that only tells of progress."""
    SECOND_SECRET = "second_secret"
    """As genuine, proven by the other live secret."""
    UNKNOWN_WORD = "unknown_word"
    """A proven one whose status is in no table."""
    UNKNOWN_REFERENCE = "unknown_reference"
    """A proven one for a verification of which nobody told us; early, or never to be registered."""
    FORGED = "forged"
    """A final one that presents no proof at all."""
    WRONG_SECRET = "wrong_secret"
    """A final one that presents another secret than ours."""
    STALE = "stale"
    """A proven final one, older than the contract's `max_age`."""
    UNPROVEN = "unproven"
    """A final one without proof, at an account whose settings take it as a hint: `Kit.unproven_settings`."""
    MALFORMED = "malformed"
    """A proven one whose body is not what the provider documents, such as no JSON."""
    UNPROVABLE = "unprovable"
    """One whose proof would be in its body, which cannot be read."""
    OVERSIZED = "oversized"
    """A proven one of more than 2 MiB. The suite pads it; a kit never builds it."""
    GZIPPED = "gzipped"
    """A genuine one with `Content-Encoding: gzip`. The suite builds it from the genuine one, like all that follow."""
    DEFLATED = "deflated"
    OTHER_CHARSET = "other_charset"
    """In UTF-16, with a `charset` that says so."""
    UNKNOWN_CODING = "unknown_coding"
    """In a content coding that we do not read."""
    PADDED_HEADERS = "padded_headers"
    """With a blank and a tab behind every header value."""
    REPEATED_HEADERS = "repeated_headers"
    """With every header twice."""
    STORAGE_DOWN = "storage_down"
    """A genuine one while storage is down."""
    TEMPORAL_DOWN = "temporal_down"
    BOTH_DOWN = "both_down"


MAY_BE_ABSENT: Final = frozenset(
    {
        Condition.INTERMEDIATE,
        Condition.FORGED,
        Condition.WRONG_SECRET,
        Condition.SECOND_SECRET,
        Condition.STALE,
        Condition.UNPROVEN,
        Condition.UNPROVABLE,
        Condition.UNKNOWN_WORD,
    }
)
BUILT_BY_THE_SUITE: Final = frozenset(
    {
        Condition.OVERSIZED,
        Condition.GZIPPED,
        Condition.DEFLATED,
        Condition.OTHER_CHARSET,
        Condition.UNKNOWN_CODING,
        Condition.PADDED_HEADERS,
        Condition.REPEATED_HEADERS,
        Condition.STORAGE_DOWN,
        Condition.TEMPORAL_DOWN,
        Condition.BOTH_DOWN,
    }
)


@dataclass(frozen=True)
class SentRequest:
    """One HTTP request to our callback address."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class AnswerRow:
    """One statement of the provider's documents in a few words, a condition it bears on, and the code we answer."""

    statement: str
    condition: Condition
    code: int


def rows_of_http(unknown_coding: AnswerRow) -> tuple[AnswerRow, ...]:
    """Return the rows that are the same for every sender, since HTTP states them, and the given one."""
    return (
        AnswerRow("RFC 9110, 8.4: a content coding is undone before the content is read", Condition.GZIPPED, 200),
        AnswerRow("RFC 9110, 8.4.1.2: deflate is a zlib stream", Condition.DEFLATED, 200),
        AnswerRow("RFC 9110, 8.3.2: charset names the encoding of the text", Condition.OTHER_CHARSET, 200),
        AnswerRow("RFC 9110, 5.5: blanks around a value are no part of it", Condition.PADDED_HEADERS, 200),
        AnswerRow("RFC 9110, 5.3: equal values of one header are that value", Condition.REPEATED_HEADERS, 200),
        unknown_coding,
    )


@dataclass(frozen=True)
class MeaningRow:
    """One statement of the provider's documents about codes, and what the sender makes of each; None: no answer."""

    statement: str
    codes: tuple[int | None, ...]
    means: AnswerMeaning


Scenario: TypeAlias = Callable[[str], Mapping[str, Any]]
"""An order to the simulator (the body of `POST /control/{provider}/verifications`) for callbacks to the given URL.

The callbacks carry the first live secret of `Kit.settings`.
"""

BuildCallback: TypeAlias = Callable[[Condition, str, datetime], SentRequest]
"""Builds the callback of a condition for a reference, as sent at a time.

Called for conditions that are neither absent nor in `BUILT_BY_THE_SUITE`. Header names are as the sender writes them.
"""


@dataclass(frozen=True)
class SenderKit:
    """One sender contract's part."""

    scenario: Scenario
    """A verification that is open at first, becomes final at the age `final_at`, and lists at least one file."""
    final_at: timedelta
    decision: Decision
    unknown_word: Scenario
    """As `scenario`, but at `final_at` the provider's result, too, says a word that no table has."""
    callback: BuildCallback
    answers: tuple[AnswerRow, ...]
    """At least one row for every condition that is not absent."""
    meanings: tuple[MeaningRow, ...]
    redelivered_after: tuple[timedelta, ...]
    """When the sender comes again after a first attempt that failed, counted from it; empty: never."""
    found_within: timedelta
    """How long after an end whose every callback was lost we have found it at the latest."""
    spellings: Mapping[str, tuple[str, ...]]
    """By reference as it must be kept: other spellings in which a backend or a callback may give the same id."""
    replaying: Scenario | None = None
    """As `scenario`, where the provider also sends a callback again when it is asked to. None: it never does."""
    unknown_session_kind: Callable[[str, datetime], SentRequest] | None = None
    """Builds a proven callback about a kind of session that is in no table. None: its callbacks name no kind."""
    starts: bool = True
    """Whether its genuine callback may start a verification that nobody registered; False: too weakly proven."""
    absent: Mapping[Condition, str] = field(default_factory=dict)
    """Conditions that this sender cannot have, with the reason."""
    registered_sender: str | None = None
    """The sender that a backend names when it registers; None: it need not."""


@dataclass(frozen=True)
class Kit:
    """A provider's whole kit. `senders` has exactly the names of the provider's contracts."""

    settings: Callable[[str], Mapping[str, Any]]
    """The settings of an account at the simulator at the given address, with two live callback secrets."""
    senders: Mapping[str, SenderKit]
    impossible: tuple[str, ...]
    """References that no verification at this provider can have."""
    unfetchable: Mapping[str, Snapshot]
    """Results, by a few words about each, that name a file which we cannot fetch."""
    unproven_settings: Callable[[str], Mapping[str, Any]] | None = None
    """As `settings`, for an account that takes callbacks without proof as hints. None where no account can."""


class KitMissing(Exception):
    """A registered provider has no kit; the text is one sentence that names the file to write."""


def kit_of(provider: str) -> Kit:
    """Return the kit of a registered provider. Raises `KitMissing`."""
    module = f"tests.providers.{provider}.kit"
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise KitMissing(_wanted(provider)) from None
    kit = getattr(found, "KIT", None)
    if not isinstance(kit, Kit):
        raise KitMissing(_wanted(provider))
    return kit


def _wanted(provider: str) -> str:
    return f"Provider {provider} brings no conformance kit: write tests/providers/{provider}/kit.py with `KIT: Kit`."
