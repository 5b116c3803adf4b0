"""What a sender makes of our answers, and when it comes again: as its documents say, not as our contract computes."""

import pytest

from tests.conformance.cases import SENDERS, contract_of, kit_for
from tests.conformance.kit import MeaningRow

MEANINGS = [
    pytest.param(provider, sender, row, id=f"{provider}-{sender}-{number}")
    for provider, sender in SENDERS
    for number, row in enumerate(kit_for(provider, sender).meanings)
]


@pytest.mark.parametrize(("provider", "sender", "row"), MEANINGS)
def test_a_code_means_what_the_documents_say(provider: str, sender: str, row: MeaningRow) -> None:
    contract = contract_of(provider, sender)

    assert {code: contract.answering.meaning_of(code) for code in row.codes} == dict.fromkeys(row.codes, row.means)


@pytest.mark.parametrize(("provider", "sender"), SENDERS)
def test_redeliveries_are_due_when_the_documents_say(provider: str, sender: str) -> None:
    assert contract_of(provider, sender).redelivery.due_after_first() == kit_for(provider, sender).redelivered_after
