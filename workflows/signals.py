"""Read signals that a process of another release may have sent. What cannot be read is kept, never dropped."""

import base64
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from vigil.temporal.messages import (
        COMMANDS,
        LONGEST_UNREAD,
        MOST_UNREAD,
        SIGNALS,
        Command,
        Signal,
        UnreadSignal,
    )

NO_PAYLOAD: Final = RawValue(Payload())
"""What a signal carries that somebody sent with nothing in it: it must not make a workflow task fail."""

READ_AGAIN_AFTER: Final = timedelta(minutes=10)
"""When a run first begins anew to read what it could not read: a later release may have been rolled out meanwhile.

Each further time comes when the signal has waited twice as long.
"""
WAITS_FOR_READER: Final = timedelta(days=7)
"""How long a verification that is otherwise complete stays open for a release that can read its signals."""


MOST_AT_ONCE: Final = 50
"""Signals that are read when they come, and as many with each workflow task. The SDK gives a task two seconds."""
NEXT_TASK: Final = timedelta(milliseconds=1)

Arrival: TypeAlias = Signal | Command | UnreadSignal


class Signals:
    """Reads the signals of one run, some with each workflow task, and keeps those that this release cannot read."""

    def __init__(self) -> None:
        self.count = 0
        self._begun_at = workflow.now()
        self.unread: tuple[UnreadSignal, ...] = ()
        self._waiting: deque[UnreadSignal] = deque()
        self._read_at_once = 0

    def receive(self, name: str, raw: RawValue) -> Sequence[Arrival]:
        """Return what a signal carries, or nothing: too many came at once, and `take_part` returns it later."""
        signal = as_unread(name, raw.payload)
        if self._waiting or (self._read_at_once >= MOST_AT_ONCE and workflow.patched("signals-in-parts")):
            self._waiting.append(signal)
            return ()
        self._read_at_once += 1
        return (self.read_again(signal),)

    def take_part(self) -> Sequence[Arrival]:
        """Return what the next of the waiting signals carry. Call it once in a workflow task while any are waiting."""
        part = [self.read_again(self._waiting.popleft()) for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
        self._read_at_once = len(part)
        return part

    @property
    def are_waiting(self) -> bool:
        """Whether signals wait for the next workflow task."""
        return bool(self._waiting)

    def read(self, name: str, raw: RawValue) -> Arrival:
        """Return what the signal `name` carries, or the signal as it came if this release cannot read it."""
        return self.read_again(as_unread(name, raw.payload))

    def read_again(self, unread: UnreadSignal) -> Arrival:
        """Return what a signal carries that an earlier run could not read, or the signal again.

        The first worker that reads it decides whether it can be read, and a marker in the history holds what it
        decided. A worker of a later release that replays the history may well be able to read the signal. It must not:
        it would issue other commands than the history has, and the workflow would be blocked.
        """
        self.count += 1
        mark = f"unread-signal-{self.count}"
        try:
            value = _decode(unread)
        except (ValueError, KeyError, RuntimeError, TypeError):
            if workflow.patched(mark):
                return unread
            raise  # a worker of a later release has read it before; this worker must wait for that release
        if workflow.unsafe.is_replaying() and workflow.patched(mark):
            return unread
        return value

    def keep(self, signal: UnreadSignal) -> None:
        """Keep a signal for the next run. More than `MOST_UNREAD`, or a longer one, is logged and not kept."""
        if len(self.unread) < MOST_UNREAD and len(signal.payload) <= LONGEST_UNREAD:
            self.unread = (*self.unread, signal)
        else:
            workflow.logger.error("a signal that cannot be read was not kept", extra={"signal": signal.name})

    @property
    def read_again_at(self) -> datetime | None:
        """When the run must begin anew to read what it keeps; None if it keeps nothing, or the time has come."""
        if not self.unread:
            return None
        received_at = min(signal.received_at for signal in self.unread)
        at = max(self._begun_at, received_at) + max(READ_AGAIN_AFTER, self._begun_at - received_at)
        return at if workflow.now() < at else None

    @property
    def should_be_read_again(self) -> bool:
        """Whether the run must begin anew now to read what it keeps."""
        return bool(self.unread) and self.read_again_at is None

    @property
    def are_awaited(self) -> bool:
        """Whether the verification must stay open for a signal that it could not read yet."""
        return any(workflow.now() < signal.received_at + WAITS_FOR_READER for signal in self.unread)


def as_unread(name: str, payload: Payload) -> UnreadSignal:
    """Return a signal as it came, for a later run to read."""
    return UnreadSignal.of(name, payload, workflow.now())


def encode_signal(name: str, value: Signal) -> UnreadSignal:
    """Return a signal that nobody has sent, for the next run to read."""
    return as_unread(name, workflow.payload_converter().to_payload(value))


def _decode(unread: UnreadSignal) -> Signal | Command:
    payload = Payload.FromString(base64.b64decode(unread.payload))
    model: type[Signal | Command] = {**SIGNALS, **COMMANDS}[unread.name]
    value: object = workflow.payload_converter().from_payload(payload, model)
    if not isinstance(value, model):  # an empty payload is None for every model
        raise TypeError
    return value
