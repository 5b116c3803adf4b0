"""Describes a sender's contract in words, for the command line and for the documentation."""

from collections.abc import Iterable, Mapping
from typing import Final

from vigil.domain.sender_contract import Answering, CodeRange, Redelivery, SenderContract
from vigil.domain.terms import Proof
from vigil.domain.tracking_plan import spoken

PROOFS: Final[Mapping[Proof, str]] = {
    Proof.SECRET: "a shared secret",
    Proof.SIGNED_BODY: "a signature over the body",
    Proof.UNBOUND: "a signature beside the body",
    Proof.STALE: "an old signature",
    Proof.NONE: "nothing",
}


def describe_proof(contract: SenderContract) -> str:
    """Return what proves a callback, and for how long."""
    proof = PROOFS[contract.proof]
    return f"{proof}, for {spoken(contract.max_age)}" if contract.max_age is not None else proof


def describe_accepted(answering: Answering) -> str:
    """Return the accepted answers, such as `200 within 10 s (its guide)`."""
    text = f"{_codes(answering.accepted)} within {spoken(answering.budget)}"
    return f"{text} ({answering.stated_by})" if answering.stated_by else text


def describe_redelivery(redelivery: Redelivery) -> str:
    """Return when a sender repeats a callback, such as `14 times, every 10 min` or `never`."""
    times = redelivery.due_after_first()
    count = len(times)
    if not times:
        return "never" if redelivery.is_known else "unknown; we rely on none"
    if times == tuple(times[0] * number for number in range(1, count + 1)) and count > 1:
        text = f"{count} times, every {spoken(times[0])}"
    else:
        text = f"{', '.join(map(spoken, times))} after the first attempt"
    if redelivery.certain == 0:
        return f"{text}; whether and when is not certain"
    return f"{text}; only the first {redelivery.certain} are certain" if redelivery.certain < count else text


def describe_codes_to_avoid(answering: Answering) -> str:
    """Return the status codes that cost more than one delivery, and what they cause."""
    effects = []
    if answering.never_again:
        effects.append(f"{_codes(answering.never_again)}: it gives the callback up")
    if answering.hold_everything:
        held = spoken(answering.hold_for)
        effects.append(f"{_codes(answering.hold_everything)}: it holds all callbacks back for {held}")
    return "; ".join(effects) or "none"


def _codes(ranges: Iterable[CodeRange]) -> str:
    return ", ".join(f"{r.first}" if r.first == r.last else f"{r.first}–{r.last}" for r in ranges)  # noqa: RUF001
