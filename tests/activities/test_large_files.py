"""A large file is downloaded once, whatever happens to the workers that download it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.downloads import DownloadActivities
from tests.activities.attempts import Attempts
from tests.activities.conftest import account_with
from tests.gate import GatedStorage
from tests.providers.identomat.samples import SESSION, settings
from tests.providers.raw_server import _request
from tests.sealed import connect
from vigil.domain.account import Account
from vigil.domain.digest import Digester
from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.domain.terms import EvidenceKind
from vigil.domain.verification_key import VerificationKey
from vigil.outbound_http import certificates
from vigil.providers.identomat.reader import IdentomatReader
from vigil.providers.identomat.senders import CONTRACT
from vigil.storage.folder import FolderStorage
from vigil.temporal import messages

PART = 64 * 1024
FILE = b"\0\0\0\x18ftypmp42" + bytes(number * 31 % 251 for number in range(5 * PART))
OTHER = FILE[:-1] + b"?"
QUESTION = ReadRequest(key=VerificationKey(account="identomat", reference=SESSION))
CALL = Artifact(name="recording-vf-1", kind=EvidenceKind.CALL_RECORDING, locator="vf-1")
ORDER = messages.DownloadInput(path="identomat/s", question=QUESTION, artifact=CALL, result=None)
STORED_AS = "verifications/identomat/s/artifacts/recording-vf-1"


class Recording:
    """Sends one recording, in pieces, and waits at `held_at` until it is let go."""

    def __init__(self) -> None:
        self.file, self.etag = FILE, '"v1"'
        self.held_at: int | None = None
        self._ended = asyncio.Event()
        self._answers: set[asyncio.Task[None]] = set()
        self.ranges: list[str | None] = []
        self.base_url = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Recording"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            self._ended.set()
            await asyncio.gather(*self._answers)
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = asyncio.create_task(self._answer(reader, writer))
        self._answers.add(answer)
        await answer

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            _, _, headers, _ = await _request(reader)
            asked = headers.get("range")
            self.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
            size, is_same = len(self.file), headers.get("if-range") == self.etag
            start = start if is_same else 0
            status = f"206 Part\r\nContent-Range: bytes {start}-{size - 1}/{size}" if is_same else "200 OK"
            head = (
                f"HTTP/1.1 {status}\r\nContent-Length: {size - start}\r\nETag: {self.etag}\r\nConnection: close\r\n\r\n"
            )
            writer.write(head.encode())
            for at in range(start, size, 4096):
                if self.held_at is not None and at >= self.held_at:
                    await self._ended.wait()
                    break
                writer.write(self.file[at : at + 4096])
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@pytest_asyncio.fixture
async def recording() -> AsyncIterator[Recording]:
    async with Recording().listening() as server:
        yield server


@pytest.fixture
def storage(tmp_path: Path) -> GatedStorage:
    return GatedStorage(FolderStorage(tmp_path / "storage"))


@pytest_asyncio.fixture
async def downloading(recording: Recording, storage: GatedStorage) -> AsyncIterator[DownloadActivities]:
    accounts: Mapping[str, Account] = {"identomat": account_with(CONTRACT.tracking, name="identomat")}
    async with httpx.AsyncClient(verify=certificates(), timeout=30, trust_env=False) as http:
        readers = {"identomat": IdentomatReader(settings(base_url=recording.base_url), http)}
        yield DownloadActivities(
            accounts, readers, storage, Digester(b"k"), part_size=PART, beat_every=timedelta(milliseconds=20)
        )


async def interrupt(attempts: Attempts, downloading: DownloadActivities, recording: Recording, at: int) -> None:
    """Let an attempt reach a byte, and end it there as a worker that stops does."""
    recording.held_at = at
    attempt = asyncio.create_task(attempts.next(downloading.download, ORDER))
    async with asyncio.timeout(30):
        while not attempts.left_behind or attempts.left_behind[1].received < at - 8192:
            await asyncio.sleep(0.02)
    attempt.cancel()
    with suppress(asyncio.CancelledError):
        await attempt
    recording.held_at = None


async def test_a_download_that_a_worker_leaves_goes_on_at_the_last_whole_part(
    recording: Recording, downloading: DownloadActivities, storage: GatedStorage
) -> None:
    attempts = Attempts()
    await interrupt(attempts, downloading, recording, at=2 * PART + 8192)

    row = (await attempts.next(downloading.download, ORDER)).row

    assert recording.ranges == [None, "bytes=131072-"]
    assert (row.state, row.size, row.media_type, row.stored_as) == ("stored", 327_692, "video/mp4", STORED_AS)
    assert await storage.read(STORED_AS) == FILE
    assert await storage.list("") == [STORED_AS]


async def test_a_file_that_changed_meanwhile_is_downloaded_from_its_first_byte(
    recording: Recording, downloading: DownloadActivities, storage: GatedStorage
) -> None:
    attempts = Attempts()
    await interrupt(attempts, downloading, recording, at=2 * PART + 8192)
    recording.file, recording.etag = OTHER, '"v2"'

    refused = await attempts.fails(downloading.download, ORDER)
    left = await storage.list("")
    await attempts.next(downloading.download, ORDER)

    assert (refused.type, left) == ("not_resumable", [])
    assert await storage.read(STORED_AS) == OTHER
    assert recording.ranges == [None, "bytes=131072-", None]


async def test_a_file_whose_parts_are_all_stored_is_joined_without_the_provider(
    recording: Recording, downloading: DownloadActivities, storage: GatedStorage
) -> None:
    attempts = Attempts()
    storage.fail_next("/artifacts/", times=1)
    with suppress(Exception):
        await attempts.next(downloading.download, ORDER)

    await attempts.next(downloading.download, ORDER)

    assert await storage.read(STORED_AS) == FILE
    assert recording.ranges == [None]


async def test_a_part_that_is_missing_makes_the_download_begin_anew(
    recording: Recording, downloading: DownloadActivities, storage: GatedStorage
) -> None:
    attempts = Attempts()
    await interrupt(attempts, downloading, recording, at=2 * PART + 8192)
    await storage.erase((await storage.list(""))[0])

    incomplete = await attempts.fails(downloading.download, ORDER)
    await attempts.next(downloading.download, ORDER)

    assert incomplete.type == "parts_incomplete"
    assert await storage.read(STORED_AS) == FILE


async def test_an_attempt_beats_while_the_storage_copies_and_while_it_reads_back(
    downloading: DownloadActivities, storage: GatedStorage
) -> None:
    attempts = Attempts()
    storage.close("/artifacts/")
    attempt = asyncio.create_task(attempts.next(downloading.download, ORDER))
    await asyncio.wait_for(storage.reached["/artifacts/"].wait(), 30)
    before = attempts.heartbeats
    async with asyncio.timeout(30):
        while attempts.heartbeats < before + 5:
            await asyncio.sleep(0.02)
    storage.open_gate("/artifacts/")

    assert (await attempt).row.state == "stored"


async def test_a_file_that_is_stored_is_found_before_the_provider_is_asked(
    recording: Recording, downloading: DownloadActivities
) -> None:
    attempts = Attempts()
    untold = await attempts.next(downloading.download, ORDER)

    repeated = await attempts.next(downloading.download, ORDER)

    assert repeated == untold
    assert recording.ranges == [None]


@workflow.defn
class DownloadOnce:
    """Orders one download, as a verification does."""

    @workflow.run
    async def run(self, queue: str) -> messages.DownloadResult:
        downloaded: messages.DownloadResult = await workflow.execute_activity(
            messages.DOWNLOAD,
            ORDER,
            task_queue=queue,
            result_type=messages.DownloadResult,
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=timedelta(seconds=20),
        )
        return downloaded


async def test_a_deploy_in_the_middle_of_a_download_costs_one_part(
    recording: Recording, downloading: DownloadActivities, storage: GatedStorage, temporal_address: str
) -> None:
    client, queue = await connect(temporal_address, None), f"downloads-{uuid4().hex[:8]}"

    def serve(client: Client) -> Worker:
        return Worker(
            client,
            task_queue=queue,
            workflows=[DownloadOnce],
            activities=[downloading.download],
            workflow_runner=UnsandboxedWorkflowRunner(),
            graceful_shutdown_timeout=timedelta(milliseconds=100),
        )

    recording.held_at = 3 * PART + 8192
    async with serve(client):
        handle = await client.start_workflow(DownloadOnce.run, queue, id=queue, task_queue=queue)
        async with asyncio.timeout(60):
            while len(await storage.list("verifications/identomat/s/parts")) < 3:
                await asyncio.sleep(0.05)
    recording.held_at = None
    async with serve(client):
        downloaded = await asyncio.wait_for(handle.result(), 60)

    # The third part may have been stored a moment before its heartbeat.
    assert recording.ranges in ([None, "bytes=196608-"], [None, "bytes=131072-"])
    assert downloaded.row.size == 327_692
    assert await storage.read(STORED_AS) == FILE
