"""The worker process: runs workflows and activities until it receives SIGTERM or SIGINT."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.discovery import DiscoveryActivities
from activities.downloads import DownloadActivities
from activities.failures import RetryStorage
from activities.message_admission import AccountRules, MessageAdmission
from activities.messages import MessageActivities
from activities.notifications import Endpoint, NotificationActivities
from activities.reads import ReadActivities
from activities.rechecks import RecheckActivities
from activities.records import RecordActivities
from activities.replays import ReplayActivities
from vigil.config.accounts import OpenAccount
from vigil.config.settings import Settings, SettingsError, is_exposed, load_settings
from vigil.errors import StorageNotOpened, TemporalUnreachable
from vigil.messaging.factory import open_senders
from vigil.observability import set_up_logging
from vigil.process_exit import exit_now
from vigil.providers.contract import MessageReader, VerificationFinder
from vigil.runtime import open_runtime
from vigil.schedules import keep_discovering
from vigil.storage.records import Records
from vigil.temporal import messages
from vigil.temporal.connection import SearchAttributesMissing, add_search_attributes, open_sdk_runtime
from workflows.discovery import DiscoveryWorkflow
from workflows.message_delivery import MessageDeliveryWorkflow
from workflows.notification import NotificationWorkflow
from workflows.recheck import RecheckWorkflow
from workflows.verification import VerificationWorkflow

SHUTDOWN: Final = timedelta(seconds=30)
"""How long activities may continue after SIGTERM; shorter than the grace period of containers."""

MOST_DOWNLOADS: Final = 20

_log = structlog.get_logger("vigil.worker")


async def run(settings: Settings) -> None:
    """Serve every queue until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, stopped.set)
    async with serving(settings) as client:
        _log.info("worker.started", count=len(settings.accounts), name=client.namespace)
        await stopped.wait()
        _log.info("worker.stopping")


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Client]:
    """Open what the settings name and run the workers, for as long as the context lasts."""
    metrics = settings.worker.metrics_address
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(open_runtime(settings, temporal_runtime=open_sdk_runtime(metrics)))
        accounts, client, storage, tracker = runtime.accounts, runtime.client, runtime.storage, runtime.tracker
        await add_search_attributes(client)
        readers = {name: account.provider.reader for name, account in accounts.items()}
        records = RecordActivities(Records(storage), accounts)
        reading = ReadActivities(accounts, readers, storage, runtime.digester)
        downloading = DownloadActivities(accounts, readers, storage, runtime.digester)
        notifying = NotificationActivities(_endpoints(settings), runtime.http)
        replayers = {name: account.provider.replayer for name, account in accounts.items()}
        replaying = ReplayActivities(
            {name: each for name, each in replayers.items() if each is not None}, runtime.digester
        )
        rereading = RecheckActivities(tracker.start_recheck)
        senders = open_senders(settings.messages, runtime.http)
        rules, limits = _account_rules(settings, accounts), settings.messages.limits
        admission = MessageAdmission(rules, tracker.describe, storage, runtime.digester, limits)
        messaging = MessageActivities(_messengers(accounts), senders, admission, storage, tracker.report_message)
        adopting = DiscoveryActivities(_finders(accounts), tracker.start_discovered)
        serve = partial(Worker, client, graceful_shutdown_timeout=SHUTDOWN, interceptors=[RetryStorage()])
        workers = [
            serve(
                task_queue=messages.VERIFICATIONS_QUEUE,
                workflows=[VerificationWorkflow, DiscoveryWorkflow, RecheckWorkflow],
                activities=[records.load_record, records.write_record, rereading.recheck],
            ),
            serve(
                task_queue=messages.ARTIFACTS_QUEUE,
                activities=[downloading.download],
                max_concurrent_activities=MOST_DOWNLOADS,
            ),
            serve(
                task_queue=messages.NOTIFICATIONS_QUEUE,
                activities=[notifying.send_notification],
                workflows=[NotificationWorkflow],
            ),
            serve(
                task_queue=messages.MESSAGES_QUEUE,
                activities=[messaging.send_message, messaging.erase_message, messaging.report_message],
                workflows=[MessageDeliveryWorkflow],
            ),
            *_readers(serve, accounts, [reading.read, reading.poll, adopting.discover, replaying.replay]),
        ]
        for account in accounts.values():
            await keep_discovering(client, account, time_scale=settings.time_scale)
        for worker in workers:
            await stack.enter_async_context(worker)
        yield client


def _account_rules(settings: Settings, accounts: Mapping[str, OpenAccount]) -> Mapping[str, AccountRules]:
    """Return what messages of each account are judged by. Its own host is that of its provider's address."""
    own = {name: urlsplit(configured.own.base_url).hostname for name, configured in settings.accounts.items()}
    return {
        name: AccountRules(account.provider.reader, settings.messages.link_hosts | {own[name] or ""})
        for name, account in accounts.items()
    }


def _finders(accounts: Mapping[str, OpenAccount]) -> Mapping[str, VerificationFinder]:
    finders = {name: account.provider.finder for name, account in accounts.items()}
    return {name: finder for name, finder in finders.items() if finder is not None}


def _messengers(accounts: Mapping[str, OpenAccount]) -> Mapping[str, MessageReader]:
    messengers = {name: account.provider.message_reader for name, account in accounts.items()}
    return {name: messenger for name, messenger in messengers.items() if messenger is not None}


def _readers(
    serve: Callable[..., Worker], accounts: Mapping[str, OpenAccount], activities: Sequence[Callable[..., Any]]
) -> list[Worker]:
    """Return one worker for each account's queue of reads; the server limits its rate over all workers."""
    return [
        serve(
            task_queue=messages.provider_queue(name),
            activities=activities,
            max_task_queue_activities_per_second=account.reads_per_second,
        )
        for name, account in accounts.items()
    ]


def _endpoints(settings: Settings) -> Mapping[str, Endpoint]:
    return {
        name: Endpoint(
            name=name,
            url=endpoint.url,
            secrets=tuple(secret.get_secret_value() for secret in endpoint.secret),
            allow_private=endpoint.allow_private,
        )
        for name, endpoint in settings.endpoints.items()
    }


def main() -> None:
    """Run a worker by the settings of `VIGIL_CONFIG` or `./vigil.toml`; exit with 2 if they cannot be used."""
    os.umask(0o077)
    set_up_logging()
    code = 0
    try:
        settings = load_settings()
        if is_exposed():
            _log.warning("settings.exposed")
        asyncio.run(run(settings))
    except (SettingsError, SearchAttributesMissing, StorageNotOpened) as error:
        _log.critical("worker.failed", reason=str(error))
        code = 2
    except TemporalUnreachable as error:
        _log.critical("worker.failed", reason=str(error))
        code = 1
    except (RPCError, RuntimeError) as error:
        _log.critical("worker.failed", reason="Temporal gave no usable answer", error=type(error).__name__)
        code = 1
    except KeyboardInterrupt:
        with contextlib.suppress(Exception):
            _log.info("worker.interrupted")
    exit_now(code)


if __name__ == "__main__":
    main()
