"""The workflows that a verification starts and does not wait for: notifications and rechecks."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from vigil.domain.record import Record
from vigil.domain.terms import Name
from vigil.temporal import messages, visibility


async def start_notification(
    record: Record, endpoint: Name, *, path: str, kind: messages.NotificationType = "verification.revised"
) -> None:
    """Notify a backend endpoint of the newest verdict, or that the verification is complete with it."""
    notify = visibility.notification(record, endpoint, path=path, at=workflow.now(), kind=kind)
    # An operator may have terminated an earlier run whose notification of this revision still runs. The backend reads
    # the newest state when it arrives, so one notification is enough.
    with suppress(WorkflowAlreadyStartedError):
        await workflow.start_child_workflow(
            messages.NOTIFICATION_WORKFLOW,
            notify,
            id=messages.notification_id(notify.message_id, endpoint),
            task_queue=messages.NOTIFICATIONS_QUEUE,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            static_summary=f"Notify `{endpoint}` of {notify.subject}",
        )


async def start_rechecks(record: Record, due_at: Sequence[datetime], *, path: str) -> None:
    """Read the newest verdict again at the given times, since the provider may take it back."""
    revision = record.verdict.revision
    with suppress(WorkflowAlreadyStartedError):
        await workflow.start_child_workflow(
            messages.RECHECK_WORKFLOW,
            messages.RecheckSchedule(key=record.key, revision=revision, due_at=tuple(due_at)),
            id=f"recheck/{path}/{revision}",
            task_queue=messages.VERIFICATIONS_QUEUE,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            static_summary="Read the verdict again, since the provider may take it back",
        )
