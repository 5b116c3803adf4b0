"""The schedules of an installation: what Temporal starts by itself."""

from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from vigil.temporal import messages

RETENTION: Final = "retention"
"""The id of the schedule, and the beginning of the ids of its runs."""
NIGHTLY: Final = ScheduleIntervalSpec(every=timedelta(days=1), offset=timedelta(hours=2))


async def keep_retaining(client: Client) -> None:
    """Create the schedule of retention, or bring it up to date. One that an operator has paused stays paused."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            messages.RETENTION_WORKFLOW,
            messages.RetentionPage(),
            id=RETENTION,
            task_queue=messages.VERIFICATIONS_QUEUE,
            static_summary="Erase what has been kept long enough",
        ),
        spec=ScheduleSpec(intervals=[NIGHTLY], jitter=timedelta(minutes=30)),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )

    def changed(known: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule.state = known.description.schedule.state
        return ScheduleUpdate(schedule)

    try:
        await client.create_schedule(RETENTION, schedule)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(RETENTION).update(changed)


async def retain_now(client: Client) -> None:
    """Start a run of retention, unless one is under way. Raises `RPCError`, also if no worker has made the schedule."""
    await client.get_schedule_handle(RETENTION).trigger()
