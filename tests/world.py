"""A small world for a verification: a real Temporal server, real storage, and a provider that says what it is told."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import uuid4

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.worker import Worker

from activities.discovery import DiscoveryActivities, DiscoveryPlan
from activities.downloads import DownloadActivities
from activities.erasure import ErasureActivities
from activities.notifications import Bookkeeping, Endpoint, NotificationActivities
from activities.reads import ReadActivities
from activities.rechecks import RecheckActivities
from activities.records import RecordActivities
from activities.replays import ReplayActivities
from activities.retention import RetentionActivities
from tests.gate import GatedStorage
from vigil.domain.account import Account
from vigil.domain.callback_event import CallbackEvent, Observation, StatusSeen, StepFinished
from vigil.domain.digest import Digester
from vigil.domain.errors import ProviderError
from vigil.domain.record import Record
from vigil.domain.registration import Registration
from vigil.domain.retention import KeepRules
from vigil.domain.snapshot import Artifact, ReadRequest, Snapshot
from vigil.domain.terms import CheckStatus, Decision, Ended, EvidenceKind, Proof, Stage
from vigil.domain.tracking_plan import MINUTE, TrackingPlan
from vigil.domain.verification_key import VerificationKey
from vigil.erasure import Erasures
from vigil.lookup import VerificationLookup
from vigil.providers.contract import ArtifactStream, CallbackReplayer, ProviderResponse, VerificationFinder
from vigil.providers.id360.senders import CONTRACT
from vigil.providers.transport import open_http
from vigil.retention import Retention
from vigil.sealing.keysets import Keysets
from vigil.sealing.storage import SealedStorage
from vigil.storage.erasable import ErasableStorage
from vigil.storage.folder import FolderStorage
from vigil.storage.notifications import NotificationRows
from vigil.storage.records import Records
from vigil.temporal import messages
from vigil.temporal.client import RegistrationResult, VerificationClient
from workflows.notification import NotificationWorkflow
from workflows.registry import OF_VERIFICATIONS
from workflows.runner import WORKFLOW_RUNNER

ACCOUNT = "acme"
SENDER = CONTRACT.sender
FILE = Artifact(name="portrait-1", kind=EvidenceKind.PORTRAIT, locator="portrait-1")

ENDS_WITHIN = timedelta(seconds=20)

STARTED = Snapshot(stage=Stage.AWAITING_APPLICANT, word="STARTED")
APPROVED = Snapshot(stage=Stage.CONCLUDED, decision=Decision.APPROVED, word="OK")
APPROVED_WITH_FILE = APPROVED.model_copy(update={"artifacts": (FILE,)})
DECLINED = Snapshot(stage=Stage.CONCLUDED, decision=Decision.DECLINED, word="KO")


@dataclass
class SaidReader:
    """A provider's reading half that says what a test tells it to say, and counts what it was asked."""

    says: ProviderResponse | ProviderError = field(
        default_factory=lambda: ProviderResponse(snapshot=STARTED, raw=b"{}")
    )
    files: dict[str, bytes | Exception] = field(default_factory=lambda: {"portrait-1": b"a portrait"})
    media_type: str = "image/png"
    reads: int = 0
    asked: list[ReadRequest] = field(default_factory=list)
    downloads: int = 0
    before_answer: Callable[[], asyncio.Future[None] | None] = lambda: None
    during_download: asyncio.Event | None = None

    def say(self, snapshot: Snapshot) -> None:
        """Answer with this snapshot from now on."""
        self.says = ProviderResponse(snapshot=snapshot, raw=snapshot.model_dump_json().encode())

    async def read(self, question: ReadRequest) -> ProviderResponse:
        self.reads += 1
        self.asked.append(question)
        says = self.says
        waiting = self.before_answer()
        if waiting is not None:
            await waiting
        if isinstance(says, ProviderError):
            raise says
        return says

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        self.downloads += 1
        self.asked.append(question)
        content = self.files[artifact.name]
        if isinstance(content, Exception):
            raise content
        yield ArtifactStream(chunks=self._chunks(content), media_type=self.media_type)

    async def _chunks(self, content: bytes) -> AsyncIterator[bytes]:
        yield content[: len(content) // 2]
        if self.during_download is not None:
            await self.during_download.wait()
        yield content[len(content) // 2 :]

    async def check_login(self) -> None:
        return None


def own_account() -> str:
    """Return an account that no other test has, so that what it leaves open on a shared server is nobody else's."""
    return f"acme-{uuid4().hex[:8]}"


async def _wall_clock() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def serving(worker: Worker) -> AsyncIterator[None]:
    """Run a worker, and wait for its end for 20 seconds at most.

    A worker that does not end is a failure. The SDK has one exception: a worker without a cache that is stopped right
    after a task sometimes never reports its end. By then it asks for no more tasks, so the test goes on with a warning.
    """
    await worker.__aenter__()
    try:
        yield
    finally:
        try:
            async with asyncio.timeout(ENDS_WITHIN.total_seconds()):
                await worker.__aexit__(None)
        except TimeoutError:
            if worker.config().get("max_cached_workflows") != 0:
                raise
            _warn_of_an_end_that_was_not_reported(worker)


class WorkerDidNotReportItsEnd(UserWarning):
    """A worker without a cache was stopped, and the SDK did not report its end in time."""


def _warn_of_an_end_that_was_not_reported(worker: Worker) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("default", WorkerDidNotReportItsEnd)  # every other warning fails a test
        warnings.warn(WorkerDidNotReportItsEnd(worker.task_queue), stacklevel=2)


@dataclass
class World:
    """One account's worth of everything."""

    client: Client
    folder: Path
    reader: SaidReader = field(default_factory=SaidReader)
    plan: TrackingPlan = CONTRACT.tracking
    account: str = ACCOUNT
    max_cached_workflows: int = 1000
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    not_notified_after: timedelta = timedelta(minutes=15)
    finder: VerificationFinder | None = None
    discovers_every: timedelta = timedelta(hours=1)
    registration_grace: timedelta = timedelta(minutes=15)
    replayer: CallbackReplayer | None = None
    more_activities: Sequence[Callable[..., object]] = ()
    """Further activities on the queue of verifications."""
    rules: Mapping[str, KeepRules] = field(default_factory=dict)
    """How long data is kept, by account."""
    now: Callable[[], Awaitable[datetime]] = _wall_clock
    keys: Path | None = None
    """The folder of keysets; None: the storage is in clear."""
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.digester = Digester(b"a key for tests")
        self.below = FolderStorage(self.folder)
        sealed = SealedStorage(self.below, Keysets(self.keys)) if self.keys else self.below
        self.storage = GatedStorage(ErasableStorage(sealed))
        account = Account(
            name=self.account,
            provider_name="acme",
            environment="sandbox",
            reference_is_capability=False,
            plans={SENDER: self.plan},
            default_sender=SENDER,
        )
        self.accounts = {self.account: account}
        self.tracker = VerificationClient(self.client, self.accounts, self.digester)
        self.key = VerificationKey(account=self.account, reference=f"v-{uuid4().hex[:12]}")

    def with_plan(self, plan: TrackingPlan) -> "World":
        """Return this world with another plan, which its client and its workers share."""
        return replace(self, plan=plan)

    def another(self) -> "World":
        """Return a world beside this one, for another verification."""
        return World(self.client, self.folder, plan=self.plan, now=self.now, account=own_account(), keys=self.keys)

    @asynccontextmanager
    async def workers(self) -> AsyncIterator[None]:
        """Run every worker that a verification needs, and with endpoints the one that tells them."""
        async with AsyncExitStack() as stack:
            for worker in self._workers():
                await stack.enter_async_context(serving(worker))
            if self.endpoints:
                http = await stack.enter_async_context(open_http())
                await stack.enter_async_context(
                    self._notifier(NotificationActivities(self.endpoints, http, self._bookkeeping()))
                )
            yield

    def _bookkeeping(self) -> Bookkeeping:
        return Bookkeeping(NotificationRows(self.storage), self.tracker.report_notification, self.not_notified_after)

    def _notifier(self, notifying: NotificationActivities) -> Worker:
        return Worker(
            self.client,
            task_queue=messages.NOTIFICATIONS_QUEUE,
            workflows=[NotificationWorkflow],
            workflow_runner=WORKFLOW_RUNNER,
            activities=[notifying.send_notification],
        )

    def _discoveries(self) -> Mapping[str, DiscoveryPlan]:
        if self.finder is None:
            return {}
        plan = DiscoveryPlan(
            finder=self.finder,
            every=self.discovers_every,
            grace=self.registration_grace,
            overlap=timedelta(minutes=5),
            starts_every=timedelta(0),
        )
        return {self.account: plan}

    def _workers(self) -> list[Worker]:
        readers = {self.account: self.reader}
        records = RecordActivities(self.records, self.accounts, self.tracker.read_interrupted)
        reading = ReadActivities(self.accounts, readers, self.storage, self.digester)
        downloading = DownloadActivities(self.accounts, readers, self.storage, self.digester)
        replaying = ReplayActivities({self.account: self.replayer} if self.replayer else {}, self.digester)
        rereading = RecheckActivities(self.erasures.start_recheck)
        discovering = DiscoveryActivities(self._discoveries(), self.erasures.start_discovered)
        erasing = ErasureActivities(self.storage, self.tracker, self.digester, settles_within=timedelta(seconds=5))
        retaining = RetentionActivities(self.retention, page=2)
        return [
            Worker(
                self.client,
                task_queue=messages.VERIFICATIONS_QUEUE,
                workflows=OF_VERIFICATIONS,
                workflow_runner=WORKFLOW_RUNNER,
                activities=[
                    records.load_record,
                    records.write_record,
                    rereading.recheck,
                    *erasing.all,
                    retaining.erase_due,
                    *self.more_activities,
                ],
                max_cached_workflows=self.max_cached_workflows,
            ),
            Worker(
                self.client,
                task_queue=messages.provider_queue(self.account),
                activities=[
                    reading.read,
                    reading.poll,
                    discovering.keep_discovering,
                    discovering.discover,
                    replaying.replay,
                ],
            ),
            Worker(self.client, task_queue=messages.ARTIFACTS_QUEUE, activities=[downloading.download]),
        ]

    @property
    def erasures(self) -> Erasures:
        """The erasures of this world."""
        lookup = VerificationLookup(self.tracker, self.storage, {})
        return Erasures(self.storage, self.tracker, lookup, self.rules)

    @property
    def retention(self) -> Retention:
        """The retention of this world."""
        return Retention(self.storage, self.tracker, self.rules)

    @property
    def records(self) -> Records:
        """The records in this world's storage."""
        return Records(self.storage)

    async def register(self, **changes: object) -> RegistrationResult:
        """Register this world's verification, as a backend does."""
        return await self.tracker.register(await self.registration(**changes))

    async def registration(self, **changes: object) -> Registration:
        """Return a plain registration of this world's verification."""
        plain = Registration(key=self.key, registered_at=await self.now(), registered_by="checkout")
        return plain.model_copy(update=changes)

    async def callback_event(
        self, observation: Observation, *, proof: Proof = Proof.SECRET, number: int | None = None
    ) -> CallbackEvent:
        """Return the event of a callback; two with one number are two deliveries of one event."""
        mark = self.digester.digest("event", str(number if number is not None else next(self._numbers)))
        return CallbackEvent(
            delivery=mark,
            identity=mark,
            intermediate=isinstance(observation, StepFinished),
            receipt="inbox/pending/test",
            received_at=await self.now(),
            proof=proof,
            observation=observation,
        )

    async def hear(
        self,
        observation: Observation,
        *,
        proof: Proof = Proof.SECRET,
        may_start: bool = True,
        number: int | None = None,
    ) -> bool:
        """Tell the verification of a callback, as the API does."""
        callback_event = await self.callback_event(observation, proof=proof, number=number)
        return await self.tracker.signal_callback(self.key, callback_event, may_start=may_start)

    async def result(self, within: float = 60) -> Record:
        """Wait until the newest run has completed."""
        async with asyncio.timeout(within):
            return await self.tracker.handle(self.key).result()

    async def record(self) -> Record:
        """Ask a worker what is known now."""
        known: Record | None = None
        while known is None:  # it is loading
            known = await self.tracker.handle(self.key).query("record", result_type=Record)
        return known

    async def until(self, holds: Callable[[Record], bool], within: float = 60) -> Record:
        """Wait until the record is as a test wants it."""
        async with asyncio.timeout(within):
            while True:
                record = await self.record()
                if holds(record):
                    return record
                await asyncio.sleep(0.05)

    async def history(self) -> list[str]:
        """Return the types of the events of the newest run."""
        events = self.tracker.handle(self.key).fetch_history_events()
        return [EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") async for event in events]


def final(word: str = "OK", *, ended: Ended | None = None) -> StatusSeen:
    """A callback that names a final status."""
    return StatusSeen(word=word, looks="final", ended=ended)


def step(done: int, name: str, *, total: int = 6) -> StepFinished:
    """A callback that tells of one finished step."""
    return StepFinished(done=done, total=total, name=name, status=CheckStatus.PASSED)


def quick(plan: TrackingPlan = CONTRACT.tracking, factor: float = 600) -> TrackingPlan:
    """The contract's plan with all durations divided, for stories that run in real time."""
    return CONTRACT.model_copy(update={"tracking": plan}).scaled(factor).tracking


SOON = timedelta(seconds=1)
LATER = 5 * MINUTE
