"""The snippets of docs/temporal-clients.md run as they stand there, with another account and reference."""

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.sealed import connect
from tests.workflows.verifying import verifying
from tests.world import APPROVED, World, final, own_account

PAGE = Path(__file__).parents[2] / "docs" / "temporal-clients.md"
NPM = Path(__file__).parents[1] / "conformance" / "npm"
HAS_NODE = shutil.which("node") is not None and (NPM / "node_modules" / "@temporalio" / "client").is_dir()


def snippet(language: str, world: World) -> str:
    [text] = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    order = f"order-{uuid4().hex[:8]}"
    return str(text).replace("sandbox", world.account).replace("4711", world.key.reference).replace("order-2047", order)


async def said(world: World, address: str, *command: str) -> str:
    """Run a program beside the workers, and return what it prints."""
    world.reader.say(APPROVED)
    async with verifying(world).workers():
        program = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, "TEMPORAL_ADDRESS": address}, stdout=asyncio.subprocess.PIPE
        )
        try:
            await world.hear(final())
            async with asyncio.timeout(60):
                printed, _ = await program.communicate()
        finally:
            if program.returncode is None:
                program.kill()
    return printed.decode()


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    return World(await connect(temporal_address, "default"), tmp_path / "world", account=own_account())


async def test_the_python_of_the_page_prints_the_decision(world: World, temporal_address: str) -> None:
    assert await said(world, temporal_address, sys.executable, "-c", snippet("python", world)) == "decided approved\n"


@pytest.mark.skipif(
    not HAS_NODE, reason="node or the pinned client is missing: `make test` installs it where npm is present"
)
async def test_the_typescript_of_the_page_prints_the_decision(world: World, temporal_address: str) -> None:
    program = NPM / f"snippet-{uuid4().hex[:8]}.mjs"  # node looks for packages from the place of a program upwards
    program.write_text(snippet("typescript", world))
    try:
        assert await said(world, temporal_address, "node", str(program)) == "decided approved\n"
    finally:
        program.unlink()
