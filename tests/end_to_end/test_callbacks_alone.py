"""A process that only takes callbacks, with the rights and the keys that it needs and no others."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.end_to_end.conftest import ACCOUNT, Running
from vigil.checkout import find_checkout
from vigil.demo.ports import LOOPBACK, find_free_ports
from vigil.demo.processes import Program
from vigil.sealing.errors import KeyNotHeld
from vigil.sealing.keysets import KeysetName, Keysets, keyset_file
from vigil.sealing.storage import SealedStorage
from vigil.storage.contract import names_under
from vigil.storage.factory import open_storage
from vigil.storage.inbox import Inbox

MARKER: Final = "Erika-Mustermann-1983"
HELD: Final = (KeysetName.MARKS, KeysetName.PAYLOADS, KeysetName.RECEIPTS_PUBLIC)


@asynccontextmanager
async def callbacks_process(running: Running, keys: Path) -> AsyncIterator[str]:
    """Serve the face for callbacks with the keys of a folder. Yields its address."""
    (port,) = find_free_ports(1)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")},
        "VIGIL_CONFIG": str(running.stack.config),
        "VIGIL_API__FACES": '["callbacks"]',
        "VIGIL_SEAL__FOLDER": str(keys),
    }
    command = [sys.executable, "-m", "vigil.cli.main", "serve", "api", "--host", LOOPBACK, "--port", str(port)]
    log = keys.parent / "callbacks.log"
    program = Program(command, log=log, environment=environment, folder=find_checkout())
    await program.start()
    try:
        async with asyncio.timeout(90):
            while not log.read_text() or not await answers(running.http, f"http://{LOOPBACK}:{port}/health/live"):
                assert program.exit_code is None, log.read_text()
                await asyncio.sleep(0.2)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        await program.stop()


async def answers(http: httpx.AsyncClient, url: str) -> bool:
    with suppress(httpx.HTTPError):
        return (await http.get(url)).is_success
    return False


async def test_it_takes_callbacks_and_can_read_none_of_them(running: Running, tmp_path: Path) -> None:
    all_keys, few_keys = running.stack.folder / "keys", tmp_path / "few-keys"
    few_keys.mkdir()
    for name in HELD:
        shutil.copy(keyset_file(all_keys, name), few_keys)
    reference = await running.play(outcome="silent", callbacks=False)
    await running.register(reference)
    await running.stack.programs["api"].stop()
    below = open_storage(running.runtime.settings.storage.url)
    as_seen = SealedStorage(below, Keysets(few_keys))
    whole = SealedStorage(below, Keysets(all_keys))
    body = {
        "id": int(reference),
        "status": "STARTED",
        "reason": MARKER,
        "steps_status": {"done": 1, "total": 3},
        "enrollment_step": {"status": "OK", "errors": [], "reason": MARKER, "name": "selfie", "documents": []},
    }

    async with callbacks_process(running, few_keys) as address:
        answer = await running.http.post(
            f"{address}/callbacks/{ACCOUNT}", json=body, headers=running.authorization, timeout=20
        )
        assert answer.status_code == 200
        async with asyncio.timeout(60):
            while not await below.list("inbox/dispatched"):
                await asyncio.sleep(0.1)
        refused = await running.http.post(f"{address}/callbacks/{ACCOUNT}", json=body, timeout=20)
        assert refused.status_code == 401
        async with asyncio.timeout(60):
            while not (refusals := await below.list("inbox/refused")):
                await asyncio.sleep(0.1)

    receipts = await below.list("inbox/pending")
    assert len(receipts) == 1
    for kept in (*receipts, *refusals):
        with pytest.raises(KeyNotHeld, match="receipts"):
            await as_seen.read(kept)
    assert MARKER in (await Inbox(whole).read(receipts[0])).body.decode()
    assert not [name async for name in names_under(below, "") if MARKER.encode() in await below.read(name)]

    await running.stack.restart("api")
    async with asyncio.timeout(60):
        while await below.list("inbox/pending") or await below.list("inbox/dispatched"):
            await asyncio.sleep(0.2)
    leaf = receipts[0].rpartition("/")[2]
    filed = [name for name in await below.list(f"verifications/{ACCOUNT}") if name.endswith(f"receipts/{leaf}")]
    assert len(filed) == 1
    assert MARKER in (await Inbox(whole).read(filed[0])).body.decode()
    with pytest.raises(KeyNotHeld, match="data-keys"):
        await as_seen.read(filed[0])
