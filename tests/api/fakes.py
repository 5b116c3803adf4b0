"""Small honest objects: a provider with words of its own, stores and Temporals that fail or stall."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from temporalio.service import RPCError, RPCStatusCode

from api.callbacks.dependencies import build_services
from api.callbacks.intake import Intake
from api.callbacks.limits import DEFAULT_LIMITS, CallbackLimits
from tests.world import World
from vigil.config.accounts import OpenAccount, build_account
from vigil.config.settings import ConfiguredAccount
from vigil.domain.callback_event import CallbackEvent, StatusSeen, Unreadable
from vigil.domain.digest import Digester
from vigil.domain.errors import CallbackRefused, ProviderUnavailable
from vigil.domain.message import MessageReceived
from vigil.domain.sender_contract import Answering, CodeRange, OurAnswers, Redelivery, SenderContract
from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.domain.terms import Proof, Stage
from vigil.domain.tracking_plan import MINUTE, PollPlan, PollStep, TrackingPlan
from vigil.domain.verification_key import VerificationKey, path_of
from vigil.errors import UnknownAccount
from vigil.observability import Metrics
from vigil.providers.account_settings import AccountSettings
from vigil.providers.contract import (
    ArtifactStream,
    Callback,
    CallbackRequest,
    GenuineRequest,
    Provider,
    ProviderResponse,
    Reader,
)
from vigil.storage.contract import Content, Storage, StorageUnavailable, Stored
from vigil.storage.folder import FolderStorage
from vigil.storage.inbox import Inbox

DIGESTER = Digester(b"a key for tests only")
SECRET = "right"

PLAN = TrackingPlan(polls={Stage.PROCESSING: PollPlan(steps=(PollStep(until=None, every=MINUTE),))})
CONTRACT = SenderContract(
    sender="acme",
    title="Acme",
    proof=Proof.SECRET,
    answering=Answering(budget=timedelta(seconds=10), accepted=(CodeRange(first=200, last=299),)),
    redelivery=Redelivery(),
    lost_callback="silence",
    tracking=PLAN,
)


class NoReader:
    """These tests never ask a provider."""

    async def read(self, question: ReadRequest) -> ProviderResponse:
        raise ProviderUnavailable("not_in_these_tests")

    def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AbstractAsyncContextManager[ArtifactStream]:
        raise ProviderUnavailable("not_in_these_tests")

    async def check_login(self) -> None:
        raise ProviderUnavailable("not_in_these_tests")


class Acme(Provider):
    """A provider whose callbacks are `{"says": [{"ref", "id"}]}` and whose proof is the header `x-secret`.

    `x-proof` chooses how strong the proof is, `explode` in a body makes reading it fail in an unforeseen way.
    """

    provider = "acme"
    environment = "sandbox"
    kept_headers = frozenset({"content-type"})

    def __init__(self, account: str = "acme", *, capability: bool = False, answers: OurAnswers | None = None) -> None:
        self.account = account
        self.contracts: Mapping[str, SenderContract] = {"acme": CONTRACT}
        self.reader: Reader = NoReader()
        self.reference_is_capability = capability
        self.default_contract = CONTRACT.model_copy(update={"answers": answers}) if answers else CONTRACT

    def prove(self, request: CallbackRequest) -> GenuineRequest:
        if request.headers.get("x-secret") != SECRET:
            raise CallbackRefused("wrong_header")
        if request.headers.get("x-proof") == "crash":
            raise ZeroDivisionError("a fault of ours")
        proof = Proof(request.headers.get("x-proof", "secret"))
        return GenuineRequest(request=request, proof=proof, kept_body=request.body.replace(b"otp", b"---"))

    def read_callbacks(self, request: GenuineRequest) -> Sequence[Callback]:
        if b"explode" in request.request.body:
            raise ZeroDivisionError("a fault of ours, with 4711 in its text")
        try:
            said = json.loads(request.request.body)["says"]
        except (ValueError, KeyError, TypeError):
            return (Callback(reference=None, observation=Unreadable(why="not_json")),)
        return [
            Callback(
                reference=one.get("ref"),
                other_reference=one.get("own"),
                observation=StatusSeen(word="DONE", looks="final"),
                identity=one.get("id"),
                sender=one.get("sender"),
            )
            for one in said
        ]

    def setup_instructions(self, callback_url: str) -> Sequence[str]:
        return (callback_url,)


def account_of(provider: Acme, **common: object) -> OpenAccount:
    own = AccountSettings(provider="acme", base_url="http://127.0.0.1")
    configured = ConfiguredAccount.model_validate({"own": own, **common})
    return build_account(provider, configured, time_scale=1)


def account_in(world: World, provider: Acme | None = None) -> OpenAccount:
    """Return a world's account, opened at the provider."""
    account = world.tracker.account(world.account)
    return OpenAccount(**vars(account), provider=provider or Acme(), contracts={account.default_sender: CONTRACT})


@dataclass
class Verifications:
    """The verifications that Temporal knows, by reference. `down`, `stalled` and `refuses` are how calls to it fail."""

    accounts: Collection[str] = ("acme",)
    """The accounts of the settings."""
    open: set[str] = field(default_factory=set)
    down: bool = False
    stalled: bool = False
    refuses: dict[str, RPCStatusCode] = field(default_factory=dict)
    signaled: list[tuple[str, CallbackEvent]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    calls: int = 0
    messages: list[MessageReceived] = field(default_factory=list)

    def path(self, key: VerificationKey) -> str:
        if key.account not in self.accounts:
            raise UnknownAccount(self.accounts)
        return path_of(key, DIGESTER, is_capability=False)

    async def signal_callback(self, key: VerificationKey, callback_event: CallbackEvent, *, may_start: bool) -> bool:
        self.path(key)
        self.calls += 1
        if self.stalled:
            await asyncio.sleep(60)
        if self.down:
            raise RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
        if key.reference in self.refuses:
            raise RPCError("refused", self.refuses[key.reference], b"")
        if key.reference not in self.open:
            if not may_start:
                return False
            self.started.append(key.reference)
            self.open.add(key.reference)
        self.signaled.append((key.reference, callback_event))
        return True

    async def start_message(self, callback_event: MessageReceived) -> None:
        self.calls += 1
        if self.stalled:
            await asyncio.sleep(60)
        if self.down:
            raise RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
        self.messages.append(callback_event)


class Flaky:
    """A folder whose writes fail or stall while told to."""

    def __init__(self, folder: Storage) -> None:
        self._folder = folder
        self.down = False
        self.reads_down = True
        """Whether reads fail too while it is down."""
        self.stalled = False
        self.reads_stalled = False
        self.filing_stalled = False
        self.seconds_for_a_read = 0.0
        self.writes = 0
        self.reads = 0

    async def _trouble(self, name: str) -> None:
        if self.stalled:
            await asyncio.sleep(60)
        if self.down:
            raise StorageUnavailable(name, "OSError")

    async def put_new(self, name: str, content: Content, *, media_type: str | None = None) -> Stored:
        self.writes += 1
        while self.filing_stalled and name.startswith("verifications/"):
            await asyncio.sleep(0.01)
        await self._trouble(name)
        return await self._folder.put_new(name, content, media_type=media_type)

    async def put(self, name: str, content: Content) -> Stored:
        await self._trouble(name)
        return await self._folder.put(name, content)

    async def read(self, name: str) -> bytes:
        self.reads += 1
        await asyncio.sleep(self.seconds_for_a_read)
        while self.reads_stalled:
            await asyncio.sleep(0.01)
        if self.reads_down:
            await self._trouble(name)
        return await self._folder.read(name)

    def open(self, name: str) -> AsyncIterator[bytes]:
        return self._folder.open(name)

    async def size(self, name: str) -> int:
        await asyncio.sleep(self.seconds_for_a_read)
        if self.reads_down:
            await self._trouble(name)
        return await self._folder.size(name)

    async def list(self, prefix: str, *, after: str | None = None, limit: int = 1000) -> list[str]:
        await asyncio.sleep(self.seconds_for_a_read)
        if self.reads_down:
            await self._trouble(prefix)
        return await self._folder.list(prefix, after=after, limit=limit)

    async def erase(self, name: str) -> None:
        await self._trouble(name)
        await self._folder.erase(name)


class Desk:
    """An intake and everything that it stands on."""

    def __init__(self, root: Path, *accounts: OpenAccount, limits: CallbackLimits = DEFAULT_LIMITS) -> None:
        self.storage = Flaky(FolderStorage(root))
        self.inbox = Inbox(self.storage)
        self.metrics = Metrics()
        self.accounts = {account.name: account for account in accounts or (account_of(Acme()),)}
        self.verifications = Verifications(accounts=set(self.accounts))
        self.services = build_services(
            self.accounts, self.verifications, self.storage, DIGESTER, metrics=self.metrics, limits=limits
        )
        self.dispatcher = self.services.dispatcher
        self.intake = Intake(self.services)

    async def names(self, prefix: str = "") -> list[str]:
        """Everything that is stored beside the budgets, by folder and without the random ends."""
        names = await self.storage._folder.list(prefix)
        return [name.rpartition("/")[0] for name in names if not name.startswith("budgets/")]
