import pytest

from tests.cli.running import vigil
from vigil.cli.errors import CommandError
from vigil.cli.scenario_options import list_options
from vigil.simulator.registry import SIMULATED, SIMULATED_ACCOUNTS


@pytest.mark.parametrize("name", sorted({*SIMULATED, *(account.name for account in SIMULATED_ACCOUNTS)}))
def test_every_option_of_every_simulated_provider_is_listed_with_its_meaning(name: str) -> None:
    options = dict(list_options(name))

    assert len(options) > 10
    assert [option for option, meaning in options.items() if not meaning[:1].isalpha()] == []
    assert options["drop_finals=true|false"] == "The final callbacks are not sent. [False]"
    assert options["think=DURATION"] == "until the applicant begins [0:02:00]"


def test_another_name_is_answered_with_the_names_that_there_are() -> None:
    with pytest.raises(CommandError, match=r"^The simulator has no such account; it has .*id360"):
        list_options("nobody")


async def test_the_help_of_a_provider_lists_its_options() -> None:
    ended = await vigil("simulate", "id360", "--help")

    assert ended.returncode == 0, ended.stderr
    assert "outcome=OK|KO|FAILED|CANCELED|silent" in ended.stdout
