"""What Temporal's history holds of a run that was ended before it stored its record."""

from collections.abc import Sequence
from datetime import UTC
from typing import Final

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.service import RPCError, RPCStatusCode

from vigil.temporal.inspection import read_summary
from vigil.temporal.messages import COMMANDS, MOST_UNREAD, InterruptedRun, TrackVerification, UnreadSignal

_KEPT: Final = frozenset({"register", "message_reported", *COMMANDS})
"""Callbacks are not among them. They only ring, and the next run reads the provider."""


async def read_interrupted(client: Client, workflow_id: str, run: str) -> InterruptedRun:
    """Return what a run, and those before it that stored nothing either, were sent. Raises `RPCError`."""
    revision, sequence, signals = 0, 0, list[UnreadSignal]()
    following: str | None = run
    while following is not None:
        handle = client.get_workflow_handle(workflow_id, run_id=following)
        following, found = None, list[UnreadSignal]()
        try:
            summary, _ = await read_summary(await handle.describe())
            async for event in handle.fetch_history_events():
                if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
                    payloads = event.workflow_execution_started_event_attributes.input.payloads
                    following, given = await _read_input(client, payloads)
                    found += given
                found += await _signals_of(client, event)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            break  # its retention is over
        revision = max(revision, summary.revision if summary else 0)
        sequence = max(sequence, summary.sequence if summary else 0)
        signals = [*found, *signals]
    return InterruptedRun(revision=revision, sequence=sequence, signals=tuple(signals[:MOST_UNREAD]))


async def _read_input(client: Client, payloads: Sequence[Payload]) -> tuple[str | None, Sequence[UnreadSignal]]:
    """Return which run it followed, and the signals that it was handed. The plain input of a backend has neither."""
    try:
        [order] = await client.data_converter.decode(payloads, [TrackVerification])
    except (ValueError, RuntimeError):
        return None, ()
    return order.follows, [signal for signal in order.unread if signal.name in _KEPT]


async def _signals_of(client: Client, event: HistoryEvent) -> Sequence[UnreadSignal]:
    signal = event.workflow_execution_signaled_event_attributes
    command = event.workflow_execution_update_accepted_event_attributes.accepted_request.input
    name, payloads = (command.name, command.args) if command.name else (signal.signal_name, signal.input)
    if name not in _KEPT or not payloads.payloads:
        return ()
    at = event.event_time.ToDatetime(tzinfo=UTC)
    [raw] = await client.data_converter.decode(payloads.payloads[:1], [RawValue])
    return (UnreadSignal.of(name, raw.payload, at),)
