"""What the description of the API promises, tried by a program that reads nothing else.

Schemathesis makes requests that fit `/openapi.json` and requests that do not, and compares each answer with it. It runs
as its own command, so that no other test waits for its import.
"""

import asyncio
import sys
from pathlib import Path
from typing import Final

import pytest

from api.app import build_app
from api.auth import Backend
from tests.api.conftest import served
from tests.api.fakes import account_in
from tests.api.test_verifications import dependencies_of
from tests.sealed import connect
from tests.world import APPROVED_WITH_FILE, World, final
from vigil.config.keys import hash_key
from vigil.domain.verification_key import VerificationKey

COMMAND: Final = Path(sys.executable).with_name("schemathesis")
SETTINGS: Final = Path(__file__).with_name("schemathesis.toml")
KEY: Final = "vigil_a-key-for-tests"
ACCOUNT, REFERENCE = "sandbox", "4711"
"""Those of the examples in the description, so that its requests find a verification."""


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    world = World(await connect(temporal_address, "default"), tmp_path / "storage", account=ACCOUNT)
    world.key = VerificationKey(account=ACCOUNT, reference=REFERENCE)
    world.reader.say(APPROVED_WITH_FILE)
    return world


async def test_every_answer_is_as_the_description_says(world: World, tmp_path: Path) -> None:
    backend = Backend("checkout", hashes=(hash_key(KEY),))
    app = build_app(dependencies_of(world, accounts={ACCOUNT: account_in(world)}, backends=[backend]))
    async with served(app) as api, world.workers():
        await world.register()
        await world.hear(final())
        await world.result()
        run = await asyncio.create_subprocess_exec(
            *(COMMAND, "--config-file", SETTINGS, "run", f"{api.base_url}/openapi.json"),
            *("--header", f"Authorization: Bearer {KEY}", "--checks", "all", "--phases", "examples,coverage,fuzzing"),
            *("--max-examples", "3", "--seed", "1", "--continue-on-failure", "--no-color"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await run.communicate()

    printed = output.decode()
    assert run.returncode == 0, printed
    assert f"Tested: {sum(len(methods) for methods in app.openapi()['paths'].values())}" in printed
