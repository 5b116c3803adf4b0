"""A verification in any interleaving of callbacks, answers, time, commands and restarts, against a small model."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias
from uuid import uuid4

from hypothesis import given, note
from hypothesis import strategies as st
from temporalio.client import Client
from temporalio.service import RPCError
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

Step: TypeAlias = tuple[str, object]
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
STEPS: Final[st.SearchStrategy[Step]] = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(sorted(SAYS))),
    st.tuples(st.just("hear"), st.tuples(st.sampled_from(sorted(HEARD)), st.sampled_from(Proof))),
    st.tuples(st.just("hear"), st.tuples(st.sampled_from(sorted(HEARD)), st.just(Proof.SECRET))),
    st.tuples(st.just("repeat"), st.none()),
    st.tuples(st.just("register"), st.none()),
    st.tuples(st.just("discover"), st.none()),
    st.tuples(st.just("message"), st.sampled_from(MessageResult)),
    st.tuples(st.just("poll"), st.none()),
    st.tuples(st.just("extend"), st.just(20 * DAY)),
    st.tuples(st.just("pass"), st.sampled_from([MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR, 8 * HOUR])),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("away"), st.none()),
)
RARE: Final[st.SearchStrategy[Step]] = st.one_of(
    st.tuples(st.just("resolve"), st.sampled_from(Decision)), st.tuples(st.just("withdraw"), st.none())
)
COURSES: Final = st.lists(st.one_of(*[STEPS] * 9, RARE), min_size=2, max_size=14)
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

    async def play(self, steps: Sequence[Step], last_word: str) -> Record | None:
        """Play all steps, let the provider say its last word, and return the complete record; None: none began."""
        try:
            await self._serve()
            for name, argument in steps:
                note(f"{name} {argument}")
                await getattr(self, f"_{name}")(argument)
                if self.model.started:
                    self._may_read()
            await self._say(last_word)
            self._may_read()
            await self._serve()
            return await self._end() if self.model.started else None
        finally:
            await self._workers.aclose()

    async def _serve(self) -> None:
        if not self._is_served:
            await self._workers.enter_async_context(self.world.workers())
            self._is_served = True

    async def _away(self, _: object) -> None:
        await self._workers.aclose()
        self._is_served = False

    async def _restart(self, _: object) -> None:
        await self._away(None)
        await self._serve()

    async def _say(self, word: object) -> None:
        self._word = str(word)
        self.world.reader.says = SAYS[self._word]

    def _may_read(self) -> None:
        self.model.at_provider.add(self._word)

    async def _hear(self, what: object) -> None:
        assert isinstance(what, tuple)
        name, proof = what
        number = len(self.heard) + 1
        self.heard.append((HEARD[name], proof, number))
        await self._deliver(*self.heard[-1])

    async def _repeat(self, _: object) -> None:
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

    async def _register(self, _: object) -> None:
        await self.world.register()
        self.model.started = self.model.registered = True

    async def _discover(self, _: object) -> None:
        await self.world.tracker.start_discovered(self.world.key)
        self.model.started = True

    async def _message(self, result: object) -> None:
        assert isinstance(result, MessageResult)
        sent = MessageOutcome(kind=MessageKind.ONE_TIME_PASSWORD, result=result, at=await self.world.now())
        await self.world.tracker.report_message(self.world.key, sent, may_start=True)
        self.model.started = True

    async def _pass(self, duration: object) -> None:
        assert isinstance(duration, timedelta)
        await self.passes(duration)

    async def _poll(self, _: object) -> None:
        await self._command("poll_now", messages.PollNow(author="ann"))

    async def _extend(self, by: object) -> None:
        assert isinstance(by, timedelta)
        deadline_at = await self.world.now() + by
        await self._command("extend_deadline", messages.ExtendDeadline(author="ann", deadline_at=deadline_at))

    async def _withdraw(self, _: object) -> None:
        self.model.withdrawn |= await self._command("withdraw", messages.Withdraw(author="ann"))

    async def _resolve(self, decision: object) -> None:
        assert isinstance(decision, Decision)
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

    async def _end(self) -> Record:
        async with asyncio.timeout(ENDS_WITHIN):
            while (seen := await self.world.tracker.describe(self.world.key)) is None or seen.is_open:
                await self.passes(HOUR)
            return await self.world.result()


async def check(course: Course, steps: Sequence[Step], last_word: str) -> bool:
    """Play a course, compare its end with the model, and replay its history. Return whether it went over two runs."""
    record = await course.play(steps, last_word)
    if record is None:
        assert await course.world.tracker.describe(course.world.key) is None
        return False
    assert course.model.find_faults(record) == []
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=course.world.client.data_converter,
    )
    history = await course.world.tracker.handle(course.world.key).fetch_history()
    await replayer.replay_workflow(history)
    return bool(history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id)


@given(steps=COURSES, last_word=st.sampled_from(["OK", "KO"]), plan=PLANS)
@tries(8)
def test_a_course_whose_time_is_skipped_ends_as_the_model_allows(
    steps: Sequence[Step], last_word: str, plan: TrackingPlan
) -> None:
    async def play() -> None:
        with tempfile.TemporaryDirectory() as folder:
            # A clock that is skipped is skipped for all that is left of another course.
            async with run_skipping_server() as environment:
                world = World(
                    environment.client,
                    Path(folder),
                    plan=plan,
                    account=own_account(),
                    now=environment.get_current_time,
                    # A worker that is gone would get the next task, and all wait for ten seconds.
                    max_cached_workflows=0,
                )
                await check(Course(world, partial(_skip, environment)), steps, last_word)

    asyncio.run(play())


def test_a_course_over_many_runs_ends_as_the_model_allows() -> None:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        client = runner.run(stack.enter_async_context(_continuing()))

        @given(steps=COURSES, last_word=st.sampled_from(["OK", "KO"]))
        @tries(5)
        def play(steps: Sequence[Step], last_word: str) -> None:
            with tempfile.TemporaryDirectory() as folder:
                world = World(client, Path(folder), plan=quick(), account=own_account())
                many = [each for one in steps for each in (one, ("hear", ("step", Proof.SECRET)))]
                continued.append(runner.run(check(Course(world, _passes_quickly), many, last_word)))

        continued: list[bool] = []
        try:
            play()
        finally:
            runner.run(stack.aclose())
    assert any(continued)


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
        data_converter=CONVERTER,
    ) as environment:
        yield environment.client
