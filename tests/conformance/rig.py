"""Vigil as it is put together for production, in this process, before every played provider."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import uuid4

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

import worker
from api.app import build_app, build_dependencies
from api.callbacks.dependencies import build_services
from api.callbacks.intake import Intake
from api.callbacks.limits import CallbackLimits
from api.dependencies import Dependencies
from tests.conformance.kit import Kit, KitMissing, Scenario, SenderKit, SentRequest, kit_of
from tests.sealed import write_keys
from tests.simulator.step_clock import StepClock
from vigil.config.settings import ConfiguredAccount, SealSettings, Settings, StorageSettings, TemporalSettings
from vigil.domain.record import Record
from vigil.domain.registration import Registration
from vigil.domain.snapshot import Coordinates
from vigil.domain.verification_key import VerificationKey
from vigil.outbound_http import certificates
from vigil.providers.contract import CallbackRequest
from vigil.providers.registry import PROVIDERS
from vigil.runtime import open_runtime
from vigil.simulator.app import create_app
from vigil.simulator.serving import serving
from vigil.storage.contract import NotStored
from vigil.storage.inbox import Inbox
from vigil.storage.receipt_names import PENDING
from vigil.temporal.client import VerificationClient

PATIENT: Final = timedelta(seconds=20)
LIMITS: Final = CallbackLimits(
    lookup_timeout=PATIENT,
    store_timeout=PATIENT,
    signal_timeout=PATIENT,
    budget_timeout=PATIENT,
    total_timeout=3 * PATIENT,
    starts_per_minute=10_000,
)
"""A busy machine cuts no callback off, or the relay would signal it later; and any number may start a verification."""


class PlayedTime(Protocol):
    """The time that passes at the providers, and whose word on it we take."""

    async def now(self) -> datetime:
        """Return the time as our side sees it."""
        ...

    async def passes(self, duration: timedelta) -> None:
        """Let time pass, with everything that falls due in it."""
        ...

    async def catch_up(self) -> None:
        """Bring the providers' clock to the time of our side, where that one leads."""
        ...


class Postbox:
    """Takes the callbacks that the simulator sends, for a test to hand on as it likes; answers 200 to each."""

    def __init__(self) -> None:
        self._arrived: dict[str, list[SentRequest]] = defaultdict(list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        sent = {name: value for name, value in headers.items() if name not in {"host", "content-length", "connection"}}
        self._arrived[scope["path"]].append(SentRequest(sent, body))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def of(self, url: str) -> list[SentRequest]:
        """Return what came to this address, in order."""
        return list(self._arrived[httpx.URL(url).path])


@dataclass(frozen=True)
class Play:
    """One verification at a simulated provider."""

    provider: str
    key: VerificationKey
    coordinates: Coordinates
    sender: str | None
    url: str


@dataclass
class Rig:
    """One account at every provider that brings a kit, and all of Vigil behind it.

    `api` speaks to it over HTTP as providers and backends do, `simulator` as a tester does.
    """

    dependencies: Dependencies
    intake: Intake
    app: FastAPI
    api: httpx.AsyncClient
    simulator: httpx.AsyncClient
    postbox: Postbox
    time: PlayedTime

    @property
    def tracker(self) -> VerificationClient:
        """What a backend that holds a Temporal client speaks through."""
        return self.dependencies.tracker

    async def play(self, provider: str, sender: SenderKit, order: Scenario, *, unproven: bool = False) -> Play:
        """Have the provider begin a verification, whose callbacks come to the postbox.

        `unproven`: it belongs to the account that takes callbacks without proof as hints.
        """
        account = account_of(provider, unproven=unproven)
        url = f"http://postbox/{uuid4().hex}"
        answer = await self.simulator.post(f"/control/{provider}/verifications", json=dict(order(url)))
        assert answer.status_code == 201, answer.text
        told = answer.json()
        known = {coordinate.name for coordinate in self.dependencies.accounts[account].provider.coordinates}
        coordinates = {name: value for name, value in told["coordinates"].items() if name in known}
        key = VerificationKey(account=account, reference=told["reference"])
        return Play(provider, key, coordinates, sender.registered_sender, url)

    async def asked(self, play: Play) -> int:
        """Return how often the provider was asked for the result."""
        view = await self.simulator.get(f"/control/{play.provider}/verifications/{play.key.reference}")
        return int(view.json()["reads"])

    async def announced(self, play: Play) -> int:
        """Return how many callbacks the provider sends by itself."""
        view = await self.simulator.get(f"/control/{play.provider}/verifications/{play.key.reference}")
        return sum(bool(event["callback"]) for event in view.json()["script"])

    @asynccontextmanager
    async def replays_handed_on(self, play: Play) -> AsyncIterator[None]:
        """Hand on what the provider sends again because Vigil asks for it: all that comes after its own callbacks."""
        handing_on = asyncio.create_task(self._hand_on_after(play, await self.announced(play)))
        try:
            yield
        finally:
            handing_on.cancel()
            await asyncio.wait([handing_on])

    async def _hand_on_after(self, play: Play, done: int) -> None:
        while True:
            arrived = self.postbox.of(play.url)[done:]
            for sent in arrived:
                await self.post(play, sent)
            done += len(arrived)
            await asyncio.sleep(0.05)

    async def register(self, play: Play) -> None:
        """Register it as a backend does that holds a Temporal client."""
        await self.tracker.register(
            Registration(
                key=play.key,
                sender=play.sender,
                coordinates=play.coordinates,
                registered_at=await self.time.now(),
                registered_by="checkout",
            )
        )

    async def receive(self, play: Play, sent: SentRequest) -> None:
        """Take a callback in as the API does, at the rig's own time, and wait until its receipt is filed."""
        request = CallbackRequest(
            account=play.key.account,
            correlation=None,
            headers={name.lower(): value for name, value in sent.headers.items()},
            body=sent.body,
            received_at=await self.time.now(),
        )
        progress = await self.intake.receive(request, None)
        await self.intake.finish(progress)
        assert progress.refusal is None
        assert [event.key for event in progress.events] == [play.key] * len(progress.events)
        assert all(result.is_settled for result in progress.results)

    async def post(self, play: Play, sent: SentRequest) -> int:
        """Send a callback to the API; returns its answer."""
        answer = await self.api.post(f"/callbacks/{play.key.account}", content=sent.body, headers=dict(sent.headers))
        return answer.status_code

    async def complete(self, play: Play) -> Record:
        """Return the record of the newest run, once every callback was signalled and that run has completed."""
        # A late word that may take a verdict back is waited for: half an hour, sixty times as fast.
        async with asyncio.timeout(60):
            while await self._is_pending(play):  # a signal was cut off, and the relay repeats it
                await asyncio.sleep(0.1)
            return await self.tracker.handle(play.key).result()

    async def _is_pending(self, play: Play) -> bool:
        inbox = Inbox(self.dependencies.storage)
        for name in await self.dependencies.storage.list(PENDING):
            with suppress(NotStored):  # it was filed meanwhile
                if self.tracker.path(play.key) in (await inbox.read(name)).paths:
                    return True
        return False

    async def record(self, play: Play) -> Record:
        """Ask a worker what is known now."""
        known: Record | None = None
        while known is None:  # it is loading
            known = await self.tracker.handle(play.key).query("record", result_type=Record)
        return known

    async def skipped_until_complete(self, play: Play) -> Record:
        """Let time pass until the newest run has completed."""
        async with asyncio.timeout(60):
            while (seen := await self.tracker.describe(play.key)) is None or seen.is_open:
                await self.time.passes(timedelta(minutes=10))
        return await self.complete(play)


def account_of(provider: str, *, unproven: bool = False) -> str:
    """Return the name of the account at a provider, or of the one that takes callbacks without proof as hints."""
    return provider.replace("_", "-") + ("-unproven" if unproven else "")


def kits() -> Mapping[str, Kit]:
    """Return the kits of the registered providers that bring one; that each does is a test of its own."""
    found = {}
    for provider in PROVIDERS:
        try:
            found[provider] = kit_of(provider)
        except KitMissing:
            continue
    return found


def configured(provider: str, own: Mapping[str, Any]) -> ConfiguredAccount:
    """Return the settings of an account. It takes up only what a test registers or calls about."""
    given = PROVIDERS[provider].settings.model_validate({"provider": provider, "environment": "sandbox", **own})
    return ConfiguredAccount(own=given, discovery=False)


@asynccontextmanager
async def rig(
    temporal: str,
    folder: Path,
    clock: StepClock,
    time: PlayedTime,
    *,
    scale: float,
    working: Callable[[Settings], AbstractAsyncContextManager[object]] = worker.serving,
) -> AsyncIterator[Rig]:
    """Run everything for as long as the context lasts. The watch of every account is `scale` times as fast."""
    postbox = Postbox()
    async with AsyncExitStack() as stack:
        posting = await stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(app=postbox), trust_env=False)
        )
        played = create_app(time_scale=1, client=posting, clock=clock.at_scale(1))
        at = await stack.enter_async_context(serving(_punctual(played, time.catch_up)))
        settings = _settings(temporal, folder, simulator=at, scale=scale)
        await stack.enter_async_context(working(settings))
        runtime = await stack.enter_async_context(open_runtime(settings))
        dependencies = replace(build_dependencies(runtime), callback_limits=LIMITS)
        app = build_app(dependencies)
        await stack.enter_async_context(app.router.lifespan_context(app))
        api = await stack.enter_async_context(serving(_without_lifespan(app)))
        yield Rig(
            dependencies=dependencies,
            intake=_intake(dependencies),
            app=app,
            api=await stack.enter_async_context(_client(api)),
            simulator=await stack.enter_async_context(_client(at)),
            postbox=postbox,
            time=time,
        )


def _intake(dependencies: Dependencies) -> Intake:
    """Return an intake of its own, with the same limits."""
    services = build_services(
        dependencies.accounts,
        dependencies.tracker,
        dependencies.storage,
        dependencies.digester,
        metrics=dependencies.metrics,
        limits=dependencies.callback_limits,
    )
    return Intake(services)


def _settings(temporal: str, folder: Path, *, simulator: str, scale: float) -> Settings:
    return Settings(
        digest_key=(SecretStr("conformance of every provider"),),
        seal=SealSettings(folder=write_keys(folder / "keys")),
        temporal=TemporalSettings(address=temporal, namespace="default"),
        storage=StorageSettings(url=(folder / "storage").as_uri()),
        accounts=dict(_accounts(simulator)),
        time_scale=scale,
    )


def _accounts(simulator: str) -> Iterator[tuple[str, ConfiguredAccount]]:
    for name, kit in kits().items():
        yield account_of(name), configured(name, kit.settings(simulator))
        if kit.unproven_settings is not None:
            yield account_of(name, unproven=True), configured(name, kit.unproven_settings(simulator))


def _client(address: str) -> httpx.AsyncClient:
    # The server closes idle connections after a while: one that is used again at that moment breaks.
    no_reuse = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(verify=certificates(), base_url=address, trust_env=False, timeout=40, limits=no_reuse)


def _punctual(app: ASGIApp, catch_up: Callable[[], Awaitable[None]]) -> ASGIApp:
    """Bring the providers' clock up to date before every request, so that a provider never answers from the past."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await catch_up()
        await app(scope, receive, send)

    return served


def _without_lifespan(app: ASGIApp) -> ASGIApp:
    """Leave the beginning and the end of an application to whoever opened it."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await app(scope, receive, send)

    return served
