"""What a command imports decides how fast it starts: Temporal's client takes half a second, our models as much.

Typer itself imports pydantic to parse arguments, which is a tenth of a second."""

import subprocess
import sys

import pytest

SLOW = "aiosmtpd asyncio fastapi httpx obstore prometheus_client rich starlette structlog temporalio uvicorn"
NOT_FOR_OPERATORS = "aiosmtpd fastapi moto starlette temporalio.testing temporalio.worker uvicorn vigil.demo.stack"
WORK = "accounts check doctor explain links list notify setup show track watch"
MOST_MODULES = 1040
"""Of the commands that ask Temporal. Temporal's client and pydantic are half of the time that they take."""


def list_imported(program: str, modules: str) -> str:
    """The modules of a list that a program has imported when it ends."""
    program = f"import sys\n{program}\nprint(*(name for name in {modules.split()!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def test_help_of_every_command_imports_nothing_slow() -> None:
    program = """
from contextlib import redirect_stdout
from io import StringIO
from typer.main import get_command
from vigil.cli.main import app

def visit(command, context):
    command.get_help(context)
    for name, inner in getattr(command, "commands", {}).items():
        visit(inner, type(context)(inner, info_name=name, parent=context))
    return context

root = get_command(app)
visit(root, root.make_context("vigil", [], resilient_parsing=True))
"""
    assert list_imported(program, f"{SLOW} vigil.domain.models vigil.domain.terms vigil.config vigil.simulator") == ""


def test_an_answer_without_work_imports_nothing_slow() -> None:
    answers = [["--version"], ["list", "-h"], ["show"], ["serve", "--nonsense"]]
    program = (
        "from contextlib import suppress\nfrom vigil.cli.main import app\n"
        f"for given in {answers!r}:\n    with suppress(SystemExit): app(given)"
    )

    assert list_imported(program, SLOW.replace("rich ", "")) == ""


def test_commands_of_an_operator_import_few_modules_and_no_server_no_simulator_and_no_worker() -> None:
    program = (
        f"import sys\nfrom importlib import import_module\nfor name in {WORK.split()!r}: "
        f"import_module('vigil.cli.' + name)\nassert len(sys.modules) < {MOST_MODULES}"
    )

    assert list_imported(program, f"{NOT_FOR_OPERATORS} vigil.simulator") == ""


def test_a_command_builds_a_model_at_its_first_use_and_a_server_at_its_start() -> None:
    program = """
from contextlib import suppress
from vigil.cli.main import app
from vigil.domain import model_building
for command in ("serve", "list"):
    with suppress(SystemExit):
        app(["--config", "/nowhere/vigil.toml", command, "--nonsense"])
    print(model_building.at_first_use)
from vigil.domain.record import Record
print(Record.__pydantic_complete__)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "True", "False"]


@pytest.mark.parametrize(
    ("process", "needless"),
    [
        ("worker", "aiosmtpd fastapi moto temporalio.testing typer vigil.cli vigil.demo vigil.simulator"),
        ("api.app", "aiosmtpd moto temporalio.testing typer vigil.cli vigil.demo vigil.simulator"),
        ("vigil.cli.serve", "aiosmtpd moto temporalio.testing vigil.demo.stack vigil.simulator"),
        ("vigil.simulator.__main__", "fastapi moto temporalio vigil.config vigil.storage"),
    ],
)
def test_a_process_imports_only_what_it_serves(process: str, needless: str) -> None:
    assert list_imported(f"import {process}", needless) == ""
