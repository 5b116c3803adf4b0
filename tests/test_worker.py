"""What a worker process serves, how it is capped, watched and stopped."""

import asyncio
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from tests.providers.raw_server import Answer, RawServer, Response
from tests.sealed import connect, write_keys
from tests.worker_process import NOWHERE, WorkerProcess, run_worker
from vigil.config.settings import load_settings
from vigil.domain.registration import Registration
from vigil.domain.verification_key import VerificationKey
from vigil.runtime import open_runtime
from vigil.temporal import messages
from worker import serving

MINUTE = timedelta(minutes=1)

SETTINGS = """
digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"
seal = {{ folder = "keys" }}
time_scale = 1

[temporal]
address = "{address}"

[storage]
url = "{storage}"

[accounts.capped]
provider = "id360"
base_url = "http://127.0.0.1:1"
username = "vigil"
password = "a password of the test"
callback_headers = {{ Authorization = "7d1c90b3e8a24f56b0c9d3e1f7a86b42" }}
reads_per_second = 3
"""


async def rates_of_the_askers(client: Client, queue: str) -> list[float]:
    """Wait until somebody has asked a queue for activities, and return the rates that they keep to."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    )
    async with asyncio.timeout(60):
        while not (pollers := (await client.workflow_service.describe_task_queue(request)).pollers):
            await asyncio.sleep(0.1)
    return [poller.rate_per_second for poller in pollers]


async def test_a_worker_serves_every_queue_and_caps_the_reads_of_an_account(
    temporal_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    file = tmp_path / "vigil.toml"
    write_keys(tmp_path / "keys")
    file.write_text(SETTINGS.format(address=temporal_address, storage=(tmp_path / "storage").as_uri()))
    queues = [messages.VERIFICATIONS_QUEUE, messages.ARTIFACTS_QUEUE, messages.NOTIFICATIONS_QUEUE]
    async with serving(load_settings(file)):
        client = await connect(temporal_address, None)
        asked = {name: await rates_of_the_askers(client, name) for name in [*queues, messages.provider_queue("capped")]}

    assert set(asked[messages.provider_queue("capped")]) == {3.0}


class SlowProvider(RawServer):
    """Takes five seconds for an answer that helps nobody, and notes when it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_at: list[float] = []

    async def answer(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        self.asked_at.append(time.monotonic())
        await asyncio.sleep(5)
        return Response(503)


async def register(worker: WorkerProcess, accounts: list[str], number: int) -> None:
    """Register verifications, and ask for a read of each."""
    async with open_runtime(load_settings(worker.config)) as runtime:
        for account in accounts:
            for each in range(number):
                key = VerificationKey(account=account, reference=f"70{each}")
                await runtime.tracker.register(
                    Registration(key=key, registered_at=datetime.now(UTC), registered_by="checkout")
                )
                order = messages.PollNow(author="checkout")
                await runtime.tracker.command(key, "poll_now", order, command_id=f"poll-{each}", within=MINUTE)


async def test_all_workers_of_a_process_stop_at_once_and_none_begins_another_read(
    temporal_address: str, tmp_path: Path
) -> None:
    accounts = [f"slow-{each}" for each in range(4)]
    async with (
        SlowProvider().listening() as provider,
        run_worker(tmp_path, temporal_address, dict.fromkeys(accounts, provider.base_url)) as worker,
    ):
        await register(worker, accounts, 8)
        async with asyncio.timeout(60):
            while len(provider.asked_at) < len(accounts):
                await asyncio.sleep(0.1)
        worker.process.send_signal(signal.SIGTERM)
        told_at = time.monotonic()
        code = await worker.wait_for_end()

    late = [at for at in provider.asked_at if at > told_at + 1]
    assert (code, late) == (0, [])
    assert "worker.cut_off" not in worker.log.read_text()


async def test_a_worker_whose_event_loop_is_blocked_is_not_alive(temporal_address: str, tmp_path: Path) -> None:
    async with (
        run_worker(tmp_path, temporal_address, {"blocked": NOWHERE}, program=["-m", "tests.blocked_worker"]) as worker,
        httpx.AsyncClient(trust_env=False, timeout=3) as http,
    ):
        await worker.wait_until("/health/live")
        worker.process.send_signal(signal.SIGUSR1)
        await asyncio.sleep(0.5)
        with pytest.raises(httpx.ReadTimeout):
            await http.get(f"{worker.health}/health/live")
        metrics = await http.get(f"{worker.metrics}/metrics")
        await worker.wait_until("/health/live")

    assert metrics.status_code == 200


async def test_a_worker_is_ready_when_storage_and_temporal_answer(temporal_address: str, tmp_path: Path) -> None:
    async with (
        run_worker(tmp_path, temporal_address, {"ready": NOWHERE}) as worker,
        httpx.AsyncClient(base_url=worker.health, trust_env=False) as http,
    ):
        answer = await http.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "checks": [
            {"name": "storage", "healthy": True, "action": None},
            {"name": "temporal", "healthy": True, "action": None},
        ],
    }


async def test_a_worker_serves_the_parts_that_it_is_started_for_and_no_others(
    temporal_address: str, tmp_path: Path
) -> None:
    program = ["worker.py", "--serve", "messages,providers"]
    async with run_worker(tmp_path, temporal_address, {"parted": NOWHERE}, program=program) as worker:
        await asyncio.sleep(1)
        async with httpx.AsyncClient(trust_env=False) as http:
            shown = (await http.get(f"{worker.metrics}/metrics")).text

    queues = set(re.findall(r'temporal_num_pollers{[^}]*task_queue="([^"]+)"', shown))
    assert queues == {messages.MESSAGES_QUEUE, messages.provider_queue("parted")}


async def test_a_part_that_there_is_not_is_named(temporal_address: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no such part: providres; there are verifications, providers, messages"):
        async with run_worker(tmp_path, temporal_address, {"a": NOWHERE}, program=["worker.py", "--serve=providres"]):
            pass


async def test_two_workers_poll_for_two_hundred_accounts_and_no_poll_is_refused(
    temporal_address: str, tmp_path: Path
) -> None:
    accounts = {f"many-{each}": NOWHERE for each in range(200)}
    async with (
        run_worker(tmp_path / "a", temporal_address, accounts) as one,
        run_worker(tmp_path / "b", temporal_address, accounts) as two,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        await asyncio.sleep(10)
        shown = [(await http.get(f"{worker.metrics}/metrics")).text for worker in (one, two)]
    pollers = [sum(int(number) for number in re.findall(r"temporal_num_pollers{[^}]*} (\d+)", text)) for text in shown]

    # The server's limit for a namespace is 1,200. Beyond it the SDK logs that it repeats a call of gRPC.
    assert all(200 <= number <= 400 for number in pollers), pollers
    assert [worker.log.read_text().count("gRPC call") for worker in (one, two)] == [0, 0]


# Prints how many objects of dead runs are held at the worst time. Each run is a cycle of 500 objects, and dies once 200
# others came after it, as in a full cache.
LEAVES_CYCLES = """
from collections import deque
from worker import _collect_garbage_rarely

CACHED, PARTS, RUNS = 200, 500, 12_000
live = worst = 0

class Run:
    def __init__(self):
        global live
        live += 1
        self.itself, self.parts = self, [[] for _ in range(PARTS)]

    def __del__(self):
        global live
        live -= 1

_collect_garbage_rarely()
cache = deque()
for _ in range(RUNS):
    cache.append(Run())
    if len(cache) > CACHED:
        cache.popleft()
    worst = max(worst, live)
print((worst - CACHED) * PARTS)
"""


def test_runs_that_left_the_cache_hold_no_more_than_a_bounded_number_of_objects() -> None:
    done = subprocess.run([sys.executable, "-c", LEAVES_CYCLES], capture_output=True, text=True, check=True)

    assert int(done.stdout) < 800_000
