"""Writes the tables about senders into the pages that show them, from the senders' contracts: `make docs`."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from docs.marked_pages import fill, table
from vigil.domain.sender_contract import SenderContract
from vigil.domain.terms import Stage
from vigil.domain.tracking_plan import spoken
from vigil.providers.registry import PROVIDERS
from vigil.providers.sender_description import (
    describe_accepted,
    describe_codes_to_avoid,
    describe_proof,
    describe_redelivery,
)

MARK: Final = "senders"

_BEHAVIOUR: Final = ("Sender", "Its callback is proven by", "It accepts", "Else it comes again", "Codes to avoid")
_RECOVERY: Final = ("Sender", "When a callback is lost", "We begin to poll", "and poll", "so it is found within")


def build_pages(root: Path) -> Mapping[Path, str]:
    """Return the text of each page with tables: every provider's README, and the page about all senders."""
    own = {
        root / "vigil" / "providers" / name / "README.md": tuple(entry.contracts.values())
        for name, entry in PROVIDERS.items()
    }
    everyone = tuple(contract for contracts in own.values() for contract in contracts)
    pages = {**own, root / "docs" / "senders.md": everyone}
    return {page: fill_page(page.read_text(), contracts) for page, contracts in pages.items()}


def fill_page(text: str, contracts: Iterable[SenderContract]) -> str:
    """Return a page with its tables between the two marks. Raises `ValueError` if a mark is missing."""
    return fill(text, MARK, _tables(tuple(contracts)))


def main() -> None:
    """Write the tables of all pages."""
    root = Path(__file__).parents[1]
    for page, text in build_pages(root).items():
        if page.read_text() != text:
            page.write_text(text)
            sys.stdout.write(f"wrote {page.relative_to(root)}\n")


def _tables(contracts: Sequence[SenderContract]) -> str:
    behaviour = table(_BEHAVIOUR, (tuple(_behaviour(contract)) for contract in contracts))
    recovery = table(_RECOVERY, (tuple(_recovery(contract)) for contract in contracts))
    return f"{behaviour}\n\n{recovery}"


def _behaviour(contract: SenderContract) -> Iterator[str]:
    yield contract.title
    yield describe_proof(contract)
    yield describe_accepted(contract.answering)
    yield describe_redelivery(contract.redelivery)
    yield describe_codes_to_avoid(contract.answering)


def _recovery(contract: SenderContract) -> Iterator[str]:
    watch = contract.tracking
    yield contract.title
    yield contract.lost_callback
    yield f"{spoken(watch.callback_expected_within)} after the registration"
    yield watch.poll_plan(Stage.AWAITING_APPLICANT).words()
    yield spoken(_round_up(watch.found_within()))


def _round_up(duration: timedelta) -> timedelta:
    """Round up to a whole second, or to a whole minute if it is longer than one: a promise must never be too short."""
    unit = timedelta(minutes=1) if duration > timedelta(minutes=1) else timedelta(seconds=1)
    return -(-duration // unit) * unit


if __name__ == "__main__":
    main()
