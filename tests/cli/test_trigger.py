"""The events that `vigil trigger` knows, and its answer to those that it does not."""

import pytest

from vigil.cli.errors import CommandError
from vigil.cli.simulate import Shown
from vigil.cli.trigger import list_events, trigger_event
from vigil.simulator.registry import SIMULATED_ACCOUNTS


def test_every_account_can_be_brought_to_an_approval_and_almost_every_one_to_a_refusal() -> None:
    events = list_events()
    accounts = {account.name for account in SIMULATED_ACCOUNTS}

    assert {name.partition(".")[0] for name in events if name.endswith(".approved")} == accounts
    assert {name.partition(".")[0] for name in events if name.endswith(".declined")} == accounts - {"assure-both"}


@pytest.mark.parametrize("name", list_events())
def test_an_event_ends_as_its_name_says(name: str) -> None:
    story = list_events()[name]
    account, _, end = name.partition(".")

    assert story.account == account
    assert end in {story.expected.get("decision"), story.expected["outcome"]}


def test_a_misspelt_event_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(CommandError, match=r"There is no event id360\.declnd\. Did you mean id360\.declined\?"):
        trigger_event(None, "id360.declnd", Shown(watch=False, as_json=False))
