from datetime import timedelta
from pathlib import Path

import pytest

from docs.sender_tables import build_pages, fill_page
from vigil.domain.sender_contract import EXACTLY_200, Answering, CodeRange, Redelivery, SenderContract
from vigil.domain.terms import Proof, Stage
from vigil.domain.tracking_plan import PollPlan, TrackingPlan
from vigil.providers.registry import PROVIDERS

ROOT = Path(__file__).parents[2]
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
POLLS = PollPlan.of((HOUR, 2 * MINUTE), (None, HOUR))

SILENT = SenderContract(
    sender="silent",
    title="Silent | Ltd",
    proof=Proof.UNBOUND,
    max_age=15 * MINUTE,
    answering=Answering(
        budget=7 * SECOND,
        accepted=EXACTLY_200,
        never_again=(CodeRange(first=400, last=400),),
        hold_everything=(CodeRange(first=404, last=406), CodeRange(first=500, last=599)),
        hold_for=HOUR,
    ),
    redelivery=Redelivery(),
    lost_callback="it shows nowhere",
    tracking=TrackingPlan(callback_expected_within=3 * MINUTE, polls={Stage.PROCESSING: POLLS}),
)


@pytest.mark.parametrize("page", build_pages(ROOT), ids=lambda page: str(page.relative_to(ROOT)))
def test_the_page_says_what_the_contracts_say(page: Path) -> None:
    assert page.read_text() == build_pages(ROOT)[page], f"{page.relative_to(ROOT)} is out of date: run `make docs`"


def test_there_is_a_page_for_each_provider_and_one_for_all() -> None:
    own = {f"vigil/providers/{name}/README.md" for name in PROVIDERS}

    assert {page.relative_to(ROOT).as_posix() for page in build_pages(ROOT)} == own | {"docs/senders.md"}


def test_a_page_keeps_what_stands_around_its_tables_and_loses_what_stood_in_them() -> None:
    page = fill_page("# Silent\n<!-- senders -->\nof yesterday\n<!-- /senders -->\nafter\n", [SILENT])

    assert page == (
        "# Silent\n<!-- senders -->\n\n"
        "| Sender | Its callback is proven by | It accepts | Else it comes again | Codes to avoid |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| Silent &#124; Ltd | a signature beside the body, for 15 min | 200 within 7 s | never "
        "| 400: it gives the callback up; 404–406, 500–599: it holds all callbacks back for 1 h |\n\n"  # noqa: RUF001
        "| Sender | When a callback is lost | We begin to poll | and poll | so it is found within |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| Silent &#124; Ltd | it shows nowhere | 3 min after the registration | every 2 min, then 1 h | 6 min |\n\n"
        "<!-- /senders -->\nafter\n"
    )


def test_a_filled_page_does_not_change_when_it_is_filled_again() -> None:
    once = fill_page("<!-- senders -->\n<!-- /senders -->\n", [SILENT])

    assert fill_page(once, [SILENT]) == once


@pytest.mark.parametrize("text", ["# Silent\n", "<!-- senders -->\n", "<!-- /senders -->\n"])
def test_a_page_without_both_marks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="needs the lines"):
        fill_page(text, [SILENT])
