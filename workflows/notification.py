"""Telling one backend endpoint of one verdict, with days of retries of its own."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from vigil.temporal import messages

    from workflows import options


@workflow.defn(name=messages.NOTIFICATION_WORKFLOW)
class NotificationWorkflow:
    """Sends until it is delivered, the endpoint says that it is gone, or the days are over."""

    @workflow.run
    async def run(self, notify: messages.Notification) -> messages.NotificationResult:
        """Send it."""
        try:
            sent: messages.NotificationResult = await workflow.execute_activity(
                messages.SEND_NOTIFICATION,
                notify,
                task_queue=messages.NOTIFICATIONS_QUEUE,
                result_type=messages.NotificationResult,
                start_to_close_timeout=options.SEND_TIMEOUT,
                schedule_to_close_timeout=options.SEND_WITHIN,
                retry_policy=options.SEND_RETRY,
                summary=f"Tell `{notify.endpoint}` of revision {notify.revision}",
            )
        except ActivityError:
            return messages.NotificationResult(result="given_up", attempts=0)
        return sent
