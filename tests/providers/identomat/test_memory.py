"""A recording passes through a worker without ever being in it."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.providers.identomat.fake_identomat import COMPANY_KEY
from tests.providers.identomat.recording_server import BLOCK, RecordingServer, block
from tests.providers.identomat.samples import SESSION
from tests.sealed import write_keys
from vigil.client import open_client
from vigil.config.settings import load_settings
from vigil.demo.processes import Program
from vigil.demo.stack import python_program
from vigil.demo.temporal_server import run_temporal_server
from vigil.domain.digest import Digester
from vigil.domain.record import Record
from vigil.domain.registration import Registration
from vigil.domain.terms import ArtifactState, Decision
from vigil.domain.verification_key import VerificationKey
from vigil.sealing.keysets import Keysets
from vigil.sealing.storage import SealedStorage
from vigil.storage.folder import FolderStorage
from vigil.temporal.client import VerificationClient
from vigil.temporal.messages import SEARCH_ATTRIBUTES

BLOCKS = 300
MIB = 1024 * 1024
DIGEST_KEY = "f3e01b7a94c25d8860aa91c7d24be35f"
SETTINGS = """
digest_key = "{digest_key}"
seal = {{ folder = "keys" }}
time_scale = 600

[temporal]
address = "{address}"

[storage]
url = "{storage}"

[accounts.identomat]
provider = "identomat"
base_url = "{base_url}"
company_key = "{company_key}"
callback_api_key = "{callback_key}"
"""


class Watched:
    """The resident memory of a process, looked at while it works."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.seen: list[int] = []

    def __call__(self) -> None:
        lines = Path(f"/proc/{self._program.pid}/status").read_text().splitlines()
        self.seen += [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS")]

    @property
    def growth(self) -> int:
        """Bytes, from the first look to the highest."""
        return max(self.seen) - self.seen[0]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
async def test_a_worker_brings_home_300_mib_in_less_than_64_mib(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    config = tmp_path / "vigil.toml"
    worker = python_program(["worker.py"], log=tmp_path / "worker.log", config=config)
    memory = Watched(worker)
    server = RecordingServer(blocks=BLOCKS, watch=memory)
    async with (
        server.listening() as base_url,
        run_temporal_server(log=tmp_path / "temporal.log", search_attributes=SEARCH_ATTRIBUTES) as temporal,
    ):
        write_keys(config.parent / "keys")
        config.write_text(
            SETTINGS.format(
                digest_key=DIGEST_KEY,
                address=temporal.address,
                storage=(tmp_path / "storage").as_uri(),
                base_url=base_url,
                company_key=COMPANY_KEY,
                callback_key="7d1c90b3e8a24f56b0c9d3e1f7a86b42",
            )
        )
        await worker.start()
        try:
            async with open_client(load_settings(config)) as tracker:
                record = await _follow(tracker)
        finally:
            await worker.stop()

    [row] = record.evidence
    assert (record.verdict.decision, row.state, row.size) == (Decision.APPROVED, ArtifactState.STORED, BLOCKS * BLOCK)
    assert row.digest == _digest()
    assert await _stored_digest(tmp_path, row.stored_as or "") == _digest()
    assert server.ranges == [None, f"bytes={BLOCKS // 2 * BLOCK}-"]
    assert len(memory.seen) == BLOCKS
    with capsys.disabled():
        sys.stdout.write(
            f"\n{BLOCKS * BLOCK // MIB} MiB passed through; memory grew by {memory.growth / MIB:.1f} MiB\n"
        )
    assert memory.growth < 64 * MIB


async def _follow(tracker: VerificationClient) -> Record:
    key = VerificationKey(account="identomat", reference=SESSION)
    await tracker.register(Registration(key=key, registered_at=datetime.now(UTC), registered_by="backend"))
    async with asyncio.timeout(timedelta(minutes=3).total_seconds()):
        return await tracker.handle(key).result()


async def _stored_digest(folder: Path, name: str) -> str:
    """Return the digest of the file as it is opened with the keys; what lies on the disk is another content."""
    below, digest = FolderStorage(folder / "storage"), Digester(DIGEST_KEY.encode()).running("artifact")
    storage = SealedStorage(below, Keysets(folder / "keys"))
    assert await storage.size(name) == BLOCKS * BLOCK < await below.size(name)
    async for chunk in storage.open(name):
        digest.update(chunk)
    return digest.text()


def _digest() -> str:
    digest = Digester(DIGEST_KEY.encode()).running("artifact")
    for number in range(BLOCKS):
        digest.update(block(number))
    return digest.text()
