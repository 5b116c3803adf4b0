"""The workers of a verification on the server that skips time, which has no lists and no schedules."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from temporalio.client import Client
from temporalio.worker import Worker

from activities.downloads import DownloadActivities
from activities.reads import ReadActivities
from activities.rechecks import RecheckActivities
from activities.records import RecordActivities
from vigil.client import VerificationClient
from vigil.config.accounts import open_accounts
from vigil.config.settings import Settings
from vigil.domain.digest import Digester
from vigil.providers.transport import open_http
from vigil.storage.factory import open_storage
from vigil.storage.records import Records
from vigil.temporal import messages
from vigil.temporal.connection import connect
from worker import watched_account
from workflows.recheck import RecheckWorkflow
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
    reading = ReadActivities(watched, storage, digester)
    downloading = DownloadActivities(watched, storage, digester)
    tracker = VerificationClient(client, {name: account.tracked for name, account in accounts.items()}, digester)
    rereading = RecheckActivities(tracker.start_recheck)
    return [
        Worker(
            client,
            task_queue=messages.VERIFICATIONS_QUEUE,
            workflows=[VerificationWorkflow, RecheckWorkflow],
            activities=[records.load_record, records.write_record, rereading.recheck],
        ),
        Worker(client, task_queue=messages.ARTIFACTS_QUEUE, activities=[downloading.download]),
        *(
            Worker(client, task_queue=messages.provider_queue(name), activities=[reading.read, reading.poll])
            for name in watched
        ),
    ]
