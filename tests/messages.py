"""A provider that asks for messages, and all that sends them: real HTTP, real storage, a real Temporal."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import JsonValue
from starlette.responses import PlainTextResponse
from temporalio.client import WorkflowExecution
from temporalio.worker import Worker

from activities.message_admission import AccountRules, MessageAdmission
from activities.messages import MessageActivities
from api.callbacks.dependencies import build_services
from api.callbacks.endpoint import CallbackEndpoint
from api.callbacks.relay import Relay
from tests.api.fakes import Acme, account_of
from tests.world import World
from vigil.domain.log import EntryKind
from vigil.domain.message import SEND_WITHIN, Channel, MessageKind, MessageOutcome
from vigil.domain.record import Record
from vigil.messaging.contract import MessageSender
from vigil.messaging.gateway import Gateway, GatewaySender
from vigil.messaging.settings import MessageLimits
from vigil.observability import Metrics
from vigil.outbound_http import certificates
from vigil.providers.contract import DelegatedMessage
from vigil.providers.transport import open_http
from vigil.simulator.app import create_app
from vigil.simulator.serving import serving
from vigil.storage.inbox import Inbox
from vigil.temporal import messages
from workflows.message_delivery import MessageDeliveryWorkflow
from workflows.runner import WORKFLOW_RUNNER

TEXT = "4021 is your verification code"
NUMBER = "+12025550147"
DEFAULT_LIMITS = MessageLimits()
LINK = "https://widget.example.test/?session_token=q7h2m0zx4t9k"


class AskingMessenger:
    """Understands `{"ask": kind, "ref", "to", "text", "link", "subject"}`."""

    def read_message(self, body: bytes) -> DelegatedMessage | None:
        try:
            said = json.loads(body)
            kind = MessageKind(said["ask"])
        except (ValueError, KeyError, TypeError):
            return None
        return DelegatedMessage(
            kind=kind,
            reference=said["ref"],
            address=said.get("to"),
            text=said["text"],
            subject=said.get("subject"),
            link=said.get("link"),
        )


def asking(account: str = "acme") -> Acme:
    """Return the invented provider, which now asks for messages too."""
    provider = Acme(account)
    provider.message_reader = AskingMessenger()
    return provider


def asked(reference: str, kind: str = "one_time_password", **changes: Any) -> bytes:
    """Return the body of a callback that asks for a message."""
    return json.dumps({"ask": kind, "ref": reference, "to": NUMBER, "text": TEXT, **changes}).encode()


@dataclass
class Sms:
    """A simulated gateway, seen from outside."""

    url: str
    http: httpx.AsyncClient

    async def trouble(self, **trouble: Any) -> None:
        answer = await self.http.post(f"{self.url}/control/gateway", json=trouble)
        answer.raise_for_status()

    async def seen(self) -> Any:
        return (await self.http.get(f"{self.url}/control/gateway")).json()

    async def sent(self) -> list[Any]:
        return list((await self.seen())["sent"])

    async def requests(self) -> list[Any]:
        return list((await self.seen())["requests"])


@asynccontextmanager
async def simulated_sms() -> AsyncIterator[Sms]:
    """Serve the simulator for as long as a block lasts."""
    async with (
        serving(create_app(time_scale=1)) as url,
        httpx.AsyncClient(verify=certificates(), trust_env=False) as http,
    ):
        yield Sms(url, http)


def message_sender(url: str, http: httpx.AsyncClient, *, idempotent: bool = False) -> MessageSender:
    """Return the message_sender to a simulated gateway."""
    body: dict[str, JsonValue] = {"to": "{to}", "message": {"text": "{text}"}}
    gateway = Gateway(f"{url}/gateway/messages", body, is_idempotent=idempotent, allow_private=True)
    return GatewaySender(gateway, http)


def messages_worker(
    world: World, message_senders: Mapping[Channel, MessageSender], limits: MessageLimits = DEFAULT_LIMITS
) -> Worker:
    """Return the worker that sends this world's messages."""
    rules = {world.account: AccountRules(world.reader, {"widget.example.test"})}
    admission = MessageAdmission(rules, world.tracker.describe, world.storage, world.digester, limits)
    activities = MessageActivities(
        {world.account: AskingMessenger()}, message_senders, admission, world.storage, world.tracker.report_message
    )
    return Worker(
        world.client,
        task_queue=messages.MESSAGES_QUEUE,
        workflows=[MessageDeliveryWorkflow],
        workflow_runner=WORKFLOW_RUNNER,
        activities=[activities.send_message, activities.erase_message, activities.report_message],
    )


@dataclass
class Messages:
    """One account whose provider asks for messages: its API, its relay, its workers."""

    world: World
    send_before: timedelta = SEND_WITHIN
    message_senders: dict[Channel, MessageSender] = field(default_factory=dict)
    limits: MessageLimits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        self.inbox = Inbox(self.world.storage)
        self.metrics = Metrics()
        account = account_of(asking(self.world.account))
        account = replace(account, message_send_within=self.send_before)
        tracker, digester = self.world.tracker, self.world.digester
        accounts = {account.name: account}
        self.services = build_services(accounts, tracker, self.world.storage, digester, metrics=self.metrics)
        self.ahead = timedelta(0)
        self.relay = Relay(self.services, now=lambda: datetime.now(UTC) + self.ahead)
        self.face = CallbackEndpoint(PlainTextResponse("behind", 404), services=self.services, trusted_proxies=())

    async def call_back(self, body: bytes, *, secret: str = "right", proof: str = "secret") -> int:
        """Send a callback; returns once all that follows the answer is done too."""
        transport = httpx.ASGITransport(app=self.face)
        headers = {"x-secret": secret, "x-proof": proof}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answer = await client.post(f"/callbacks/{self.world.account}", content=body, headers=headers)
        return answer.status_code

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Run the worker that sends."""
        async with messages_worker(self.world, self.message_senders, self.limits):
            yield

    @asynccontextmanager
    async def through(self, sms: Sms, *, idempotent: bool = False, within: float = 10) -> AsyncIterator[None]:
        """Run every worker, with SMS going to a gateway that is given so many seconds for an answer."""
        async with open_http() as http:
            http.timeout = httpx.Timeout(within)
            self.message_senders[Channel.SMS] = message_sender(sms.url, http, idempotent=idempotent)
            async with self.world.workers(), self.sending():
                yield

    async def noted(self, times: int = 1) -> list[tuple[str, ...]]:
        """Wait until the verification's timeline notes so many messages; returns their words."""
        record = await self.world.until(lambda record: len(_notes(record)) >= times, within=40)
        return _notes(record)

    async def until_forgotten(self, within: float = 60) -> None:
        """Wait until no callback rests in storage any more."""
        async with asyncio.timeout(within):
            while await self.stored():
                await asyncio.sleep(0.05)

    async def runs(self) -> list[WorkflowExecution]:
        """Return the runs of the workflows that send this account's messages."""
        query = f'WorkflowId STARTS_WITH "message/{self.world.account}/"'
        return [each async for each in self.world.client.list_workflows(query)]

    async def told(self, run: WorkflowExecution) -> MessageOutcome:
        """Wait for the end of a run, and return what became of its message."""
        handle = self.world.client.get_workflow_handle(run.id, run_id=run.run_id, result_type=MessageOutcome)
        noted: MessageOutcome = await handle.result()
        return noted

    async def stored(self) -> list[str]:
        """Return the names of all callbacks that rest in storage."""
        return await self.world.storage.list("inbox")

    async def end(self) -> None:
        """Terminate what still waits for repetitions, so that it is no other test's."""
        for run in await self.runs():
            if run.close_time is None:
                await self.world.client.get_workflow_handle(run.id, run_id=run.run_id).terminate()


def _notes(record: Record) -> list[tuple[str, ...]]:
    return [entry.words for entry in record.log.entries if entry.kind is EntryKind.MESSAGE]
