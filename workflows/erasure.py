"""Erasure: removes all data of one verification, in storage and in Temporal, and leaves its tombstone."""

from collections import Counter

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from vigil.domain.tombstone import Tombstone
    from vigil.temporal import messages

    from workflows import options


@workflow.defn(name=messages.ERASURE_WORKFLOW)
class ErasureWorkflow:
    """Each step may be repeated. The tombstone comes first: from then on nothing new is stored of the verification."""

    @workflow.run
    async def run(self, order: messages.EraseData) -> Tombstone:
        """Erase until a second look finds nothing. Returns the tombstone with the receipt."""
        await _step(messages.END_RUNS, order, "End its runs")
        await _step(messages.WRITE_TOMBSTONE, order, "Store the tombstone")
        forgotten = await _step(messages.FORGET_KEY, order, "Forget its data key")
        erased: Counter[str] = Counter()
        runs: set[str] = set()
        pause = options.LOOK_AGAIN_AFTER
        while True:
            for name, summary in ((messages.ERASE_OBJECTS, "Erase its objects"), (messages.DELETE_RUNS, "Delete runs")):
                done = await _step(name, order, summary)
                erased.update(done.counts)
                runs.update(done.runs)
            await workflow.sleep(pause, summary="Until a second look shows what came in between")
            left = await _step(messages.LIST_LEFT, order, "Look for what is left")
            if not any(left.counts.values()):
                break
            pause = min(2 * pause, options.LONGEST_LOOK)
        counts = erased | Counter(runs=len(runs))  # an activity of an older release counts runs itself
        finish = messages.FinishErasure(order=order, counts=counts, key_forgotten=any(forgotten.counts.values()))
        receipt: Tombstone = await workflow.execute_activity(
            messages.FINISH_ERASURE,
            finish,
            result_type=Tombstone,
            start_to_close_timeout=options.STORAGE_TIMEOUT,
            retry_policy=options.STORAGE_RETRY,
            summary="Store the receipt",
        )
        return receipt


async def _step(name: str, order: messages.EraseData, summary: str) -> messages.Erased:
    done: messages.Erased = await workflow.execute_activity(
        name,
        order,
        result_type=messages.Erased,
        start_to_close_timeout=options.ERASE_TIMEOUT,
        heartbeat_timeout=options.ERASE_HEARTBEAT,
        retry_policy=options.ERASE_RETRY,
        summary=summary,
    )
    return done
