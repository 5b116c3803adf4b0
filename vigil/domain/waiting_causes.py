"""The table of causes: why an open verification is pending, and whose turn it is.

The first row that holds is the cause. The applicant is named by one of the last rows only: while anything else is
wrong, nobody knows whether the applicant has finished.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from vigil.domain.attention import what_attention_means
from vigil.domain.errors import ADDRESS_NOT_ALLOWED, OUR_LIMITS
from vigil.domain.situation import PendingStep, Situation
from vigil.domain.snapshot import Answer
from vigil.domain.summary import Summary
from vigil.domain.terms import Actor, Attention, Stage, who_acts
from vigil.domain.timers import TimerName

_ASKING: Final = frozenset({"read", "poll"})


@dataclass(frozen=True)
class Facts:
    """What the rows look at: the published state, what the last request to the provider brought, and the time."""

    summary: Summary
    step: PendingStep | None
    """The activity that asks the provider, one in trouble before others."""
    now: datetime
    reference: str | None = None
    """As the reader may see it."""

    @property
    def named(self) -> str:
        """The reference in a sentence."""
        return f"reference {self.reference}" if self.reference else "this reference"

    @property
    def stage(self) -> Stage:
        """The stage; `unrecognised` for a stage that a later release has added."""
        return self.summary.stage if isinstance(self.summary.stage, Stage) else Stage.UNRECOGNISED

    @property
    def trouble(self) -> str | None:
        """The coded reason why the last request brought no usable answer."""
        return self.step.last_answer if self.step is not None and self.step.is_troubled else None

    @property
    def is_failing(self) -> bool:
        """Whether an error of ours, and no answer, is the trouble: codes are in small letters, types are not."""
        return self.trouble is not None and not self.trouble.islower()

    @property
    def is_address_refused(self) -> bool:
        """Whether the provider does not allow the address that the worker asks from."""
        return self.step is not None and self.step.last_answer == f"{Answer.REFUSED}:{ADDRESS_NOT_ALLOWED}"

    @property
    def is_denied(self) -> bool:
        """Whether the provider answered that it knows no such verification."""
        answer = self.step.last_answer if self.step is not None else None
        is_told = answer is not None and answer.partition(":")[0] == Answer.NOT_FOUND
        return is_told or TimerName.UNKNOWN_TO_PROVIDER in (self.summary.timers or {})

    @property
    def is_end_announced(self) -> bool:
        """Whether callbacks announced an end which reads have still time to confirm."""
        until = (self.summary.timers or {}).get(TimerName.CONFIRMATION_WINDOW)
        return until is not None and until > self.now

    @property
    def is_review_uncertain(self) -> bool:
        """Whether it waits for a review that the provider does not promise: our review deadline would end it."""
        return self.stage is Stage.IN_REVIEW and TimerName.REVIEW_DEADLINE in (self.summary.timers or {})

    def holds_attention(self, reason: Attention) -> bool:
        """Whether a person is asked to look for this reason."""
        return reason in self.summary.attention


@dataclass(frozen=True)
class WaitingCause:
    """One row. `sentence` may have `{trouble}`, a code without `http_`, `{named}`, and fields of the `summary`."""

    name: str
    holds: Callable[[Facts], bool]
    sentence: str
    actor: Actor
    is_ours: bool = False

    def say(self, facts: Facts) -> str:
        """Return the sentence for people."""
        trouble = (facts.trouble or "").removeprefix("http_")
        return self.sentence.format(trouble=trouble, named=facts.named, summary=facts.summary)


def _asks_a_person(reason: Attention, *, is_ours: bool = False, only_in: Stage | None = None) -> WaitingCause:
    """Return the row of an attention; with `only_in` it counts in that stage alone."""
    return WaitingCause(
        name=reason,
        holds=lambda facts: facts.holds_attention(reason) and only_in in {None, facts.stage},
        sentence=what_attention_means(reason),
        actor=who_acts(reason),
        is_ours=is_ours,
    )


def _waits_for(stage: Stage, actor: Actor, sentence: str) -> WaitingCause:
    return WaitingCause(stage, holds=lambda facts: facts.stage is stage, sentence=sentence, actor=actor)


_OPEN: Final = WaitingCause("open", holds=lambda _: True, sentence="it is open", actor=Actor.PROVIDER)

WAITING_CAUSES: Final = (
    WaitingCause(
        "address_refused",
        holds=lambda facts: facts.is_address_refused,
        sentence="the worker's address is not on the provider's list of allowed addresses: have it added there",
        actor=Actor.OPERATOR,
        is_ours=True,
    ),
    _asks_a_person(Attention.PROVIDER_REFUSES_US, is_ours=True),
    WaitingCause(
        "our_limit",
        holds=lambda facts: facts.trouble in OUR_LIMITS,
        sentence="the provider's answer is over a limit of ours ({trouble})",
        actor=Actor.OPERATOR,
        is_ours=True,
    ),
    WaitingCause(
        "our_error",
        holds=lambda facts: facts.is_failing,
        sentence="our request to the provider fails ({trouble}): look at the worker's log",
        actor=Actor.OPERATOR,
        is_ours=True,
    ),
    _asks_a_person(Attention.REPLY_UNPROVEN),
    WaitingCause(
        "announced_and_silent",
        holds=lambda facts: facts.is_end_announced and facts.trouble is not None,
        sentence="an end was announced; the provider does not answer ({trouble})",
        actor=Actor.PROVIDER,
    ),
    WaitingCause(
        "silent",
        holds=lambda facts: facts.trouble is not None,
        sentence="the provider does not answer ({trouble})",
        actor=Actor.PROVIDER,
    ),
    _asks_a_person(Attention.OVER_OUR_LIMIT, is_ours=True),
    _asks_a_person(Attention.PROVIDER_UNREACHABLE),
    _asks_a_person(Attention.DISAPPEARED),
    WaitingCause(
        "never_known",
        holds=lambda facts: facts.summary.not_found_since is not None,
        sentence=(
            "{summary.provider} ({summary.environment}) has not known {named} since "
            "{summary.not_found_since:%Y-%m-%d %H:%M:%S} UTC: compare the reference and the environment"
        ),
        actor=Actor.BACKEND,
    ),
    WaitingCause(
        "denied",
        holds=lambda facts: facts.is_denied,
        sentence="the provider knows no verification with {named}",
        actor=Actor.BACKEND,
    ),
    WaitingCause(
        "announced",
        holds=lambda facts: facts.is_end_announced,
        sentence="an end was announced; the provider's answers do not show it yet",
        actor=Actor.PROVIDER,
    ),
    _asks_a_person(Attention.CONTRADICTION),
    WaitingCause(
        "uncertain_review",
        holds=lambda facts: facts.is_review_uncertain,
        sentence="the result is provisional, and the provider promises no review of it",
        actor=Actor.PROVIDER,
    ),
    *(_asks_a_person(reason, only_in=Stage.AWAITING_APPLICANT) for reason in Attention),
    WaitingCause(
        "later_release",
        holds=lambda facts: (
            facts.stage is Stage.AWAITING_APPLICANT
            and any(not isinstance(reason, Attention) for reason in facts.summary.attention)
        ),
        sentence="a person should look, for a reason that this release does not know",
        actor=Actor.OPERATOR,
    ),
    _waits_for(Stage.AWAITING_APPLICANT, Actor.APPLICANT, "the applicant has not finished"),
    _waits_for(Stage.PROCESSING, Actor.PROVIDER, "the provider is working"),
    _waits_for(Stage.IN_REVIEW, Actor.REVIEWER, "a reviewer at the provider is looking at it"),
    _waits_for(Stage.UNRECOGNISED, Actor.OPERATOR, "the provider's status is not in our tables"),
    _OPEN,
)


def find_cause(situation: Situation, summary: Summary, *, now: datetime) -> tuple[WaitingCause, str]:
    """Return the row that explains why an open verification is pending, and its sentence."""
    asking = sorted((step for step in situation.steps if step.step in _ASKING), key=lambda step: not step.is_troubled)
    facts = Facts(summary, next(iter(asking), None), now, situation.reference)
    cause = next(row for row in WAITING_CAUSES if row.holds(facts))
    return cause, cause.say(facts)
