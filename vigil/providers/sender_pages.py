"""What each sender promises and what we do about it: Markdown tables, made from the contracts by `make docs`."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from vigil.domain.sender_contract import Answering, CodeRange, Redelivery, SenderContract
from vigil.domain.terms import Proof, Stage
from vigil.domain.tracking_plan import spoken
from vigil.providers.registry import PROVIDERS

BEGIN: Final = "<!-- senders -->"
END: Final = "<!-- /senders -->"

PROOFS: Final[Mapping[Proof, str]] = {
    Proof.SECRET: "a shared secret",
    Proof.SIGNED_BODY: "a signature over the body",
    Proof.UNBOUND: "a signature beside the body",
    Proof.STALE: "an old signature",
    Proof.NONE: "nothing",
}

_PROMISED: Final = ("Sender", "Its callback is proven by", "It accepts", "Else it comes again", "Codes to avoid")
_DONE: Final = ("Sender", "When a callback is lost", "We begin to ask", "and ask", "so it is found within")


def pages(root: Path) -> Mapping[Path, str]:
    """Return each page with tables as it should read: every provider's own, and the one of all providers."""
    own = {
        root / "vigil" / "providers" / name / "README.md": tuple(e.contracts.values()) for name, e in PROVIDERS.items()
    }
    everyone = tuple(contract for contracts in own.values() for contract in contracts)
    shown = {**own, root / "docs" / "senders.md": everyone}
    return {page: filled(page.read_text(), contracts) for page, contracts in shown.items()}


def filled(text: str, contracts: Iterable[SenderContract]) -> str:
    """Return a page with its tables between the two marks. Raises `ValueError` where a mark is missing."""
    before, begin, rest = text.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"a page about senders needs the lines {BEGIN} and {END}")
    return f"{before}{begin}{tables(tuple(contracts))}{end}{after}"


def tables(contracts: Sequence[SenderContract]) -> str:
    """Return both tables, one row for each sender in each."""
    promised = _table(_PROMISED, map(_promises, contracts))
    done = _table(_DONE, map(_answers, contracts))
    return f"\n{promised}\n{done}\n"


def accepts(answering: Answering) -> str:
    """Say which answers count, such as `200 within 10 s`."""
    return f"{_codes(answering.accepted)} within {spoken(answering.budget)}"


def comes_again(redelivery: Redelivery) -> str:
    """Say when a sender repeats, such as `30 s, 2 min after the first attempt`, `14 times, every 10 min` or `never`."""
    due = redelivery.due_after_first()
    count = len(due)
    if not due:
        return "never" if redelivery.is_known else "nobody knows whether; we count on nothing"
    if due == tuple(due[0] * number for number in range(1, count + 1)) and count > 1:
        said = f"{count} times, every {spoken(due[0])}"
    else:
        said = f"{', '.join(map(spoken, due))} after the first attempt"
    if redelivery.certain == 0:
        return f"{said}; whether and when is not certain"
    return f"{said}; only the first {redelivery.certain} are certain" if redelivery.certain < count else said


def avoid(answering: Answering) -> str:
    """Say which codes end more than one attempt."""
    said = []
    if answering.never_again:
        said.append(f"{_codes(answering.never_again)}: it gives the callback up")
    if answering.hold_everything:
        held = spoken(answering.hold_for)
        said.append(f"{_codes(answering.hold_everything)}: it holds all callbacks back for {held}")
    return "; ".join(said) or "none"


def proven_by(contract: SenderContract) -> str:
    """Say what a callback is proven by, and until when."""
    proof = PROOFS[contract.proof]
    return f"{proof}, for {spoken(contract.max_age)}" if contract.max_age is not None else proof


def main() -> None:
    """Write the tables of all pages anew."""
    root = Path(__file__).parents[2]
    for page, text in pages(root).items():
        if page.read_text() != text:
            page.write_text(text)
            sys.stdout.write(f"wrote {page.relative_to(root)}\n")


def _promises(contract: SenderContract) -> Iterator[str]:
    yield contract.title
    yield proven_by(contract)
    yield accepts(contract.answering)
    yield comes_again(contract.redelivery)
    yield avoid(contract.answering)


def _answers(contract: SenderContract) -> Iterator[str]:
    watch = contract.watch
    yield contract.title
    yield contract.lost_callback
    yield f"{spoken(watch.callback_expected_within)} after the registration"
    yield watch.poll_plan(Stage.AWAITING_APPLICANT).words()
    yield spoken(_upwards(watch.found_within()))


def _upwards(duration: timedelta) -> timedelta:
    """Round up to a whole second, or to a whole minute where it is longer: a promise may be early, never late."""
    unit = timedelta(minutes=1) if duration > timedelta(minutes=1) else timedelta(seconds=1)
    return -(-duration // unit) * unit


def _codes(ranges: Iterable[CodeRange]) -> str:
    return ", ".join(f"{r.first}" if r.first == r.last else f"{r.first}–{r.last}" for r in ranges)  # noqa: RUF001


def _table(titles: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
