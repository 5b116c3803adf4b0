"""What the worker process serves, and how it is capped."""

import asyncio
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from vigil.config.settings import load_settings
from vigil.temporal import messages
from vigil.temporal.connection import connect
from worker import serving

SETTINGS = """
digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"
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
    file.write_text(SETTINGS.format(address=temporal_address, storage=(tmp_path / "storage").as_uri()))
    queues = [messages.VERIFICATIONS_QUEUE, messages.ARTIFACTS_QUEUE, messages.NOTIFICATIONS_QUEUE]
    async with serving(load_settings(file)):
        client = await connect(temporal_address, None)
        asked = {name: await rates_of_the_askers(client, name) for name in [*queues, messages.provider_queue("capped")]}

    assert set(asked[messages.provider_queue("capped")]) == {3.0}
