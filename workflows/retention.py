"""Retention: once a night, what has been kept long enough is erased."""

from collections import Counter

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from vigil.temporal import messages

    from workflows import options


@workflow.defn(name=messages.RETENTION_WORKFLOW)
class RetentionWorkflow:
    """Looks at every verification, page by page. A page may be repeated: what is erased is not due any more."""

    @workflow.run
    async def run(self, so_far: messages.RetentionPage) -> messages.RetentionPage:
        """Return how much of each kind was erased. A long run goes on in a new one."""
        erased, after = Counter(so_far.counts), so_far.after
        while True:
            page: messages.RetentionPage = await workflow.execute_activity(
                messages.ERASE_DUE,
                messages.RetentionPage(after=after),
                result_type=messages.RetentionPage,
                start_to_close_timeout=options.ERASE_TIMEOUT,
                heartbeat_timeout=options.ERASE_HEARTBEAT,
                retry_policy=options.ERASE_RETRY,
                priority=options.ROUTINE,
                summary="Erase what has been kept long enough",
            )
            erased.update(page.counts)
            after = page.after
            if after is None:
                return messages.RetentionPage(counts=dict(erased))
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(messages.RetentionPage(after=after, counts=dict(erased)))
