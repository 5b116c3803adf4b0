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
from temporalio.service import RPCError, RPCStatusCode

from vigil.config.accounts import OpenAccount
from vigil.temporal import messages

LOOKS_BACK: Final = timedelta(days=1)
"""How far the first discovery of an account looks back; each later one continues where the last one ended."""
OVERLAP: Final = timedelta(minutes=5)
STARTS_EVERY: Final = timedelta(seconds=1)
_SHORTEST: Final = timedelta(seconds=1)
"""The shortest interval of a Temporal schedule."""


async def keep_discovering(client: Client, account: OpenAccount, *, time_scale: float) -> None:
    """Create, update or delete the schedule of an account's discovery, as the settings say. Idempotent."""
    name = f"discovery/{account.name}"
    if account.provider.finder is None or not account.discovery:
        await _delete(client, name)
        return
    schedule = _schedule(account, name, time_scale)
    try:
        await client.create_schedule(name, schedule)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(name).update(lambda known: _changed(known, schedule))


def _schedule(account: OpenAccount, name: str, time_scale: float) -> Schedule:
    order = messages.DiscoveryInput(
        account=account.name,
        grace=account.plan_for(None).registration_grace,
        looks_back=LOOKS_BACK,
        overlap=OVERLAP / time_scale,
        starts_every=STARTS_EVERY / time_scale,
    )
    return Schedule(
        action=ScheduleActionStartWorkflow(
            messages.DISCOVERY_WORKFLOW,
            order,
            id=name,
            task_queue=messages.VERIFICATIONS_QUEUE,
            static_summary=f"Find what `{account.name}` lists and nobody registered",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=max(_SHORTEST, account.discovers_every / time_scale))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )


def _changed(known: ScheduleUpdateInput, schedule: Schedule) -> ScheduleUpdate:
    """Return the new schedule, still paused if an operator has paused it."""
    schedule.state = known.description.schedule.state
    return ScheduleUpdate(schedule)


async def _delete(client: Client, name: str) -> None:
    try:
        await client.get_schedule_handle(name).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
