"""Liveness, readiness and metrics of this process."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from temporalio.service import RPCError

from api.dependencies import Dependencies, Process
from vigil.domain.explanation import SILENT_WORKER
from vigil.domain.models import StrictModel
from vigil.storage.contract import StorageError, storage_name
from vigil.temporal import messages
from vigil.temporal.connection import missing_search_attributes

CHECK_TIMEOUT: Final = timedelta(seconds=3)

router: Final = APIRouter(tags=["operations"])
"""For every process."""
operator_router: Final = APIRouter(tags=["operations"])
"""For operators. Beside the API for backends it needs a key; on a listener of its own it needs none."""


class CheckView(StrictModel):
    """One dependency of this process. `action` says how to repair it if it is not healthy."""

    name: str
    healthy: bool
    action: str | None = None


class ReadyView(StrictModel):
    """All checks. The process is ready if all are healthy."""

    ready: bool
    checks: tuple[CheckView, ...]


class Unhealthy(Exception):
    """A check failed. The text says how to repair it."""


@router.get("/health/live", summary="Report that the process is alive")
async def read_liveness() -> dict[str, bool]:
    """Answer as long as the process can answer at all."""
    return {"live": True}


@operator_router.get(
    "/health/ready",
    summary="Report whether storage, Temporal and a worker for every account are available",
    description="For operators. A process that is not ready still stores callbacks: route by `/health/live`.",
    responses={503: {"model": ReadyView, "description": "Not ready; `action` says how to repair it"}},
)
async def read_readiness(response: Response, process: Process) -> ReadyView:
    """Run all checks at once, unless they ran in the last two seconds."""
    checks = await process.checks.get(partial(_run_all, process))
    is_ready = all(check.healthy for check in checks)
    response.status_code = 200 if is_ready else 503
    return ReadyView(ready=is_ready, checks=checks)


@operator_router.get("/metrics", summary="Return the metrics for Prometheus", response_class=Response)
async def read_metrics(process: Process) -> Response:
    """Return the metrics of this process in the text format of Prometheus."""
    return Response(generate_latest(process.metrics.registry), media_type=CONTENT_TYPE_LATEST)


Check = Callable[[], Awaitable[None]]


async def _run_all(process: Dependencies) -> tuple[CheckView, ...]:
    return tuple(await asyncio.gather(*(_run(name, check) for name, check in _checks(process))))


def _checks(process: Dependencies) -> Iterator[tuple[str, Check]]:
    yield "storage", partial(_check_storage, process)
    yield "search attributes", partial(_check_search_attributes, process)
    yield "verifications", partial(_check_worker, process, messages.VERIFICATIONS_QUEUE, is_workflow=True)
    for account in process.accounts:
        yield f"account {account}", partial(_check_worker, process, messages.provider_queue(account))


async def _run(name: str, check: Check) -> CheckView:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT.total_seconds()):
            await check()
    except Unhealthy as fault:
        return CheckView(name=name, healthy=False, action=str(fault))
    except StorageError:
        action = "the storage takes no writes: check [storage] url and its access rights"
        return CheckView(name=name, healthy=False, action=action)
    except (RPCError, RuntimeError, OSError):
        action = "Temporal does not answer: check [temporal] address and namespace"
        return CheckView(name=name, healthy=False, action=action)
    return CheckView(name=name, healthy=True)


async def _check_storage(process: Dependencies) -> None:
    await process.storage.put(storage_name("health", "probe"), b"")


async def _check_search_attributes(process: Dependencies) -> None:
    missing = await missing_search_attributes(process.tracker.client)
    if missing:
        raise Unhealthy(f"run `vigil setup`: Temporal lacks the search attributes {', '.join(missing)}")


async def _check_worker(process: Dependencies, queue: str, *, is_workflow: bool = False) -> None:
    seen = await process.tracker.queue(queue, is_workflow=is_workflow)
    if seen.last_asked_at is None or datetime.now(UTC) - seen.last_asked_at > SILENT_WORKER:
        raise Unhealthy(f"start a worker: none polls the task queue {queue}")
