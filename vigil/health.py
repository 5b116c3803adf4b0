"""Whether this process can do its work: its event loop runs, and storage and Temporal answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from typing import Final, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from vigil.domain.models import StrictModel
from vigil.http_server.beside import serve_beside
from vigil.recent import Recent
from vigil.storage.contract import Storage, StorageError, storage_name

CHECK_TIMEOUT: Final = timedelta(seconds=3)
CHECKED_EVERY: Final = timedelta(seconds=10)
_AT_ONCE: Final = 20
"""Checks that run at one moment. More would time out each other where an installation has hundreds of accounts."""

Check: TypeAlias = Callable[[], Awaitable[object]]


class CheckView(StrictModel):
    """One dependency of this process. `action` says how to repair it if it is not healthy."""

    name: str
    healthy: bool
    action: str | None = None


class ReadyView(StrictModel):
    """All checks. The process is ready if all are healthy."""

    ready: bool
    checks: tuple[CheckView, ...]

    @property
    def status(self) -> int:
        """The HTTP status: 200 or 503."""
        return 200 if self.ready else 503


class Unhealthy(Exception):
    """A check failed. The text says how to repair it."""


def own_checks(storage: Storage, client: Client) -> Mapping[str, Check]:
    """Return the checks of what every process needs: a write to the storage, and an answer of Temporal's namespace."""
    describe = partial(
        client.workflow_service.describe_namespace, DescribeNamespaceRequest(namespace=client.namespace), retry=False
    )
    return {"storage": partial(storage.put, storage_name("health", "probe"), b""), "temporal": describe}


async def run_checks(checks: Mapping[str, Check]) -> ReadyView:
    """Run all checks, each for 3 seconds at most."""
    slots = asyncio.Semaphore(_AT_ONCE)
    views = tuple(await asyncio.gather(*(_run(name, check, slots) for name, check in checks.items())))
    return ReadyView(ready=all(view.healthy for view in views), checks=views)


def serve_health(address: str | None, checks: Mapping[str, Check]) -> AbstractAsyncContextManager[None]:
    """Serve `/health/live` and `/health/ready` at `host:port` while the context lasts; nothing without an address.

    The event loop itself answers: if it is blocked, no answer comes. Raises `OSError` if the address is taken.
    """
    recent: Recent[ReadyView] = Recent(CHECKED_EVERY)

    async def read_liveness(_: Request) -> JSONResponse:
        return JSONResponse({"live": True})

    async def read_readiness(_: Request) -> JSONResponse:
        view = await recent.get(partial(run_checks, checks))
        return JSONResponse(view.model_dump(), view.status)

    routes: Sequence[Route] = [Route("/health/live", read_liveness), Route("/health/ready", read_readiness)]
    return serve_beside(address, Starlette(routes=routes))


async def _run(name: str, check: Check, slots: asyncio.Semaphore) -> CheckView:
    try:
        async with slots, asyncio.timeout(CHECK_TIMEOUT.total_seconds()):
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
