"""The worker process: runs workflows and activities until it receives SIGTERM or SIGINT."""

import argparse
import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import structlog
import uvloop
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import PollerBehaviorAutoscaling, Worker, WorkerDeploymentConfig

from activities.discovery import DiscoveryActivities, DiscoveryPlan
from activities.downloads import DownloadActivities
from activities.erasure import ErasureActivities
from activities.failures import RetryStorage
from activities.message_admission import AccountRules, MessageAdmission
from activities.messages import MessageActivities
from activities.notifications import Bookkeeping, Endpoint, NotificationActivities
from activities.reads import ReadActivities
from activities.rechecks import RecheckActivities
from activities.records import RecordActivities
from activities.replays import ReplayActivities
from activities.retention import RetentionActivities
from activities.verify import VerifyActivities
from vigil.config.accounts import OpenAccount
from vigil.config.settings import Settings, SettingsError, is_exposed, load_settings
from vigil.discovery import keep_discovering
from vigil.errors import StorageNotOpened, TemporalUnreachable, VigilError
from vigil.health import own_checks, serve_health
from vigil.messaging.factory import open_senders
from vigil.observability import set_up_logging
from vigil.origin import BUILD, UNKNOWN, build_name
from vigil.process_exit import exit_now
from vigil.providers.contract import CallbackReplayer, MessageReader
from vigil.runtime import Runtime, open_runtime
from vigil.schedules import keep_retaining
from vigil.sealing.errors import SealingError
from vigil.storage.notifications import NotificationRows
from vigil.storage.records import Records
from vigil.temporal import messages
from vigil.temporal.connection import SearchAttributesMissing, add_search_attributes, open_sdk_runtime
from vigil.tracing import flush_traces, set_up_tracing
from workflows.message_delivery import MessageDeliveryWorkflow
from workflows.notification import NotificationWorkflow
from workflows.registry import OF_VERIFICATIONS
from workflows.runner import WORKFLOW_RUNNER

STOPPED_WITHIN: Final = timedelta(seconds=25)
"""How long the process may live after SIGTERM; shorter than the grace period of containers."""
GRACE: Final = timedelta(seconds=20)
"""How long its activities may continue; longer than sending a message may take. Then they are canceled."""
DISCOVERY_OVERLAP: Final = timedelta(minutes=5)
DISCOVERY_STARTS_EVERY: Final = timedelta(seconds=1)

_log = structlog.get_logger("vigil.worker")


class BuildNotNamed(VigilError):
    """The settings name a deployment, and the environment no build."""

    def __init__(self) -> None:
        super().__init__(f"[worker] deployment is set: set {BUILD} to the build of this worker")


class Part(StrEnum):
    """What one worker process may serve, alone or with others."""

    VERIFICATIONS = "verifications"
    PROVIDERS = "providers"
    MESSAGES = "messages"
    ARTIFACTS = "artifacts"
    NOTIFICATIONS = "notifications"


EVERYTHING: Final = frozenset(Part)


@dataclass(frozen=True)
class Serving:
    """The running workers of this process. A task that ends before the process stops has failed."""

    client: Client
    tasks: Sequence[asyncio.Task[None]]


async def run(settings: Settings, parts: frozenset[Part] = EVERYTHING) -> None:
    """Serve the parts until SIGTERM or SIGINT. Raises `RuntimeError` if a worker ends by itself."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for given in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(given, stopped.set)
    async with serving(settings, parts) as served:
        _log.info("worker.started", count=len(settings.accounts), name=served.client.namespace)
        asked = asyncio.create_task(stopped.wait())
        done, _ = await asyncio.wait((asked, *served.tasks), return_when=asyncio.FIRST_COMPLETED)
        # One limit for all that follows, whatever it waits for.
        loop.call_later(STOPPED_WITHIN.total_seconds(), _cut_off)
        if asked not in done:
            raise RuntimeError("a worker ended by itself")
        _log.info("worker.stopping")


def _cut_off() -> None:
    _log.error("worker.cut_off")
    exit_now(1)


@asynccontextmanager
async def serving(settings: Settings, parts: frozenset[Part] = EVERYTHING) -> AsyncIterator[Serving]:
    """Open what the settings name and run the workers of the parts, for as long as the context lasts.

    All stop at once: none begins an activity while another one still waits for its own.
    """
    sdk_runtime = open_sdk_runtime(settings.worker.metrics_address)
    async with open_runtime(settings, temporal_runtime=sdk_runtime) as runtime:
        client = runtime.client
        await add_search_attributes(client)
        if Part.VERIFICATIONS in parts:
            for account in runtime.accounts.values():
                await keep_discovering(client, account)
            await keep_retaining(client)
        workers = _build_workers(runtime, parts)
        async with serve_health(settings.worker.health_address, own_checks(runtime.storage, client)):
            tasks = [asyncio.create_task(worker.run()) for worker in workers]
            try:
                yield Serving(client, tasks)
            finally:
                await asyncio.gather(*(worker.shutdown() for worker in workers))
                await asyncio.gather(*tasks, return_exceptions=True)


def _build_workers(runtime: Runtime, parts: frozenset[Part]) -> list[Worker]:
    settings, accounts, storage, tracker = runtime.settings, runtime.accounts, runtime.storage, runtime.tracker
    readers = {name: account.provider.reader for name, account in accounts.items()}
    serve = partial(
        Worker,
        runtime.client,
        graceful_shutdown_timeout=GRACE,
        interceptors=[RetryStorage()],
        workflow_runner=WORKFLOW_RUNNER,
        max_cached_workflows=settings.worker.cached_workflows,
        max_concurrent_workflow_tasks=settings.worker.slots,
        max_concurrent_activities=settings.worker.slots,
        deployment_config=choose_deployment(settings.worker.deployment, VersioningBehavior.AUTO_UPGRADE),
    )
    workers = []
    if Part.VERIFICATIONS in parts:
        records = RecordActivities(Records(storage), accounts, tracker.read_interrupted)
        rechecking = RecheckActivities(runtime.erasures.start_recheck)
        erasing = ErasureActivities(storage, tracker, runtime.digester, key_backups=settings.storage.keep.key_backups)
        retaining = RetentionActivities(runtime.retention)
        verifying = VerifyActivities(runtime.registrar, runtime.lookup, tracker)
        workers.append(
            serve(
                task_queue=messages.VERIFICATIONS_QUEUE,
                workflows=OF_VERIFICATIONS,
                activities=[
                    records.load_record,
                    records.write_record,
                    rechecking.recheck,
                    *verifying.all,
                    *erasing.all,
                    retaining.erase_due,
                ],
            )
        )
    if Part.ARTIFACTS in parts:
        downloading = DownloadActivities(accounts, readers, storage, runtime.digester)
        workers.append(
            serve(
                task_queue=messages.ARTIFACTS_QUEUE,
                activities=[downloading.download],
                max_concurrent_activities=settings.worker.downloads,
            )
        )
    if Part.NOTIFICATIONS in parts:
        notifying = NotificationActivities(
            _endpoints(settings),
            runtime.http,
            Bookkeeping(
                NotificationRows(storage),
                tracker.report_notification,
                settings.notifications.not_notified_after / settings.time_scale,
            ),
        )
        workers.append(
            serve(
                task_queue=messages.NOTIFICATIONS_QUEUE,
                activities=[notifying.send_notification],
                workflows=[NotificationWorkflow],
            )
        )
    if Part.MESSAGES in parts:
        messaging = _open_messaging(runtime)
        workers.append(
            serve(
                task_queue=messages.MESSAGES_QUEUE,
                activities=[messaging.send_message, messaging.erase_message, messaging.report_message],
                workflows=[MessageDeliveryWorkflow],
                # It ends within minutes by its own timers, so it ends on the build that began it.
                deployment_config=choose_deployment(settings.worker.deployment, VersioningBehavior.PINNED),
            )
        )
    if Part.PROVIDERS in parts:
        reading = ReadActivities(accounts, readers, storage, runtime.digester)
        replaying = ReplayActivities(_replayers(accounts), runtime.digester)
        discovering = DiscoveryActivities(
            _discoveries(accounts, settings.time_scale), runtime.erasures.start_discovered
        )
        workers += [
            serve(
                task_queue=messages.provider_queue(name),
                activities=[
                    reading.read,
                    reading.poll,
                    discovering.keep_discovering,
                    discovering.discover,
                    replaying.replay,
                ],
                # The server limits the rate over all workers.
                max_task_queue_activities_per_second=account.reads_per_second,
                # The server limits the pollers of a namespace; the SDK's five of each account reach that limit soon.
                activity_task_poller_behavior=PollerBehaviorAutoscaling(minimum=1, maximum=5, initial=1),
            )
            for name, account in accounts.items()
        ]
    return workers


def choose_deployment(name: str | None, behavior: VersioningBehavior) -> WorkerDeploymentConfig | None:
    """Return under which build a worker asks for work; None: under none. Raises `BuildNotNamed`.

    A workflow type has no behavior of its own in its code: the server refuses it from workers without a build.
    """
    if name is None:
        return None
    if build_name() == UNKNOWN:
        raise BuildNotNamed
    return WorkerDeploymentConfig(
        WorkerDeploymentVersion(name, build_name()), use_worker_versioning=True, default_versioning_behavior=behavior
    )


def _open_messaging(runtime: Runtime) -> MessageActivities:
    settings, accounts, storage, tracker = runtime.settings, runtime.accounts, runtime.storage, runtime.tracker
    senders = open_senders(settings.messages, runtime.http)
    rules, limits = _account_rules(settings, accounts), settings.messages.limits
    admission = MessageAdmission(rules, tracker.describe, storage, runtime.digester, limits)
    return MessageActivities(_messengers(accounts), senders, admission, storage, tracker.report_message)


def _account_rules(settings: Settings, accounts: Mapping[str, OpenAccount]) -> Mapping[str, AccountRules]:
    """Return what messages of each account are judged by. Its own host is that of its provider's address."""
    own = {name: urlsplit(configured.own.base_url).hostname for name, configured in settings.accounts.items()}
    return {
        name: AccountRules(account.provider.reader, settings.messages.link_hosts | {own[name] or ""})
        for name, account in accounts.items()
    }


def _discoveries(accounts: Mapping[str, OpenAccount], time_scale: float) -> Mapping[str, DiscoveryPlan]:
    return {
        name: DiscoveryPlan(
            finder=account.provider.finder,
            every=account.discovers_every / time_scale,
            grace=account.plan_for(None).registration_grace,
            overlap=DISCOVERY_OVERLAP / time_scale,
            starts_every=DISCOVERY_STARTS_EVERY / time_scale,
        )
        for name, account in accounts.items()
        if account.provider.finder is not None
    }


def _messengers(accounts: Mapping[str, OpenAccount]) -> Mapping[str, MessageReader]:
    messengers = {name: account.provider.message_reader for name, account in accounts.items()}
    return {name: messenger for name, messenger in messengers.items() if messenger is not None}


def _replayers(accounts: Mapping[str, OpenAccount]) -> Mapping[str, CallbackReplayer]:
    replayers = {name: account.provider.replayer for name, account in accounts.items()}
    return {name: replayer for name, replayer in replayers.items() if replayer is not None}


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


def _parse_arguments() -> frozenset[Part]:
    parser = argparse.ArgumentParser(prog="worker.py", description="Run a worker until SIGTERM or SIGINT.")
    parser.add_argument(
        "--serve",
        default=",".join(Part),
        metavar="PART,...",
        help="the parts that this process serves (default: %(default)s); every part needs a process",
    )
    names = parser.parse_args().serve.split(",")
    unknown = sorted(set(names) - set(Part))
    if unknown:
        parser.error(f"--serve: no such part: {', '.join(unknown)}; there are {', '.join(Part)}")
    return frozenset(Part(name) for name in names)


def _collect_garbage_rarely() -> None:
    """Leave out what the imports have made, and collect after more new objects than Python's 700.

    Each activation makes thousands that live for a moment. Looking at them cost a sixth of the worker's time. Runs that
    leave the cache are cycles, and old by then: only a collection of everything frees them, so it comes after 500,000.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 5, 2)


def main() -> None:
    """Run a worker by the settings of `VIGIL_CONFIG` or `./vigil.toml`; exit with 2 if they cannot be used."""
    parts = _parse_arguments()
    os.umask(0o077)
    set_up_logging()
    set_up_tracing("vigil-worker")
    code = 0
    try:
        settings = load_settings()
        if is_exposed():
            _log.warning("settings.exposed")
        _collect_garbage_rarely()
        uvloop.run(run(settings, parts))
    except (BuildNotNamed, SealingError, SettingsError, SearchAttributesMissing, StorageNotOpened) as error:
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
    flush_traces()
    exit_now(code)


if __name__ == "__main__":
    main()
