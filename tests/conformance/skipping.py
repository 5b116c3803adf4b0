"""The workers of a verification on the server that skips time, which has no lists and no schedules."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from temporalio.worker import Worker

from activities.downloads import DownloadActivities
from activities.reads import ReadActivities
from activities.rechecks import RecheckActivities
from activities.records import RecordActivities
from vigil.config.settings import Settings
from vigil.runtime import Runtime, open_runtime
from vigil.storage.records import Records
from vigil.temporal import messages
from workflows.recheck import RecheckWorkflow
from workflows.runner import WORKFLOW_RUNNER
from workflows.verification import VerificationWorkflow


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    """Serve every queue that a verification needs, as a worker process does, for as long as the context lasts."""
    async with open_runtime(settings) as runtime, AsyncExitStack() as stack:
        for each in _workers(runtime):
            await stack.enter_async_context(each)
        yield


def _workers(runtime: Runtime) -> list[Worker]:
    client, accounts, storage = runtime.client, runtime.accounts, runtime.storage
    readers = {name: account.provider.reader for name, account in accounts.items()}
    records = RecordActivities(Records(storage), accounts, runtime.tracker.read_interrupted)
    reading = ReadActivities(accounts, readers, storage, runtime.digester)
    downloading = DownloadActivities(accounts, readers, storage, runtime.digester)
    rereading = RecheckActivities(runtime.tracker.start_recheck)
    return [
        Worker(
            client,
            task_queue=messages.VERIFICATIONS_QUEUE,
            workflows=[VerificationWorkflow, RecheckWorkflow],
            workflow_runner=WORKFLOW_RUNNER,
            activities=[records.load_record, records.write_record, rereading.recheck],
        ),
        Worker(client, task_queue=messages.ARTIFACTS_QUEUE, activities=[downloading.download]),
        *(
            Worker(client, task_queue=messages.provider_queue(name), activities=[reading.read, reading.poll])
            for name in accounts
        ),
    ]
