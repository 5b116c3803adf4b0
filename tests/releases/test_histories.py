"""Histories of an installation name nobody, and a candidate replays them before it is rolled out."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from temporalio.client import Client

from tests.releases.next_release import ROOT
from tests.sealed import connect
from tests.workflows.record_histories import HISTORIES
from tests.world import APPROVED, World, final, own_account, quick
from vigil.domain.digest import Digester
from vigil.temporal.histories import export, make_opaque, replay
from workflows.registry import WORKFLOWS

RECORDED: Final = HISTORIES / "0.1.0"
BEFORE: Final = "        await self._start_rechecks()\n"
UNGATED: Final = f"        await workflow.sleep(1)\n{BEFORE}"
GATED: Final = f'        if workflow.patched("rest-first"):\n            await workflow.sleep(1)\n{BEFORE}'


def replay_in(tree: Path, folder: Path) -> tuple[int, str]:
    """Replay the histories of a folder by the command, in another tree."""
    ended = subprocess.run(
        [sys.executable, "-m", "vigil.cli.main", "histories", "replay", str(folder)],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def changed(tree: Path, after: str) -> Path:
    """Return a copy of what runs in which a verification sends another order of commands."""
    for part in ("vigil", "api", "activities", "workflows"):
        shutil.copytree(ROOT / part, tree / part)
    shutil.copy(ROOT / "worker.py", tree)
    text = (tree / "workflows" / "verification.py").read_text()
    assert text.count(BEFORE) == 1
    (tree / "workflows" / "verification.py").write_text(text.replace(BEFORE, after))
    return tree


def test_the_next_release_replays_the_histories_of_this_one(next_release: Path) -> None:
    count = len(list(RECORDED.glob("*.json")))

    assert replay_in(next_release, RECORDED) == (0, f"{count} of {count} histories replay.\n")


@pytest.mark.parametrize(("after", "code"), [(UNGATED, 1), (GATED, 0)], ids=["without a marker", "with a marker"])
def test_another_order_of_commands_replays_with_a_marker_only(tmp_path: Path, after: str, code: int) -> None:
    folder = tmp_path / "histories"
    folder.mkdir()
    shutil.copy(RECORDED / "found_by_polling.json", folder)

    ended, said = replay_in(changed(tmp_path / "tree", after), folder)

    assert ended == code, said
    assert ("✗  found_by_polling: NondeterminismError" in said) is bool(code)


def readable(history: Any) -> str:
    """Return a history with its payloads decoded, however deep."""
    text = json.dumps(history)
    while True:
        decoded = re.sub(r'"([A-Za-z0-9+/]{16,}={0,2})"', _decoded, text)
        if decoded == text:
            return text
        text = decoded


def _decoded(match: re.Match[str]) -> str:
    try:
        return base64.b64decode(match[1], validate=True).decode()
    except ValueError:
        return match[0]


async def test_no_recorded_history_keeps_its_reference_when_it_is_exported_and_each_replays() -> None:
    digester = Digester(b"a key for tests")
    exported, kept = {}, []
    for path in RECORDED.glob("*.json"):
        history = json.loads(path.read_text())
        references = set(re.findall(r"v-[0-9a-f]{12}", readable(history)))
        opaque = make_opaque(history, "verification/acme/any", lambda text: digester.digest("history", text))
        kept += [(path.stem, each) for each in references if each in readable(opaque)]
        exported[path.stem] = json.dumps(opaque)

    assert kept == []
    assert await replay(exported, WORKFLOWS) == {}


@pytest.fixture
async def client(temporal_address: str) -> Client:
    return await connect(temporal_address, "default")


async def test_exported_histories_name_nobody_and_replay(client: Client, tmp_path: Path) -> None:
    world = World(client, tmp_path, account=own_account(), plan=quick(factor=60))
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register(applicant="customer-2047", correlation="cart-77", coordinates={"mobile": "m-5550123"})
        handle = world.tracker.handle(world.key)
        await handle.signal("register", {"colour": "red", "applicant": "customer-9"})
        await world.hear(final("OK"))
        await world.until(lambda record: record.is_concluded and record.callbacks.received == 1)

        found = {
            name: history
            async for name, history in export(
                client, lambda text: world.digester.digest("history", text), is_open=True, most=50
            )
        }
        await handle.terminate()

    own = {name: history for name, history in found.items() if world.account in json.dumps(history)}
    text = readable(list(own.values()))
    assert len(own) == 1
    assert "registered_by" in text  # so the payloads are decoded
    assert [each for each in (world.key.reference, "customer-", "cart-77", "m-5550123") if each in text] == []
    assert await replay({name: json.dumps(each) for name, each in own.items()}, WORKFLOWS) == {}
