"""The worker's metrics of what verifications come to. A replay counts nothing again."""

from temporalio import workflow
from vigil.domain.summary import Summary


def count_changes(fresh: Summary, last: Summary | None, *, missed: int) -> None:
    """Count the verdicts, missed callbacks and reasons for attention that a publication adds to the one before."""
    meter = workflow.metric_meter()
    labels = {"account": fresh.account}
    if fresh.revision > (last.revision if last else 0):
        verdict = {
            "outcome": str(fresh.outcome) if fresh.outcome else "reopened",
            "decision": str(fresh.decision) if fresh.decision else "none",
            "basis": str(fresh.basis) if fresh.basis else "none",
        }
        meter.create_counter("vigil_verdicts_total", "Verdicts, withdrawn ones too").add(1, labels | verdict)
    if missed > 0:
        meter.create_counter("vigil_missed_callbacks_total", "Callbacks that did not come").add(missed, labels)
    for reason in sorted(set(fresh.attention) - set(last.attention if last else ())):
        added = labels | {"reason": str(reason)}
        meter.create_counter("vigil_attention_total", "Reasons for a person to look").add(1, added)
