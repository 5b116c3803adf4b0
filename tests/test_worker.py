"""What the worker process serves, and how it is capped."""

from pathlib import Path

import pytest
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

from connection import connect
from settings import load_settings
from worker import serving
from workflows import steps

SETTINGS = """
digest_key = "a digest key that is long enough"
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
callback_headers = {{ Authorization = "a header of the test" }}
reads_per_second = 3
"""


async def test_a_worker_serves_every_queue_and_caps_the_reads_of_an_account(
    temporal_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    file = tmp_path / "vigil.toml"
    file.write_text(SETTINGS.format(address=temporal_address, storage=(tmp_path / "storage").as_uri()))
    queues = [steps.VERIFICATIONS_QUEUE, steps.ARTIFACTS_QUEUE, steps.NOTIFICATIONS_QUEUE]
    async with serving(load_settings(file)):
        client = await connect(temporal_address, None)
        asked = {}
        for name in [*queues, steps.provider_queue("capped")]:
            answer = await client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=client.namespace,
                    task_queue=TaskQueue(name=name),
                    task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
                )
            )
            asked[name] = [poller.rate_per_second for poller in answer.pollers]

    assert all(asked.values())
    assert set(asked[steps.provider_queue("capped")]) == {3.0}
