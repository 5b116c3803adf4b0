"""Telling one backend endpoint of one verdict, with days of retries of its own."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from workflows import options, steps


@workflow.defn(name=steps.NOTIFICATION_WORKFLOW)
class NotificationWorkflow:
    """Sends until it is delivered, the endpoint says that it is gone, or the days are over."""

    @workflow.run
    async def run(self, notify: steps.Notify) -> steps.Sent:
        """Send it."""
        try:
            sent: steps.Sent = await workflow.execute_activity(
                steps.SEND_NOTIFICATION,
                notify,
                task_queue=steps.NOTIFICATIONS_QUEUE,
                result_type=steps.Sent,
                start_to_close_timeout=options.SEND_TIMEOUT,
                schedule_to_close_timeout=options.SEND_WITHIN,
                retry_policy=options.SEND_RETRY,
                summary=f"Tell `{notify.endpoint}` of revision {notify.revision}",
            )
        except ActivityError:
            return steps.Sent(result="given_up", attempts=0)
        return sent
