from datetime import timedelta

import pytest

from vigil.domain.sender_contract import ANY_2XX, Answering, AnswerMeaning, Redelivery, SenderContract
from vigil.domain.terms import Proof
from vigil.providers.registry import PROVIDERS
from vigil.providers.sender_description import describe_codes_to_avoid, describe_proof, describe_redelivery

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
CONTRACTS = [contract for entry in PROVIDERS.values() for contract in entry.contracts.values()]


@pytest.mark.parametrize(
    ("redelivery", "text"),
    [
        (Redelivery(), "never"),
        (Redelivery(is_known=False), "unknown; we rely on none"),
        (Redelivery(delays=(35 * SECOND,), certain=1), "35 s after the first attempt"),
        (
            Redelivery(
                delays=(30 * SECOND, 2 * MINUTE, 15 * MINUTE, 2 * HOUR, 10 * HOUR), counted_from="first", certain=5
            ),
            "30 s, 2 min, 15 min, 2 h, 10 h after the first attempt",
        ),
        (Redelivery(delays=(30 * SECOND, 90 * SECOND), certain=2), "30 s, 2 min after the first attempt"),
        (Redelivery(delays=(10 * MINUTE,) * 14, certain=14), "14 times, every 10 min"),
        (Redelivery(delays=(10 * MINUTE,) * 2), "2 times, every 10 min; whether and when is not certain"),
        (Redelivery(delays=(HOUR,) * 24, certain=23), "24 times, every 1 h; only the first 23 are certain"),
    ],
)
def test_redeliveries_are_described_from_the_first_attempt(redelivery: Redelivery, text: str) -> None:
    assert describe_redelivery(redelivery) == text


def test_a_sender_without_special_codes_has_none_to_avoid() -> None:
    assert describe_codes_to_avoid(Answering(budget=SECOND, accepted=ANY_2XX)) == "none"


@pytest.mark.parametrize("proof", Proof)
def test_every_proof_has_a_description(proof: Proof) -> None:
    assert describe_proof(CONTRACTS[0].model_copy(update={"proof": proof, "max_age": None}))


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.sender)
def test_we_never_answer_a_code_that_the_page_says_to_avoid(contract: SenderContract) -> None:
    ours = contract.answers.model_dump()
    meanings = {name: contract.answering.meaning_of(code) for name, code in ours.items()}

    assert meanings.pop("kept") is AnswerMeaning.ACCEPTED
    assert set(meanings.values()) == {AnswerMeaning.COME_AGAIN}
