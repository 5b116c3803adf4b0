"""The workers of a verification on the server that skips time, which has no lists and no schedules."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from temporalio.client import Client
from temporalio.worker import Worker

from accounts import open_accounts
from activities.downloading import DownloadingActivities
from activities.reading import ReadingActivities
from activities.records import RecordActivities
from activities.rereading import RereadingActivities
from connection import connect
from domain.digest import Digester
from providers.transport import open_http
from settings import Settings
from storage.opening import open_storage
from storage.records import Records
from tracking import Tracker
from worker import watched_account
from workflows import steps
from workflows.rereading import RereadingWorkflow
from workflows.verification import VerificationWorkflow


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    """Serve every queue that a verification needs, as a worker process does, for as long as the context lasts."""
    client = await connect(settings.temporal.address, settings.temporal.namespace)
    async with AsyncExitStack() as stack:
        for each in await _workers(client, settings, stack):
            await stack.enter_async_context(each)
        yield


async def _workers(client: Client, settings: Settings, stack: AsyncExitStack) -> list[Worker]:
    digester = Digester(settings.digest_key.get_secret_value().encode())
    http = await stack.enter_async_context(open_http())
    accounts = open_accounts(settings, http=http)
    watched = {name: watched_account(account) for name, account in accounts.items()}
    storage = open_storage(settings.storage.url)
    records = RecordActivities(Records(storage), watched)
    reading = ReadingActivities(watched, storage, digester)
    downloading = DownloadingActivities(watched, storage, digester)
    tracker = Tracker(client, {name: account.tracked for name, account in accounts.items()}, digester)
    rereading = RereadingActivities(tracker.reread)
    return [
        Worker(
            client,
            task_queue=steps.VERIFICATIONS_QUEUE,
            workflows=[VerificationWorkflow, RereadingWorkflow],
            activities=[records.load_record, records.write_record, rereading.reread],
        ),
        Worker(client, task_queue=steps.ARTIFACTS_QUEUE, activities=[downloading.download]),
        *(
            Worker(client, task_queue=steps.provider_queue(name), activities=[reading.read, reading.poll])
            for name in watched
        ),
    ]
