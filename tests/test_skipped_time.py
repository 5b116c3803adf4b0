import asyncio
from datetime import timedelta
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.skipped_time import run_skipping_server, skip


@workflow.defn
class Unending:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity("work", start_to_close_timeout=timedelta(days=1))


async def test_time_is_skipped_again_after_a_run_ended_before_its_activities() -> None:
    working, may_end = asyncio.Semaphore(0), asyncio.Event()

    @activity.defn
    async def work() -> None:
        working.release()
        await may_end.wait()

    async with (
        run_skipping_server() as environment,
        Worker(
            environment.client,
            task_queue="work",
            workflows=[Unending],
            activities=[work],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ),
        asyncio.timeout(60),
    ):
        before = await environment.get_current_time()
        for _ in range(2):
            handle = await environment.client.start_workflow("Unending", id=uuid4().hex, task_queue="work")
            await working.acquire()
            await handle.terminate()
        may_end.set()
        await skip(environment, timedelta(hours=1), stalls_after=timedelta(seconds=1))
        # Nothing more is taken back: the clock stands again.
        reached = await environment.get_current_time()
        await skip(environment, timedelta(hours=1), stalls_after=timedelta(seconds=30))

        assert timedelta(hours=1) <= reached - before < timedelta(hours=1, minutes=1)
        assert await environment.get_current_time() - reached < timedelta(hours=1, minutes=1)
