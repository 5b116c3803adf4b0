"""Each command that shows something prints it as JSON too, for programs."""

import json
import re
from collections.abc import Iterator
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

from vigil.cli.main import app

RUN_UNTIL_STOPPED = {"dev", "listen", "serve api", "serve codec"}
DO_AND_CONFIRM = {
    "export",
    "histories export",
    "hold place",
    "hold release",
    "keys copy",
    "keys drop",
    "keys new",
    "keys rewrap",
    "keys rotate",
    "keys seal",
    "quarantine attach",
    "setup",
}
"""They change something, and say in one sentence that it is done."""


def commands(command: Any, *names: str) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(names), command
    else:
        for name, each in inner.items():
            yield from commands(each, *names, name)


def test_every_command_that_shows_something_has_json() -> None:
    without = {
        name
        for name, command in commands(get_command(app))
        if not any("--json" in each.opts for each in command.params)
    }

    assert without == RUN_UNTIL_STOPPED | DO_AND_CONFIRM


def test_a_new_key_is_printed_for_programs() -> None:
    made = json.loads(CliRunner().invoke(app, ["key", "new", "checkout", "--json"]).stdout)

    assert made["name"] == "checkout"
    assert made["key"].startswith("vigil_")
    assert re.fullmatch("sha256:[0-9a-f]{64}", made["secret_hash"])
