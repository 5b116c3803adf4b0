"""A verification in any interleaving of callbacks, answers, time, commands and restarts, against a small model.

Two state machines play the same rules: one on a server that skips time, one on a real server that continues each run
in a new one after a few events. Hypothesis chooses the rules one after the other, and shortens a course that fails.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar
from uuid import uuid4

from hypothesis import reject, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from tests.domain.samples import ended
from tests.fuzz.effort import tries
from tests.fuzz.model import Model
from tests.sealed import CONVERTER
from tests.skipped_time import run_skipping_server, skip
from tests.world import APPROVED_WITH_FILE, DECLINED, STARTED, World, final, own_account, quick, step
from vigil.demo.temporal_server import find_binary
from vigil.domain.callback_event import Observation, StatusSeen, Unreadable
from vigil.domain.errors import ProviderError, ProviderUnavailable, ReferenceUnknown
from vigil.domain.message import MessageKind, MessageOutcome, MessageResult
from vigil.domain.record import Record
from vigil.domain.snapshot import Snapshot
from vigil.domain.terms import Decision, Outcome, Proof, Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE, TrackingPlan
from vigil.errors import CommandRefused, NoWorkerInTime
from vigil.providers.contract import ProviderResponse
from vigil.providers.id360.senders import CONTRACT
from vigil.temporal import messages
from workflows.registry import WORKFLOWS

T = TypeVar("T")
STEPS: Final = 14
"""Rules of one course at most."""
PEOPLE_AFTER: Final = 4
"""A person decides after so many of them at the earliest, or most courses would end at once."""
NOT_IN_TIME: Final = frozenset({RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED})
ENDS_WITHIN: Final = 100
"""Seconds of this machine for one example."""
SUGGESTED_AFTER: Final = 30
"""Events of a history, after which a new run goes on."""
SAYS: Final[dict[str, ProviderResponse | ProviderError]] = {
    "STARTED": ProviderResponse(STARTED, raw=b"{}"),
    "REVIEW": ProviderResponse(Snapshot(stage=Stage.IN_REVIEW, word="REVIEW"), raw=b"{}"),
    "OK": ProviderResponse(APPROVED_WITH_FILE, raw=b"{}"),
    "KO": ProviderResponse(DECLINED, raw=b"{}"),
    "CANCELED": ProviderResponse(ended(Outcome.CANCELED), raw=b"{}"),
    "NEW": ProviderResponse(Snapshot(stage=Stage.UNRECOGNISED, word="NEW"), raw=b"{}"),
    "NOT_READY": ProviderResponse(snapshot=None, word="http_202"),
    "DOWN": ProviderUnavailable("http_503"),
    "NOT_FOUND": ReferenceUnknown("http_404"),
}
HEARD: Final[dict[str, Observation]] = {
    "step": step(1, "phone"),
    "OK": final("OK"),
    "KO": final("KO"),
    "CANCELED": final("CANCELED", ended=Outcome.CANCELED),
    "review": StatusSeen(word="manual_check", looks="open"),
    "new": StatusSeen(word="archived", looks="unrecognised"),
    "junk": Unreadable(why="not_json"),
}
PLANS: Final = st.sampled_from(
    [CONTRACT.tracking, CONTRACT.tracking.model_copy(update={"finals_may_change": True, "reopens": (HOUR, DAY)})]
)


@dataclass
class Course:
    """One course: plays its steps in a world, and tells the model of each."""

    world: World
    passes: Callable[[timedelta], Awaitable[None]]
    model: Model = field(default_factory=Model)
    heard: list[tuple[Observation, Proof, int]] = field(default_factory=list)
    _workers: AsyncExitStack = field(default_factory=AsyncExitStack)
    _is_served: bool = False
    _word: str = "STARTED"
    _delivered: set[int] = field(default_factory=set)

    async def end(self, last_word: str) -> Record | None:
        """Let the provider say its last word, and return the complete record; None: no verification began."""
        await self.say(last_word)
        self.model.at_provider.add(last_word)
        await self.serve()
        return await self._wait_for_end() if self.model.started else None

    async def close(self) -> None:
        """Stop the workers."""
        await self._workers.aclose()

    def may_have_read(self) -> None:
        """Tell the model that what the provider says now may be read."""
        if self.model.started:
            self.model.at_provider.add(self._word)

    async def serve(self) -> None:
        if not self._is_served:
            await self._workers.enter_async_context(self.world.workers())
            self._is_served = True

    async def away(self) -> None:
        await self._workers.aclose()
        self._is_served = False

    async def restart(self) -> None:
        await self.away()
        await self.serve()

    async def say(self, word: str) -> None:
        self._word = word
        self.world.reader.says = SAYS[self._word]

    async def hear(self, name: str, proof: Proof) -> None:
        number = len(self.heard) + 1
        self.heard.append((HEARD[name], proof, number))
        await self._deliver(*self.heard[-1])

    async def repeat(self) -> None:
        if self.heard:
            await self._deliver(*self.heard[-1])

    async def _deliver(self, seen: Observation, proof: Proof, number: int) -> None:
        model, is_known = self.model, number in self._delivered
        if await self.world.hear(seen, proof=proof, may_start=proof.may_start, number=number):
            self._delivered.add(number)
            model.started = True
            model.received += 1
            model.repeated += is_known
            model.announced_cancel |= proof.may_start and isinstance(seen, StatusSeen) and seen.ended is not None

    async def register(self) -> None:
        await self.world.register()
        self.model.started = self.model.registered = True

    async def discover(self) -> None:
        await self.world.tracker.start_discovered(self.world.key)
        self.model.started = True

    async def message(self, result: MessageResult) -> None:
        sent = MessageOutcome(kind=MessageKind.ONE_TIME_PASSWORD, result=result, at=await self.world.now())
        await self.world.tracker.report_message(self.world.key, sent, may_start=True)
        self.model.started = True

    async def pass_time(self, duration: timedelta) -> None:
        await self.passes(duration)

    async def find_published_faults(self) -> list[str]:
        """Return what everybody can see of the verification now and the model does not allow."""
        seen = await self.world.tracker.describe(self.world.key) if self.model.started else None
        summary = seen.summary if seen else None
        return self.model.find_published_faults(summary) if summary else []

    async def poll(self) -> None:
        await self._command("poll_now", messages.PollNow(author="ann"))

    async def extend(self, by: timedelta) -> None:
        deadline_at = await self.world.now() + by
        await self._command("extend_deadline", messages.ExtendDeadline(author="ann", deadline_at=deadline_at))

    async def withdraw(self) -> None:
        self.model.withdrawn |= await self._command("withdraw", messages.Withdraw(author="ann"))

    async def resolve(self, decision: Decision) -> None:
        if await self._command("resolve", messages.Resolve(author="ann", decision=decision)):
            self.model.decided_by_people.add(decision)

    async def _command(self, name: str, command: messages.AnyCommand) -> bool:
        """Send a command. Return whether it may have been carried out."""
        if not self._is_served or not self.model.started:
            return False
        try:
            await self.world.tracker.command(
                self.world.key, name, command, command_id=uuid4().hex, within=timedelta(seconds=10)
            )
        except CommandRefused:
            return False
        except NoWorkerInTime:  # on a busy machine
            return True
        return True

    async def _wait_for_end(self) -> Record:
        async with asyncio.timeout(ENDS_WITHIN):
            while (seen := await self.world.tracker.describe(self.world.key)) is None or seen.is_open:
                await self.passes(HOUR)
            return await self.world.result()

    async def check(self, last_word: str) -> bool:
        """End the course, compare the end with the model, and replay its history. Return whether it has many runs."""
        record = await self.end(last_word)
        if record is None:
            assert await self.world.tracker.describe(self.world.key) is None
            return False
        assert self.model.find_faults(record) == []
        replayer = Replayer(
            workflows=WORKFLOWS,
            workflow_runner=UnsandboxedWorkflowRunner(),
            data_converter=self.world.client.data_converter,
        )
        history = await self.world.tracker.handle(self.world.key).fetch_history()
        await replayer.replay_workflow(history)
        return bool(history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id)


class Machine(RuleBasedStateMachine):
    """The rules of a course. Each runs until its request is answered; the workers run while any rule does."""

    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.opened = AsyncExitStack()
        self.course: Course
        self.last_word = "OK"
        self.steps = 0
        self.is_given_up = False

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        """Run one step of the course."""
        self.steps += 1
        try:
            return self.ask(step)
        finally:
            self.course.may_have_read()

    def ask(self, step: Coroutine[Any, Any, T]) -> T:
        """Run it, or give the course up: on a busy machine no answer comes in time, and nobody knows what was done."""
        try:
            return self.runner.run(step)
        except RPCError as error:
            if error.status not in NOT_IN_TIME:
                raise
            self.is_given_up = True
            reject()

    async def open(self, plan: TrackingPlan) -> Course:
        """Return a new course on a server."""
        raise NotImplementedError

    @initialize(plan=PLANS, last_word=st.sampled_from(["OK", "KO"]))
    def begin(self, plan: TrackingPlan, last_word: str) -> None:
        self.last_word = last_word
        self.course = self.runner.run(self.open(plan))
        self.run(self.course.serve())

    @rule(word=st.sampled_from(sorted(SAYS)))
    def provider_says(self, word: str) -> None:
        self.run(self.course.say(word))

    @rule(name=st.sampled_from(sorted(HEARD)), proof=st.one_of(st.just(Proof.SECRET), st.sampled_from(Proof)))
    def callback_arrives(self, name: str, proof: Proof) -> None:
        self.run(self.course.hear(name, proof))

    @rule()
    def callback_is_repeated(self) -> None:
        self.run(self.course.repeat())

    @rule()
    def backend_registers(self) -> None:
        self.run(self.course.register())

    @rule()
    def discovery_finds_it(self) -> None:
        self.run(self.course.discover())

    @rule(result=st.sampled_from(MessageResult))
    def message_is_reported(self, result: MessageResult) -> None:
        self.run(self.course.message(result))

    @rule()
    def person_polls(self) -> None:
        self.run(self.course.poll())

    @rule()
    def person_extends_the_deadline(self) -> None:
        self.run(self.course.extend(20 * DAY))

    @precondition(lambda self: self.steps > PEOPLE_AFTER)
    @rule(decision=st.sampled_from(Decision))
    def person_decides(self, decision: Decision) -> None:
        self.run(self.course.resolve(decision))

    @precondition(lambda self: self.steps > PEOPLE_AFTER)
    @rule()
    def person_withdraws(self) -> None:
        self.run(self.course.withdraw())

    @rule(duration=st.sampled_from([MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR, 8 * HOUR]))
    def time_passes(self, duration: timedelta) -> None:
        self.run(self.course.pass_time(duration))

    @rule()
    def worker_restarts(self) -> None:
        self.run(self.course.restart())

    @rule()
    def worker_goes_away(self) -> None:
        self.run(self.course.away())

    @invariant()
    def what_is_published_is_allowed(self) -> None:
        if hasattr(self, "course"):
            assert self.ask(self.course.find_published_faults()) == []

    def teardown(self) -> None:
        try:
            if hasattr(self, "course") and not self.is_given_up:
                self.ended(is_continued=self.runner.run(self.course.check(self.last_word)))
        finally:
            if hasattr(self, "course"):
                self.runner.run(self.course.close())
            self.runner.run(self.opened.aclose())

    def ended(self, *, is_continued: bool) -> None:
        """Note how a course ended that was right."""


class TimeSkips(Machine):
    """On a server of its own that skips time."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.runner.close()

    async def open(self, plan: TrackingPlan) -> Course:
        folder = Path(self.opened.enter_context(tempfile.TemporaryDirectory()))
        # A clock that is skipped is skipped for all that is left of another course.
        environment = await self.opened.enter_async_context(run_skipping_server())
        world = World(
            environment.client,
            folder,
            plan=plan,
            account=own_account(),
            now=environment.get_current_time,
            # A worker that is gone would get the next task, and all wait for ten seconds.
            max_cached_workflows=0,
        )
        return Course(world, partial(_skip, environment))


class RunsContinue(Machine):
    """On a real server, the same for all, on which a run ends after a few events, and a new one goes on."""

    client: Client
    continued: ClassVar[list[bool]] = []

    async def open(self, plan: TrackingPlan) -> Course:
        folder = Path(self.opened.enter_context(tempfile.TemporaryDirectory()))
        return Course(World(self.client, folder, plan=quick(), account=own_account()), _passes_quickly)

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        """Run one step, and let callbacks arrive that only report progress, so that the history grows."""
        done = super().run(step)
        for _ in range(2):
            self.ask(self.course.hear("step", Proof.SECRET))
        return done

    def ended(self, *, is_continued: bool) -> None:
        self.continued.append(is_continued)


def test_a_course_whose_time_is_skipped_ends_as_the_model_allows() -> None:
    run_state_machine_as_test(TimeSkips, settings=settings(tries(8), stateful_step_count=STEPS))


def test_a_course_over_many_runs_ends_as_the_model_allows() -> None:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        RunsContinue.runner, RunsContinue.client = runner, runner.run(stack.enter_async_context(_continuing()))
        try:
            run_state_machine_as_test(RunsContinue, settings=settings(tries(5), stateful_step_count=STEPS))
        finally:
            runner.run(stack.aclose())

    assert any(RunsContinue.continued)


async def _skip(environment: WorkflowEnvironment, duration: timedelta) -> None:
    # No time is skipped while the server waits for a worker that went away in an activity.
    with suppress(RPCError):
        await skip(environment, duration)


async def _passes_quickly(duration: timedelta) -> None:
    await asyncio.sleep(min(duration.total_seconds() / 600, 0.3))


@asynccontextmanager
async def _continuing() -> AsyncIterator[Client]:
    attributes = [f"--search-attribute={name}={kind}" for name, kind in messages.SEARCH_ATTRIBUTES.items()]
    suggest = f"limit.historyCount.suggestContinueAsNew={SUGGESTED_AFTER}"
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(find_binary()),
        dev_server_extra_args=["--dynamic-config-value", suggest, *attributes],
        dev_server_startup_timeout=timedelta(minutes=1),
        data_converter=CONVERTER,
    ) as environment:
        yield environment.client
