"""Whether the process lives, whether what it stands on is there, and its metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.service import RPCError

from api.parts import Parts
from vigil.domain.explanation import SILENT_WORKER
from vigil.domain.terms import Frozen
from vigil.storage.contract import StorageError, storage_name
from vigil.temporal import messages

CHECK_WITHIN: Final = timedelta(seconds=3)


class CheckView(Frozen):
    """One thing that this process stands on; `mend` says what to do where it is not well."""

    name: str
    well: bool
    mend: str | None = None


class ReadyView(Frozen):
    """All checks; ready if all are well."""

    ready: bool
    checks: tuple[CheckView, ...]


class NotWell(Exception):
    """A check failed; the text says how to mend it."""


def health_routes() -> APIRouter:
    """Return the route that says that the process lives, for every face."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/health/live", summary="Say that the process lives")
    async def live() -> dict[str, bool]:
        return {"live": True}

    return routes


def operator_routes(parts: Parts) -> APIRouter:
    """Return readiness and metrics: of the backend face, without a key, since they hold coded words only."""
    routes = APIRouter(tags=["operations"])

    @routes.get(
        "/health/ready",
        summary="Say whether storage, Temporal and a worker for every account are there",
        description="For operators. A process that is not ready still keeps callbacks: route by `/health/live`.",
        responses={503: {"model": ReadyView, "description": "Not ready; the checks say what to mend"}},
    )
    async def ready(response: Response) -> ReadyView:
        checks = await asyncio.gather(*(_checked(name, check) for name, check in _checks(parts)))
        is_ready = all(check.well for check in checks)
        response.status_code = 200 if is_ready else 503
        return ReadyView(ready=is_ready, checks=tuple(checks))

    @routes.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(generate_latest(parts.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return routes


Check = Callable[[], Awaitable[None]]


def _checks(parts: Parts) -> Iterator[tuple[str, Check]]:
    yield "storage", lambda: _storage_is_writable(parts)
    yield "search attributes", lambda: _attributes_are_there(parts)
    yield "verifications", lambda: _is_served(parts, messages.VERIFICATIONS_QUEUE, is_workflow=True)
    for account in parts.accounts:
        yield f"account {account}", lambda queue=messages.provider_queue(account): _is_served(parts, queue)  # type: ignore[misc]


async def _checked(name: str, check: Check) -> CheckView:
    try:
        async with asyncio.timeout(CHECK_WITHIN.total_seconds()):
            await check()
    except NotWell as fault:
        return CheckView(name=name, well=False, mend=str(fault))
    except StorageError:
        return CheckView(name=name, well=False, mend="storage takes no writes: look at [storage] url and its rights")
    except (RPCError, RuntimeError, OSError):
        return CheckView(
            name=name, well=False, mend="Temporal does not answer: look at [temporal] address and namespace"
        )
    return CheckView(name=name, well=True)


async def _storage_is_writable(parts: Parts) -> None:
    await parts.storage.put(storage_name("health", "probe"), b"")


async def _attributes_are_there(parts: Parts) -> None:
    client = parts.tracker.client
    found = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace), timeout=CHECK_WITHIN
    )
    missing = sorted(set(messages.SEARCH_ATTRIBUTES) - set(found.custom_attributes))
    if missing:
        raise NotWell(f"run `vigil setup`: Temporal lacks the search attributes {', '.join(missing)}")


async def _is_served(parts: Parts, queue: str, *, is_workflow: bool = False) -> None:
    seen = await parts.tracker.queue(queue, is_workflow=is_workflow)
    if seen.last_asked_at is None or datetime.now(UTC) - seen.last_asked_at > SILENT_WORKER:
        raise NotWell(f"start a worker: none polls the task queue {queue}")
