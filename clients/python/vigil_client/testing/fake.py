"""The fake: it answers as the API does, and a test says what providers decide and how time passes."""

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import anyio
import httpx

from vigil_client.claims import Document, Person
from vigil_client.client import AsyncClient, Client
from vigil_client.models import AttentionNote, OwedNotification, Revision
from vigil_client.notifications import COMPLETED, REVISED, Notification, Notified
from vigil_client.testing.asgi import serve
from vigil_client.testing.posting import AsgiApp, Endpoint, Posted, Scope, post, row_of
from vigil_client.testing.registering import AtProvider
from vigil_client.testing.routes import answer
from vigil_client.testing.verification import FakeAccount, FakeVerification, revision_of
from vigil_client.words import Decision, Outcome, Stage

CALLBACK_EXPECTED_WITHIN: Final = timedelta(minutes=15)
"""After it the real Vigil asks the provider by itself, so that a lost callback delays a verdict and loses nothing."""
ACCOUNTS: Final = {
    "id360": FakeAccount("id360"),
    "identomat": FakeAccount("identomat", hides_reference=True),
    "assure": FakeAccount("signicat"),
    "smile": FakeAccount("smile_id", coordinates=("job_type", "user_id")),
    "smile-v3": FakeAccount("smile_id"),
}
"""The accounts of `make dev`, by name."""
_LONG_POLL: Final = 10**9
"""Seconds: one request waits as long as the test does, since no time passes but that of the fake."""


@dataclass
class FakeVigil:
    """A Vigil in the process of the test.

    `clients` and `async_clients` speak to it. What waits for something lets the time of the fake pass, so that no test
    sleeps. Nothing is checked by a provider: the test decides.
    """

    accounts: Mapping[str, FakeAccount] = field(default_factory=lambda: dict(ACCOUNTS))
    url: str = "http://vigil.test"
    key: str = "vigil_a-key-for-tests"
    webhook_secret: str = "whsec_" + base64.b64encode(b"a secret for tests, not real").decode()
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    posted: list[Posted] = field(default_factory=list)
    """What was posted, with the status that the application answered."""
    at_provider: list[AtProvider] = field(default_factory=list)
    correlations: dict[tuple[str, str], str] = field(default_factory=dict)
    """The reference that each correlation of an account belongs to."""
    _verifications: dict[tuple[str, str], FakeVerification] = field(default_factory=dict)
    _due: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)
    _queue: list[Posted] = field(default_factory=list)
    _lost_callbacks: int = 0
    _fail_next: list[httpx.Response] = field(default_factory=list)

    # -------------------------------------------------------- clients

    def client(self) -> Client:
        """Return a client of this fake."""
        made = Client(self.url, self.key, webhook_secret=self.webhook_secret, transport=httpx.MockTransport(self._send))
        made.clock, made.sleep, made.long_poll = self._clock, self._sleep, _LONG_POLL
        return made

    def async_client(self) -> AsyncClient:
        """Return a client of this fake for asynchronous code."""
        made = AsyncClient(
            self.url, self.key, webhook_secret=self.webhook_secret, transport=httpx.MockTransport(self._send)
        )
        made.clock, made.sleep, made.long_poll = self._clock, self._sleep_async, _LONG_POLL
        return made

    async def __call__(
        self, scope: Scope, receive: Callable[[], Awaitable[Scope]], send: Callable[[Scope], Awaitable[None]]
    ) -> None:
        """Answer as an ASGI application, to serve the fake over real HTTP."""
        await serve(self._send, scope, receive, send)

    # -------------------------------------------------------- what a provider does

    def create(self, account: str, reference: str, **coordinates: str) -> None:
        """Let the provider have a verification, for a registration that gives its coordinates alone."""
        self.at_provider.append(AtProvider(account, reference, coordinates, self.now))

    def decide(
        self,
        account: str,
        reference: str,
        decision: Decision | str,
        *,
        reasons: Sequence[str] = (),
        after: timedelta = timedelta(),
    ) -> None:
        """Let the provider decide: `approved`, `declined` or `inconclusive`, at once or after some time.

        Raises `LookupError` if the verification is not registered, and `ValueError` for another decision.
        """
        build = partial(revision_of, outcome=Outcome.DECIDED, decision=Decision(decision), reasons=tuple(reasons))
        self._end(self._registered(account, reference), build, after)

    def end(self, account: str, reference: str, outcome: Outcome | str, *, after: timedelta = timedelta()) -> None:
        """Let it end without a decision, such as `expired` or `failed`."""
        self._end(self._registered(account, reference), partial(revision_of, outcome=Outcome(outcome)), after)

    def reopen(self, account: str, reference: str) -> None:
        """Let the provider take its verdict back, as Identomat and Smile ID may."""
        verification = self._registered(account, reference)
        self.publish_verdict(verification, revision_of(len(verification.revisions) + 1, self.now))

    def lose_callback(self) -> None:
        """Lose the callback of the next verdict: Vigil finds it by a poll, 15 minutes later."""
        self._lost_callbacks += 1

    def add_attention(self, account: str, reference: str, reason: str, actor: str = "operator") -> None:
        """Let Vigil ask for a person, such as for the reason `provider_unreachable`."""
        verification = self._registered(account, reference)
        verification.attention += (AttentionNote(reason=reason, actor=actor),)
        verification.sequence += 1

    def add_file(
        self, account: str, reference: str, name: str, content: bytes | None, *, kind: str = "portrait"
    ) -> None:
        """Add a stored file; with content None one that is expected, and holds `complete` back until it is added."""
        verification = self._registered(account, reference)
        verification.add_file(name, kind, content, self.now)
        self._complete(verification)

    def set_person(self, account: str, reference: str, person: Person, *documents: Document) -> None:
        """Let the provider's answer have this data, for `client.claims()`."""
        verification = self._registered(account, reference)
        verification.person, verification.documents = person, documents

    def set_result(self, account: str, reference: str, result: Mapping[str, Any]) -> None:
        """Let the provider's answer be this, for `client.result()`."""
        self._registered(account, reference).result = result

    # -------------------------------------------------------- time and trouble

    def move_time(self, by: timedelta) -> None:
        """Let time pass. What becomes due happens, in order."""
        end = self.now + by
        while self._due and self._due[0][0] <= end:
            self.now, happen = self._due.pop(0)
            happen()
        self.now = end

    def fail_next(self, status: int = 503, *, retry_after: int | None = None) -> None:
        """Answer the next request with a problem, to see how your code takes it."""
        headers = {"content-type": "application/problem+json"}
        headers |= {"retry-after": str(retry_after)} if retry_after is not None else {}
        body = f'{{"type": "urn:vigil:test", "title": "failed by the test", "status": {status}}}'
        self._fail_next.append(httpx.Response(status, content=body, headers=headers))

    # -------------------------------------------------------- notifications

    def add_endpoint(self, name: str, app: AsgiApp, path: str, *, notify_complete: bool = False) -> None:
        """Name an endpoint, as the settings of the real Vigil do: your ASGI application and the path of its route."""
        self.endpoints[name] = Endpoint(app, path, notify_complete)

    async def post_notifications(self) -> list[Posted]:
        """Post what is queued, and return it with the answers. What is answered neither 2xx nor 410 stays queued."""
        queued, self._queue = self._queue, []
        results = [await post(each, self.endpoints[each.endpoint], self.webhook_secret) for each in queued]
        for result, each in zip(results, queued, strict=True):
            if not result.is_settled:
                self._queue.append(each)
        self.posted += results
        return results

    def post_notifications_sync(self) -> list[Posted]:
        """Do the same in a test without an event loop."""
        return anyio.run(self.post_notifications)

    def repeat_notifications(self) -> None:
        """Queue everything again that was posted: Vigil promises at least one delivery, not only one."""
        self._queue += [Posted(each.endpoint, each.headers, each.body) for each in self.posted]

    # -------------------------------------------------------- what the routes need

    def find(self, account: str, reference: str) -> FakeVerification | None:
        """Return the verification by its reference or its digest."""
        rules = self.accounts[account].rules
        reference = rules.read_reference(reference) or reference
        named = (each for each in self.all() if each.account == account)
        return next((each for each in named if reference in {each.reference, each.shown_reference}), None)

    def add(self, verification: FakeVerification) -> None:
        """Add a registered verification."""
        self._verifications[verification.account, verification.reference] = verification

    def all(self) -> list[FakeVerification]:
        """Return all verifications, the newest first."""
        return list(self._verifications.values())[::-1]

    def wait(self, is_enough: Callable[[], bool], seconds: float) -> None:
        """Let time pass until it is enough, for so many seconds at most."""
        end = self.now + timedelta(seconds=seconds)
        while not is_enough() and self._due and self._due[0][0] <= end:
            self.move_time(self._due[0][0] - self.now)
        if not is_enough():
            self.move_time(end - self.now)

    def owed(self, verification: FakeVerification) -> tuple[OwedNotification, ...]:
        """Return how each notification of a verification stands."""
        prefix = f"{verification.account}/{verification.shown_reference}/"
        return tuple(
            row_of(each, self.now)
            for each in (*self.posted, *self._queue)
            if each.headers["webhook-id"].startswith(prefix) and (each.status is None or each.is_settled)
        )

    def resend(self, verification: FakeVerification) -> tuple[str, ...]:
        """Queue the newest verdict again, and return the endpoints."""
        if not verification.revisions:
            return ()
        self._notify(verification, REVISED)
        return tuple(verification.body.get("notify", ()))

    def publish_verdict(self, verification: FakeVerification, revision: Revision) -> None:
        """Publish a verdict and queue its notifications."""
        verification.revise(revision)
        self._notify(verification, REVISED)
        if revision.outcome:
            self._complete(verification)

    # -------------------------------------------------------- inside

    def _end(
        self, verification: FakeVerification, build: Callable[[int, datetime], Revision], after: timedelta
    ) -> None:
        is_lost, self._lost_callbacks = self._lost_callbacks > 0, max(0, self._lost_callbacks - 1)

        def happen() -> None:
            verification.note_callback(None if is_lost else self.now)
            self.publish_verdict(verification, build(len(verification.revisions) + 1, self.now))

        self._due.append((self.now + after + (CALLBACK_EXPECTED_WITHIN if is_lost else timedelta()), happen))
        self._due.sort(key=lambda each: each[0])
        self.move_time(timedelta())

    def _complete(self, verification: FakeVerification) -> None:
        if verification.stage == Stage.CONCLUDED and not verification.expects_files:
            verification.enter(Stage.COMPLETE, self.now)
            self._notify(verification, COMPLETED)

    def _registered(self, account: str, reference: str) -> FakeVerification:
        found = self.find(account, reference)
        if found is None:
            raise LookupError(f"register {account} {reference} first, through a client of this fake")
        return found

    def _notify(self, verification: FakeVerification, event: str) -> None:
        state = verification.state()
        notified = Notified(
            account=verification.account,
            reference=verification.shown_reference if verification.kind.hides_reference else verification.reference,
            applicant=state.applicant,
            revision=state.revision,
            sequence=state.sequence,
            stage=state.stage,
            decision=state.decision,
            outcome=state.outcome,
        )
        body = Notification(type=event, version=1, timestamp=self.now, data=notified).model_dump_json()
        suffix = "/complete" if event == COMPLETED else ""
        message_id = f"{verification.account}/{verification.shown_reference}/{state.revision}{suffix}"
        for endpoint in verification.body.get("notify", ()):
            if event == COMPLETED and not self.endpoints[endpoint].notify_complete:
                continue
            self._queue.append(Posted(endpoint, {"webhook-id": message_id}, body.encode()))

    def _send(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self._fail_next.pop(0) if self._fail_next else answer(request, self)

    def _clock(self) -> float:
        return self.now.timestamp()

    def _sleep(self, seconds: float) -> None:
        self.move_time(timedelta(seconds=seconds))

    async def _sleep_async(self, seconds: float) -> None:
        self._sleep(seconds)
