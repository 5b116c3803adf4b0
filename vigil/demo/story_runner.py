"""Play stories: create a verification at the simulator, register it at our API as a backend does, and await the end."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx

from vigil.config.settings import Settings
from vigil.demo.simulator_accounts import authorization, build_scenario, find_account, read_key
from vigil.demo.stack import Stack
from vigil.domain.log import EntryKind
from vigil.domain.sender_contract import AnswerMeaning
from vigil.domain.terms import ArtifactState, Stage
from vigil.domain.verification_key import VerificationKey
from vigil.simulator.story import Registers, Story
from vigil.temporal.client import VerificationClient

REOPENED: Final = "reopened"
CONCURRENCY: Final = 12
"""Stories that are played at the same time; with more, each would take longer.

A sender waits only one real second for our answer, and a machine with too many stories does not answer that fast.
"""
_START_GAP: Final = timedelta(seconds=0.2)
"""Between the starts of the first stories, so that they do not all send their callbacks at once."""
_END_WITHIN: Final = timedelta(minutes=2)
_LONG_POLL: Final = timedelta(seconds=5)
"""A change ends it sooner. Each wait that ends without one costs the API and Temporal three requests."""
_RELAY_WITHIN: Final = timedelta(seconds=10)
"""An accepted callback may reach its verification this much later. A repeated one may not reach it at all."""
_RETRY_AFTER: Final = timedelta(seconds=0.2)


class StoryFailed(Exception):
    """A story could not be played to its end; the text says what failed."""


@dataclass
class StoryRun:
    """One story, and what has been observed of it until now.

    `scenario` and `registration` are complete: they include what the account says of all its verifications. `view` is
    the last answer of our API; what is not part of it was counted at the simulator or in Temporal.
    """

    story: Story
    provider: str
    scenario: Mapping[str, Any] = field(default_factory=dict, repr=False)
    registration: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""
    view: Mapping[str, Any] = field(default_factory=dict)
    planned: int = 0
    """Callbacks that the provider wants to send."""
    reads: int = 0
    events: int = 0
    messages: Sequence[str] = ()
    messages_sent: int | None = None
    took: timedelta = timedelta(0)
    is_over: bool = False
    failure: str | None = None

    @classmethod
    def prepare(cls, story: Story, settings: Settings) -> "StoryRun":
        """Return a run that has not begun, for an installation with these settings."""
        account = find_account(settings, story.account)
        return cls(
            story,
            provider=account.provider,
            scenario=build_scenario(settings, story.account, story.scenario),
            registration={**account.registration, **story.registration},
        )

    @property
    def state(self) -> Mapping[str, Any]:
        """The state in the last answer of our API; empty before the first."""
        return self.view.get("state") or {}

    @property
    def record(self) -> Mapping[str, Any]:
        """The record in the last answer of our API; empty before the first."""
        return self.view.get("record") or {}

    @property
    def observed(self) -> Mapping[str, Any]:
        """The facts that the story names in `expected`, or the failure."""
        if self.failure is not None:
            return {"failure": self.failure}
        facts = self._facts()
        return {name: facts.get(name) for name in self.story.expected}

    @property
    def is_ok(self) -> bool:
        """Whether the story is over and every fact is as expected."""
        return self.is_over and self.observed == self.story.expected

    @property
    def received(self) -> int:
        """How many callbacks have reached the verification."""
        return int(self.record.get("received", 0))

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do for the verification, and its record is stored."""
        return self.state.get("stage") == Stage.COMPLETE and not self.view["is_open"] and bool(self.record)

    def to_json(self) -> Mapping[str, Any]:
        """Return the run as `vigil demo --json` prints it."""
        return {
            "account": self.story.account,
            "provider": self.provider,
            "sender": self.story.sender,
            "story": self.story.title,
            "expected": dict(self.story.expected),
            "observed": dict(self.observed),
            "ok": self.is_ok,
            "callbacks_planned": self.planned,
            "callbacks_received": self.received,
            "reads": self.reads,
            "events": self.events,
            "seconds": round(self.took.total_seconds(), 1),
        }

    def _facts(self) -> Mapping[str, Any]:
        """Return every fact that a story may name in `expected`."""
        state, record = self.state, self.record
        evidence = record.get("evidence", [])
        states = [row["state"] for row in evidence]
        return {
            **{name: state.get(name) for name in ("stage", "outcome", "decision", "registered")},
            "received": record.get("received"),
            **{name: record.get(name) for name in ("session_kind", "missed", "duplicates", "late")},
            "revisions": state.get("revision"),
            "verdicts": [each["decision"] or each["outcome"] or REOPENED for each in record.get("revisions", [])],
            "attention": [each["reason"] for each in state.get("attention", [])],
            "evidence_stored": states.count(ArtifactState.STORED),
            "evidence_lost": states.count(ArtifactState.LOST),
            "losses": sorted({row["loss"] for row in evidence if row.get("loss")}),
            "messages": list(self.messages),
            "sent": self.messages_sent,
        }


@asynccontextmanager
async def open_story_runner(stack: Stack, tracker: VerificationClient) -> AsyncIterator["StoryRunner"]:
    """Provide a runner of stories at a running stack."""
    # Every story waits for changes at once, so there is no limit to connections. Servers close an idle connection
    # after five seconds, so we close ours earlier.
    limits = httpx.Limits(max_connections=None, keepalive_expiry=1)
    async with httpx.AsyncClient(trust_env=False, timeout=30, limits=limits) as http:
        http.headers.update(authorization(read_key(stack.config)))
        yield StoryRunner(http, tracker, api=stack.api, simulator=stack.simulator)


class StoryRunner:
    """Plays stories over HTTP."""

    def __init__(self, http: httpx.AsyncClient, tracker: VerificationClient, *, api: str, simulator: str) -> None:
        """Take the clients and the base URLs of our API and of the simulator."""
        self._http = http
        self._tracker = tracker
        self._api = f"{api}/verifications"
        self._control = f"{simulator}/control"

    async def run_all(self, runs: Iterable[StoryRun]) -> None:
        """Play all stories to their ends, some at a time and the longest first."""
        waiting = iter(sorted(runs, key=lambda run: run.story.lasts, reverse=True))

        async def take_turns(*, after: timedelta) -> None:
            await asyncio.sleep(after.total_seconds())
            for run in waiting:
                await self.run(run)

        await asyncio.gather(*(take_turns(after=_START_GAP * n) for n in range(CONCURRENCY)))

    async def run(self, run: StoryRun) -> None:
        """Play one story to its end and keep `run` up to date; a failure is noted there too."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(_END_WITHIN.total_seconds()):
                await self._play(run)
        except TimeoutError:
            run.failure = f"did not end within {_END_WITHIN.seconds} s"
        except (StoryFailed, httpx.HTTPError) as error:
            run.failure = str(error) or type(error).__name__
        run.took = timedelta(seconds=time.monotonic() - began)
        run.is_over = True

    async def _play(self, run: StoryRun) -> None:
        story, verifications = run.story, f"{self._control}/{run.provider}/verifications"
        simulated = await self._request("POST", verifications, json=run.scenario)
        run.reference = simulated["reference"]
        await self._register(run, simulated["coordinates"])
        await self._follow(run)
        if story.afterwards is not None:
            await self._request("POST", f"{verifications}/{run.reference}/events", json=story.afterwards)
            await self._follow(run)
        run.messages = await self._read_messages(run)
        run.events = await self._count_events(run)
        if story.messages_to is not None:
            run.messages_sent = await self._count_messages_to(story.messages_to)

    async def _register(self, run: StoryRun, coordinates: Mapping[str, str]) -> None:
        story = run.story
        if story.registers in {Registers.AFTER_A_CALLBACK, Registers.NEVER}:
            await self._wait_until_known(run)
        if story.registers is Registers.NEVER:
            return
        body = {**run.registration, "account": story.account, "coordinates": coordinates}
        if story.registers is not Registers.BY_COORDINATES:
            body["reference"] = run.reference
        while True:
            answer = await self._http.post(self._api, json=body)
            if answer.status_code != httpx.codes.CONFLICT:
                break
            await asyncio.sleep(_RETRY_AFTER.total_seconds())  # the provider has nothing yet with these coordinates
        if _decode(answer)["reference"] != run.reference:
            raise StoryFailed("another verification was registered than the simulator created")

    async def _wait_until_known(self, run: StoryRun) -> None:
        while True:
            if await self._read_view(run):
                return
            await asyncio.sleep(_RETRY_AFTER.total_seconds())

    async def _follow(self, run: StoryRun) -> None:
        """Return when the provider has no callback left to send and the verification is complete."""
        wait_until = None
        while True:
            simulated = await self._read_simulated(run)
            await self._read_view(run, wait=_LONG_POLL)
            if simulated["finished"] and run.is_complete:
                wait_until = wait_until or time.monotonic() + _RELAY_WITHIN.total_seconds()
                if run.received >= _count_accepted(simulated) or time.monotonic() > wait_until:
                    break
            await asyncio.sleep(_RETRY_AFTER.total_seconds())
        # Once more: state and record are two reads of the API, and a last callback may have come between them.
        await self._read_view(run)
        await self._read_simulated(run)

    async def _read_view(self, run: StoryRun, *, wait: timedelta = timedelta(0)) -> Mapping[str, Any]:
        after = {"wait": wait.seconds, "after_sequence": run.state.get("sequence", 0)} if not run.is_complete else {}
        answer = await self._http.get(f"{self._api}/{run.story.account}/{run.reference}", params=after)
        if answer.status_code != httpx.codes.NOT_FOUND:
            run.view = _decode(answer)
        return run.view

    async def _read_simulated(self, run: StoryRun) -> Mapping[str, Any]:
        simulated = await self._request("GET", f"{self._control}/{run.provider}/verifications/{run.reference}")
        run.planned, run.reads = len(simulated["deliveries"]), simulated["reads"]
        return simulated

    async def _read_messages(self, run: StoryRun) -> Sequence[str]:
        """Return, for each message that the provider asked us to send, its kind and its fate."""
        timeline = await self._request("GET", f"{self._api}/{run.story.account}/{run.reference}/timeline")
        return [" ".join(entry["details"]) for entry in timeline["entries"] if entry["kind"] == EntryKind.MESSAGE]

    async def _count_messages_to(self, address: str) -> int:
        """Count the messages that the simulated gateway and mail server have taken for an address."""
        gateway = await self._request("GET", f"{self._control}/gateway")
        mail = await self._request("GET", f"{self._control}/mail")
        recipients = [body["to"] for body in gateway["sent"]]
        recipients += [to for message in mail["received"] for to in message["to"]]
        return recipients.count(address)

    async def _count_events(self, run: StoryRun) -> int:
        """Count the events of all runs of the workflow: a callback after the completion starts another run."""
        key = VerificationKey(account=run.story.account, reference=run.reference)
        query = f"WorkflowId = '{self._tracker.handle(key).id}'"
        while True:
            executions = [each async for each in self._tracker.client.list_workflows(query)]
            # Temporal lists a change some time after it happened.
            if executions and all(each.close_time for each in executions):
                return sum(each.history_length or 0 for each in executions)
            await asyncio.sleep(_RETRY_AFTER.total_seconds())

    async def _request(self, method: str, url: str, **more: Any) -> Mapping[str, Any]:
        return _decode(await self._http.request(method, url, **more))


def _count_accepted(simulated: Mapping[str, Any]) -> int:
    attempts = [attempt for callback in simulated["deliveries"] for attempt in callback["attempts"]]
    return sum(attempt["meaning"] == AnswerMeaning.ACCEPTED for attempt in attempts)


def _decode(answer: httpx.Response) -> Mapping[str, Any]:
    if not answer.is_success:
        raise StoryFailed(f"{answer.request.method} {answer.request.url.path} was answered {answer.status_code}")
    content: Mapping[str, Any] = answer.json()
    return content
