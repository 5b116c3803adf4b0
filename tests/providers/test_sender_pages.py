from datetime import timedelta
from pathlib import Path

import pytest

from vigil.domain.sender_contract import Answering, AnswerMeaning, CodeRange, Redelivery, SenderContract
from vigil.domain.terms import Proof, Stage
from vigil.domain.tracking_plan import PollPlan, PollStep, TrackingPlan
from vigil.providers.registry import PROVIDERS
from vigil.providers.sender_pages import avoid, comes_again, filled, pages, proven_by

ROOT = Path(__file__).parents[2]
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
OK = CodeRange(first=200, last=299)
POLLS = PollPlan(steps=(PollStep(until=HOUR, every=2 * MINUTE), PollStep(until=None, every=HOUR)))

SILENT = SenderContract(
    sender="silent",
    title="Silent | Ltd",
    proof=Proof.UNBOUND,
    max_age=15 * MINUTE,
    answering=Answering(
        budget=7 * SECOND,
        accepted=(CodeRange(first=200, last=200),),
        never_again=(CodeRange(first=400, last=400),),
        hold_everything=(CodeRange(first=404, last=406), CodeRange(first=500, last=599)),
        hold_for=HOUR,
    ),
    redelivery=Redelivery(),
    lost_callback="it shows nowhere",
    watch=TrackingPlan(callback_expected_within=3 * MINUTE, polls={Stage.PROCESSING: POLLS}),
)


@pytest.mark.parametrize("page", pages(ROOT), ids=lambda page: str(page.relative_to(ROOT)))
def test_the_page_says_what_the_contracts_say(page: Path) -> None:
    assert page.read_text() == pages(ROOT)[page], f"{page.relative_to(ROOT)} is out of date: run `make docs`"


def test_there_is_a_page_for_each_provider_and_one_for_all() -> None:
    own = {f"vigil/providers/{name}/README.md" for name in PROVIDERS}

    assert {page.relative_to(ROOT).as_posix() for page in pages(ROOT)} == own | {"docs/senders.md"}


def test_a_page_keeps_what_stands_around_its_tables_and_loses_what_stood_in_them() -> None:
    page = filled("# Silent\n<!-- senders -->\nof yesterday\n<!-- /senders -->\nafter\n", [SILENT])

    assert page == (
        "# Silent\n<!-- senders -->\n\n"
        "| Sender | Its callback is proven by | It accepts | Else it comes again | Codes to avoid |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| Silent &#124; Ltd | a signature beside the body, for 15 min | 200 within 7 s | never "
        "| 400: it gives the callback up; 404–406, 500–599: it holds all callbacks back for 1 h |\n\n"  # noqa: RUF001
        "| Sender | When a callback is lost | We begin to ask | and ask | so it is found within |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| Silent &#124; Ltd | it shows nowhere | 3 min after the registration | every 2 min, then 1 h | 6 min |\n\n"
        "<!-- /senders -->\nafter\n"
    )


def test_a_filled_page_does_not_change_when_it_is_filled_again() -> None:
    once = filled("<!-- senders -->\n<!-- /senders -->\n", [SILENT])

    assert filled(once, [SILENT]) == once


@pytest.mark.parametrize("text", ["# Silent\n", "<!-- senders -->\n", "<!-- /senders -->\n"])
def test_a_page_without_both_marks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="needs the lines"):
        filled(text, [SILENT])


@pytest.mark.parametrize(
    ("redelivery", "said"),
    [
        (Redelivery(), "never"),
        (Redelivery(is_known=False), "nobody knows whether; we count on nothing"),
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
def test_when_a_sender_comes_again_is_said_from_the_first_attempt(redelivery: Redelivery, said: str) -> None:
    assert comes_again(redelivery) == said


def test_a_sender_for_whom_no_code_is_special_has_none_to_avoid() -> None:
    assert avoid(Answering(budget=SECOND, accepted=(OK,))) == "none"


@pytest.mark.parametrize("proof", Proof)
def test_every_proof_can_be_said(proof: Proof) -> None:
    assert proven_by(SILENT.model_copy(update={"proof": proof, "max_age": None}))


@pytest.mark.parametrize(
    "contract",
    [contract for entry in PROVIDERS.values() for contract in entry.contracts.values()],
    ids=lambda contract: contract.sender,
)
def test_we_never_answer_a_code_that_the_page_says_to_avoid(contract: SenderContract) -> None:
    ours = contract.answers.model_dump()
    meanings = {name: contract.answering.meaning_of(code) for name, code in ours.items()}

    assert meanings.pop("kept") is AnswerMeaning.ACCEPTED
    assert set(meanings.values()) == {AnswerMeaning.COME_AGAIN}
