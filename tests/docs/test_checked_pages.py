"""What the pages tell a reader to type works, in the order of the page, on a running stack."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from tests.cli.running import environment
from vigil.demo.ports import Ports, find_free_ports
from vigil.demo.stack import Stack
from vigil.simulator.registry import SIMULATED_ACCOUNTS

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = {"README.md": 2, "docs/backends.md": 5, "docs/notifications.md": 1, "docs/tutorial.md": 8}
"""Each page with its number of checked programs and commands, so that none is lost."""
SHOP: Final = "8100"
"""The port of the tutorial's own program."""

_BLOCK: Final = re.compile(r"^```(?P<kind>\w+) checked ?(?P<file>\S*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_STARTED: Final = "Prints the notifications"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TEMPORAL_ADDRESS", raising=False)
        folder = tmp_path_factory.mktemp("stack")
        async with Stack(folder, Ports.find_free(), accounts=SIMULATED_ACCOUNTS, time_scale=300).run() as stack:
            yield stack


def blocks(page: str) -> Iterator[tuple[str, str, str]]:
    return ((found["kind"], found["file"], found["text"]) for found in _BLOCK.finditer((ROOT / page).read_text()))


def script_of(page: str, stack: Stack, shop: str) -> str:
    """The commands of a page. After those that start programs in the background, it waits until they serve."""
    script = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
    for kind, _, text in blocks(page):
        if kind == "sh":
            script += text
            if text.rstrip().endswith("&"):
                script += f"until grep -q '{_STARTED}' out; do sleep 0.1; done\n"
                script += f"until curl -s -o /dev/null http://127.0.0.1:{SHOP}/; do sleep 0.1; done\n"
    script += "read -r _ || true\n"  # until the test has seen what the programs in the background print
    return script.replace("http://127.0.0.1:8000", stack.api).replace(".vigil", str(stack.folder)).replace(SHOP, shop)


def surroundings(stack: Stack) -> dict[str, str]:
    """What a reader has: the settings, the commands of the virtual environment, and the client installed in it."""
    variables = environment() | {"VIGIL_CONFIG": str(stack.config), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
    # A reader has no pytest-asyncio, which warns of an option.
    variables |= {"PYTEST_ADDOPTS": "-p no:asyncio", "PYTHONPATH": str(ROOT / "clients" / "python")}
    if "vigil" not in {each.name for each in entry_points(group="pytest11")}:
        variables |= {"PYTEST_PLUGINS": "vigil_client.testing.plugin"}
    return variables | {"PATH": f"{Path(sys.executable).parent}:{variables['PATH']}"}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("page", PAGES)
async def test_what_a_reader_types_works_and_prints_what_the_page_shows(
    page: str, stack: Stack, tmp_path: Path
) -> None:
    for kind, file, text in blocks(page):
        if kind == "python":
            (tmp_path / file).write_text(text)
    expected = [line for kind, _, text in blocks(page) if kind == "text" for line in text.splitlines()]
    script = script_of(page, stack, str(*find_free_ports(1)))
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", script),
            cwd=tmp_path,
            env=surroundings(stack),
            stdin=asyncio.subprocess.PIPE,
            stdout=out,
            stderr=err,
        )
        printed = await wait_for_lines(expected, tmp_path / "out", process)
        assert process.stdin is not None
        process.stdin.close()
        code = await asyncio.wait_for(process.wait(), 60)

    assert (code, (tmp_path / "err").read_text()) == (0, ""), printed
    assert [line for line in expected if line not in printed] == []


async def wait_for_lines(expected: list[str], file: Path, process: asyncio.subprocess.Process) -> str:
    """Return what was printed once everything is, or the commands have failed, or after two minutes."""
    for _ in range(600):
        printed = file.read_text()
        if process.returncode is not None or all(line in printed for line in expected):
            break
        await asyncio.sleep(0.2)
    return file.read_text()


def test_no_checked_block_is_lost() -> None:
    counts = {page: sum(kind in {"sh", "python"} for kind, _, _ in blocks(page)) for page in PAGES}

    assert counts == PAGES


def test_only_the_start_and_the_installation_are_not_checked() -> None:
    tutorial = (ROOT / "docs" / "tutorial.md").read_text()
    unchecked = re.findall(r"^```sh\n(.*?)^```$", tutorial, re.MULTILINE | re.DOTALL)

    assert [text.split()[:4] for text in unchecked] == [
        ["make", "dev"],
        [".venv/bin/python", "-m", "pip", "install"],
    ]
