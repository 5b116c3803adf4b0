"""The HTTP faces as one ASGI application: composition root of the API process."""

import asyncio
import atexit
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import structlog
from fastapi import Depends, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from api.auth import BEARER, BackendKey, Callers
from api.callbacks.dependencies import build_services
from api.callbacks.endpoint import CallbackEndpoint
from api.callbacks.relay import Relay
from api.commands import command_routes
from api.description import describe
from api.evidence import evidence_routes
from api.health import health_routes, operator_routes
from api.operations import operations_served
from api.parts import Parts
from api.problems import add_problems
from api.unattached import unattached_routes
from api.verifications import verification_routes
from api.waiting import SharedWaits
from vigil.config.runtime import open_runtime
from vigil.config.settings import Settings, SettingsError, load_settings
from vigil.lookup import VerificationLookup
from vigil.observability import set_up_logging, where
from vigil.process_exit import exit_now

_ABOUT = """Vigil keeps watch over identity verifications: register one, read where it stands and why, command it.

Every error is a problem of RFC 9457; its `type` is stable. A 503 carries `Retry-After` and may always be repeated."""

_log = structlog.get_logger("vigil.api")


def create_app() -> ASGIApp:
    """Return the application for `uvicorn --factory api.app:create_app`; the settings say which faces it has."""
    try:
        settings = load_settings()
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    set_up_logging()
    return ServedApp(settings)


class ServedApp:
    """An application that opens what it stands on when the server starts it, and closes it at the end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            try:
                self._app = await stack.enter_async_context(opened_app(self._settings))
            except Exception as error:  # noqa: BLE001 -- the server wants to be told, and ends by itself
                _log.error("start.failed", error=type(error).__name__, code=where(error))
                await send({"type": "lifespan.startup.failed", "message": f"cannot start: {type(error).__name__}"})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        # The SDK can abort an interpreter that is left to end by itself; from here on nothing can fail any more.
        atexit.register(exit_now, 0)
        await send({"type": "lifespan.shutdown.complete"})


@asynccontextmanager
async def opened_app(settings: Settings) -> AsyncIterator[FastAPI]:
    """Open storage, accounts and a lazy Temporal client, and run the application for as long as the context lasts."""
    async with open_runtime(settings, lazy=True) as runtime:
        parts = Parts(
            accounts=runtime.accounts,
            tracker=runtime.tracker,
            storage=runtime.storage,
            digester=runtime.digester,
            keys=[BackendKey.of(key.name, key.secret) for key in settings.api.keys],
            endpoints=frozenset(settings.endpoints),
            faces=settings.api.faces,
            trusted_proxies=settings.api.trusted_proxies,
        )
        app = build_app(parts)
        async with app.router.lifespan_context(app), operations_served(settings.api.metrics_address, parts):
            yield app


def build_app(parts: Parts) -> FastAPI:
    """Put the faces together. While the application runs, so does its relay."""
    services = build_services(parts.accounts, parts.tracker, parts.storage, parts.digester, metrics=parts.metrics)
    relay = Relay(services)

    @asynccontextmanager
    async def relaying(_app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(relay.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    has_backend = "backend" in parts.faces
    app = FastAPI(
        title="Vigil",
        version="1",
        description=_ABOUT,
        lifespan=relaying if "callbacks" in parts.faces else None,
        redirect_slashes=False,
        openapi_url="/openapi.json" if has_backend else None,
        # The framework's pages load scripts from elsewhere, beside an interface that may ask for no key here.
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(health_routes())
    if has_backend:
        _add_backend(app, parts)
    add_problems(app)
    if "callbacks" in parts.faces:
        app.add_middleware(CallbackEndpoint, services=services, trusted_proxies=parts.trusted_proxies)
    return app


def _add_backend(app: FastAPI, parts: Parts) -> None:
    callers = Callers(parts.keys)
    lookup = VerificationLookup(parts.tracker, parts.storage, parts.accounts)
    app.state.lookup = lookup
    waits = SharedWaits(parts.tracker)
    app.include_router(operator_routes(parts))
    for router in (
        # The more special paths first: a reference may hold slashes, so the plain one matches them all.
        evidence_routes(parts, lookup),
        command_routes(parts, lookup, callers),
        verification_routes(parts, lookup, waits, callers),
        unattached_routes(parts),
    ):
        app.include_router(router, dependencies=[Depends(callers), Depends(BEARER)])
    describe(app)
