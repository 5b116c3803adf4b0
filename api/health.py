"""Liveness, readiness and metrics of this process, and the health of the installation."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.dependencies import Dependencies, Process
from vigil.domain.explanation import find_silence
from vigil.health import Check, ReadyView, Unhealthy, own_checks, run_checks
from vigil.temporal import messages
from vigil.temporal.connection import missing_search_attributes

router: Final = APIRouter(tags=["operations"])
"""For every process."""
operator_router: Final = APIRouter(tags=["operations"])
"""For operators. Beside the API for backends it needs a key; on a listener of its own it needs none."""


@router.get("/health/live", summary="Report that the process is alive")
async def read_liveness() -> dict[str, bool]:
    """Answer as long as the process can answer at all."""
    return {"live": True}


@operator_router.get(
    "/health/ready",
    summary="Report whether this process reaches storage and Temporal",
    description="At most ten seconds old. A process that is not ready still stores callbacks as long as the storage "
    "answers: route callbacks by `/health/live`.",
    responses={503: {"model": ReadyView, "description": "Not ready; `action` says how to repair it"}},
)
async def read_readiness(response: Response, process: Process) -> ReadyView:
    """Check storage and Temporal, unless they were checked in the last ten seconds."""
    checks = own_checks(process.storage, process.tracker.client)
    return _answered(response, await process.readiness.get(partial(run_checks, checks)))


@operator_router.get(
    "/health/installation",
    summary="Report whether storage, Temporal and a worker for every account are available",
    description="For operators. One check for each account: not for probes.",
    responses={503: {"model": ReadyView, "description": "Something is missing; `action` says how to repair it"}},
)
async def read_installation(response: Response, process: Process) -> ReadyView:
    """Run all checks, unless they ran in the last two seconds."""
    return _answered(response, await process.installation.get(partial(run_checks, _installation_checks(process))))


@operator_router.get("/metrics", summary="Return the metrics for Prometheus", response_class=Response)
async def read_metrics(process: Process) -> Response:
    """Return the metrics of this process in the text format of Prometheus."""
    return Response(generate_latest(process.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _answered(response: Response, view: ReadyView) -> ReadyView:
    response.status_code = view.status
    return view


def _installation_checks(process: Dependencies) -> Mapping[str, Check]:
    workers = {
        f"account {name}": partial(_check_worker, process, messages.provider_queue(name)) for name in process.accounts
    }
    return {
        **own_checks(process.storage, process.tracker.client),
        "search attributes": partial(_check_search_attributes, process),
        "verifications": partial(_check_worker, process, messages.VERIFICATIONS_QUEUE, is_workflow=True),
        **workers,
    }


async def _check_search_attributes(process: Dependencies) -> None:
    missing = await missing_search_attributes(process.tracker.client)
    if missing:
        raise Unhealthy(f"run `vigil setup`: Temporal lacks the search attributes {', '.join(missing)}")


async def _check_worker(process: Dependencies, queue: str, *, is_workflow: bool = False) -> None:
    seen = await process.tracker.queue(queue, is_workflow=is_workflow)
    silence = find_silence(seen, datetime.now(UTC))
    if silence is not None:
        raise Unhealthy(silence)
