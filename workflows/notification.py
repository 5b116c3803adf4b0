"""Notification: reports one verdict to one backend endpoint, with days of retries."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from vigil.temporal import messages

    from workflows import options


@workflow.defn(name=messages.NOTIFICATION_WORKFLOW)
class NotificationWorkflow:
    """Sends until the endpoint accepts it, answers 410, or the days are over."""

    @workflow.run
    async def run(self, notify: messages.Notification) -> messages.NotificationResult:
        """Send the notification."""
        try:
            sent: messages.NotificationResult = await workflow.execute_activity(
                messages.SEND_NOTIFICATION,
                notify,
                task_queue=messages.NOTIFICATIONS_QUEUE,
                result_type=messages.NotificationResult,
                start_to_close_timeout=options.SEND_TIMEOUT,
                schedule_to_close_timeout=options.SEND_WITHIN,
                retry_policy=options.SEND_RETRY,
                summary=f"Notify `{notify.endpoint}` of {notify.subject}",
            )
        except ActivityError:
            return messages.NotificationResult(result="given_up", attempts=0)
        return sent
