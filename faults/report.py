"""The report of a campaign, one JSON object. `faults.tables` shows it to people."""

import math
import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from faults.disturbances import RANDOM
from faults.ledger import Attempt, Disturbance
from faults.mix import Case
from faults.verdict import MOST_EXAMPLES, Judge, is_right

_MIB: Final = 2**20


def build(
    *,
    given: Mapping[str, Any],
    judge: Judge,
    done: Sequence[Disturbance],
    views: Mapping[int, Any],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the report. It is `ok` if every zero is zero."""
    zeros = {name: len(count.examples) for name, count in judge.zeros.items()}
    genuine = [attempt for attempt in judge.attempts if attempt.forged is None]
    return {
        **given,
        "ok": not any(zeros.values()),
        "zeros": zeros,
        "examples": {name: count.examples[:MOST_EXAMPLES] for name, count in judge.zeros.items() if count.examples},
        "verifications": _mix(judge.cases),
        "callbacks": {
            "sent": len(genuine),
            "answered_2xx": sum(attempt.is_accepted for attempt in genuine),
            "signaled_without_receipt": judge.told_only,
            "forged": dict(Counter(attempt.forged for attempt in judge.attempts if attempt.forged)),
            "forged_answered_2xx": sum(attempt.is_accepted for attempt in judge.attempts if attempt.forged),
        },
        "lost_callbacks": {
            "verifications": sum(case.is_lost for case in judge.cases),
            "recovered": sum(case.is_lost and is_right(case, views[case.number]) for case in judge.cases),
        },
        "left_to_a_person": judge.left_to_a_person,
        "files_compared": judge.files,
        "answer_ms": {
            "without_faults": _times(attempt for attempt in genuine if not attempt.faults),
            "in_faults": _times(attempt for attempt in genuine if attempt.faults),
        },
        "not_2xx": _refusals(genuine),
        "faults": _faults(done),
        **facts,
    }


def _mix(cases: Sequence[Case]) -> dict[str, Any]:
    return {
        "all": len(cases),
        "by_sender": dict(sorted(Counter(case.sender for case in cases).items())),
        "lost_final": sum(case.is_lost for case in cases),
        "late_or_reopened": sum(case.is_late for case in cases),
        "never_finished": sum(case.end is None for case in cases),
        "with_a_message": sum(bool(case.messages_to) for case in cases),
    }


def _times(attempts: Iterable[Attempt]) -> dict[str, float | int]:
    taken = sorted(attempt.took * 1000 for attempt in attempts if attempt.status is not None)
    if not taken:
        return {"count": 0}
    return {
        "count": len(taken),
        "p50": round(_quantile(taken, 0.5), 1),
        "p99": round(_quantile(taken, 0.99), 1),
        "max": round(taken[-1], 1),
    }


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _refusals(genuine: Sequence[Attempt]) -> dict[str, Any]:
    refused = [attempt for attempt in genuine if not attempt.is_accepted]
    reasons = Counter(
        f"{attempt.status or 'no answer'}, {' and '.join(attempt.faults) or 'no fault'}" for attempt in refused
    )
    share = len(refused) / len(genuine) if genuine else 0.0
    return {"share": round(share, 4), "reasons": dict(reasons.most_common())}


def _faults(done: Sequence[Disturbance]) -> dict[str, Any]:
    names = sorted({(each.what, each.moment) for each in done})
    return {
        "all": len(done),
        "kills_at_chosen_moments": sum(each.moment != RANDOM for each in done),
        "kinds": [_kind([each for each in done if (each.what, each.moment) == name]) for name in names],
    }


def _kind(done: Sequence[Disturbance]) -> dict[str, Any]:
    ready = sorted(each.recovered_in for each in done if each.recovered_in is not None)
    return {
        "what": done[0].what,
        "moment": done[0].moment,
        "count": len(done),
        "ready_again_s": {"median": round(_quantile(ready, 0.5), 1), "max": round(ready[-1], 1)} if ready else None,
    }


def machine() -> dict[str, Any]:
    """Return on what a campaign begins, and how busy it is already."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def mebibytes(sizes: Mapping[str, int]) -> dict[str, int]:
    """Return sizes in MiB."""
    return {name: size // _MIB for name, size in sorted(sizes.items())}
