"""Metrics and health of an API process on a listener of their own, so that no key and no public address is involved.

A process that serves only callbacks has no other place for them.
"""

from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from api import health
from api.dependencies import Dependencies
from api.problems import add_problems
from api.security_headers import SecurityHeaders
from vigil.http_server.beside import serve_beside


def serve_metrics(address: str | None, dependencies: Dependencies) -> AbstractAsyncContextManager[None]:
    """Serve `/metrics` and `/health/...` at `host:port` while the context lasts; nothing without an address.

    Raises `OSError` if the address is taken.
    """
    return serve_beside(address, _build_app(dependencies))


def _build_app(dependencies: Dependencies) -> FastAPI:
    app = FastAPI(redirect_slashes=False, openapi_url=None)
    app.state.dependencies = dependencies
    app.include_router(health.router)
    app.include_router(health.operator_router)
    add_problems(app)
    app.add_middleware(SecurityHeaders)
    return app
