"""The HTTP API as one ASGI application: the composition root of the API process."""

import asyncio
import atexit
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any, Final

import structlog
from fastapi import Depends, FastAPI
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from api import claims, commands, erasure, evidence, health, notifications, rejected_callbacks, verifications
from api.access import AccessLayer
from api.auth import BEARER, Backend, Backends
from api.callbacks.dependencies import build_services
from api.callbacks.endpoint import CallbackEndpoint
from api.callbacks.relay import Relay, RelayPace
from api.dependencies import Dependencies, Needs
from api.failed_keys import FailedKeys
from api.metrics_server import serve_metrics
from api.openapi import extend_openapi
from api.problems import add_problems, problem_responses
from api.reference import DOCUMENT, add_reference
from api.request_ids import RequestIds
from api.security_headers import SecurityHeaders
from api.stuck import keep_counting_stuck
from api.ui import callbacks as ui_callbacks
from api.ui import installation as ui_installation
from api.ui import sign_in as ui_sign_in
from api.ui import verifications as ui_verifications
from api.ui.access import PageAccess
from api.ui.sessions import Sessions
from vigil.config.keys import Right
from vigil.config.settings import Settings, SettingsError, load_settings
from vigil.http_server.limits import ConnectionLimits
from vigil.http_server.server import Server, open_listener
from vigil.observability import Metrics, set_up_logging, where
from vigil.process_exit import exit_now
from vigil.runtime import Runtime, open_runtime
from vigil.sealing.errors import SealingError
from vigil.sealing.storage import find_sealed, opens_receipts
from vigil.storage.inbox import Retention
from vigil.temporal.connection import open_sdk_runtime
from vigil.tracing import flush_traces, set_up_tracing

_ABOUT: Final = """Vigil tracks identity verifications: register one, read its state and the reason for it, command it.

Every error is a problem of RFC 9457 with a stable `type`. A 503 has `Retry-After`; repeating the request is safe."""

_SWITCH_INTERVAL: Final = 0.0005
"""In seconds; Python's own is 0.005, and writing a receipt asks for the interpreter some twenty times."""

_log = structlog.get_logger("vigil.api")


def create_app() -> ASGIApp:
    """Return the application for any ASGI server; the settings say which parts it serves.

    `vigil serve api` serves it with limits. Behind another server they are up to that server.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    os.umask(0o077)
    set_up_logging()
    set_up_tracing("vigil-api")
    return ServedApp(settings)


def serve(settings: Settings) -> None:
    """Serve the application by the settings until SIGTERM or SIGINT. Raises `OSError` if the address is taken."""
    set_up_logging()
    set_up_tracing("vigil-api")
    # The threads of the storage get the interpreter back soon while the event loop works on a large body.
    sys.setswitchinterval(_SWITCH_INTERVAL)
    api, metrics = settings.api, Metrics()
    Server(
        ServedApp(settings, metrics),
        open_listener(api.host, api.port),
        ConnectionLimits(most=api.connections, most_per_peer=api.connections_per_address),
        trusted_proxies=api.trusted_proxies,
        count_refusal=lambda reason: metrics.refused_connections.labels(reason).inc(),
    ).run()


class ServedApp:
    """Opens storage, accounts and clients when the server starts the application, and closes them when it stops."""

    def __init__(self, settings: Settings, metrics: Metrics | None = None) -> None:
        self._settings = settings
        self._metrics = metrics or Metrics()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._run(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _run(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            try:
                self._app = await stack.enter_async_context(open_app(self._settings, self._metrics))
            except Exception as error:  # noqa: BLE001 -- the server must know, and ends by itself
                reason = str(error) if isinstance(error, SealingError) else None
                _log.error("start.failed", error=type(error).__name__, code=where(error), reason=reason)
                await send({"type": "lifespan.startup.failed", "message": f"cannot start: {type(error).__name__}"})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        flush_traces()
        # The SDK can abort an interpreter that ends by itself. From here on nothing can fail any more.
        atexit.register(exit_now, 0)
        await send({"type": "lifespan.shutdown.complete"})


@asynccontextmanager
async def open_app(settings: Settings, metrics: Metrics) -> AsyncIterator[FastAPI]:
    """Open what the settings name, with a lazy Temporal client, and run the application while the context lasts."""
    async with open_runtime(settings, lazy=True, temporal_runtime=open_sdk_runtime()) as runtime:
        dependencies = build_dependencies(runtime, metrics)
        app = build_app(dependencies)
        async with app.router.lifespan_context(app), serve_metrics(settings.api.metrics_address, dependencies):
            yield app


def build_dependencies(runtime: Runtime, metrics: Metrics | None = None) -> Dependencies:
    """Return what the routes depend on. Raises `StorageNotOpened`."""
    settings = runtime.settings
    return Dependencies(
        accounts=runtime.accounts,
        tracker=runtime.tracker,
        storage=runtime.storage,
        digester=runtime.digester,
        metrics=metrics or Metrics(),
        backends=[Backend.of(key) for key in settings.api.keys],
        endpoints=frozenset(settings.endpoints),
        completion_endpoints=settings.completion_endpoints,
        faces=settings.api.faces,
        trusted_proxies=settings.api.trusted_proxies,
        retention=Retention(
            settings.storage.keep.quarantined, settings.storage.keep.refused, settings.storage.keep.audit
        ),
        keep_rules=settings.keep_rules,
        relayed_per_second=settings.api.relayed_per_second,
        callback_base=settings.api.callback_base,
        temporal_ui=settings.temporal.ui,
    )


def build_app(dependencies: Dependencies) -> FastAPI:
    """Return the application with the parts that the settings name. It runs the relay if it takes callbacks."""
    takes_callbacks, serves_backends = ("callbacks" in dependencies.faces), ("backend" in dependencies.faces)
    services = build_services(
        dependencies.accounts,
        dependencies.tracker,
        dependencies.storage,
        dependencies.digester,
        metrics=dependencies.metrics,
        limits=dependencies.callback_limits,
    )
    relay = Relay(services, RelayPace(per_round=dependencies.relayed_per_second), retention=dependencies.retention)
    app = FastAPI(
        title="Vigil",
        version="1",
        description=_ABOUT,
        lifespan=_run_beside(
            partial(keep_counting_stuck, dependencies.tracker, dependencies.metrics),
            *([relay.run] if _runs_relay(dependencies) else []),
            *([services.signatures.run] if takes_callbacks else []),
        ),
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        openapi_url=DOCUMENT if serves_backends else None,
        # The framework's pages load scripts from elsewhere. `add_reference` has pages of ours.
        docs_url=None,
        redoc_url=None,
    )
    app.state.dependencies = dependencies
    app.include_router(health.router)
    if serves_backends:
        _add_backend_routes(app)
        _guard(app, dependencies)
    add_problems(app)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestIds)
    if takes_callbacks:
        app.add_middleware(CallbackEndpoint, services=services, trusted_proxies=dependencies.trusted_proxies)
    return app


def _runs_relay(dependencies: Dependencies) -> bool:
    """Return whether this process settles receipts: every process that takes callbacks, and can read them again.

    Where everything is sealed, those that take callbacks may not have the key. Then the others settle.
    """
    storage = dependencies.storage
    is_able = "callbacks" in dependencies.faces or find_sealed(storage) is not None
    return is_able and opens_receipts(storage)


def _guard(app: FastAPI, dependencies: Dependencies) -> None:
    """Put the layers in front of the routes that say who may call: one for backends, one for the pages."""
    backends, failed_keys = Backends(dependencies.backends), FailedKeys(dependencies.metrics)
    sessions = Sessions(dependencies.digester, dependencies.backends)
    app.state.backends, app.state.failed_keys, app.state.sessions = backends, failed_keys, sessions
    trusted = tuple(dependencies.trusted_proxies)
    app.add_middleware(AccessLayer, backends=backends, trusted_proxies=trusted, failed_keys=failed_keys)
    app.add_middleware(PageAccess, backends=backends, sessions=sessions)


def _run_beside(*loops: Callable[[], Coroutine[None, None, None]]) -> Lifespan[FastAPI]:
    """Return a lifespan of an application in which endless loops run."""

    @asynccontextmanager
    async def run(_app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(loop()) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    return run


def _add_backend_routes(app: FastAPI) -> None:
    answers = problem_responses()
    refused: dict[int | str, dict[str, Any]] = {status: answers[status] for status in (401, 403, 429)}
    app.include_router(
        health.operator_router, dependencies=[Depends(Needs(Right.OPERATE)), Depends(BEARER)], responses=refused
    )
    # The more special paths come first: a reference may hold slashes, so the plain path matches them all.
    for page in (ui_sign_in.router, ui_verifications.router, ui_callbacks.router, ui_installation.router):
        app.include_router(page)
    of_one = (claims.router, erasure.router, evidence.router, notifications.router, commands.router)
    for router in (*of_one, verifications.router, rejected_callbacks.router):
        app.include_router(router, dependencies=[Depends(BEARER)])
    extend_openapi(app)
    add_reference(app)
