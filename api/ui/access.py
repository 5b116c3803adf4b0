"""The layer in front of the pages: who may see them, and from which pages a browser may send."""

from typing import Final
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.auth import Backend, Backends, remember_backend
from api.origins import is_fetched_from, names_other_site
from api.problems import Problem
from api.request_bodies import read_body, replay
from api.ui.sessions import Sessions

HOME: Final = "/ui"
SIGN_IN: Final = "/ui/sign-in"
STATIC: Final = "/ui/static/"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


class PageAccess:
    """ASGI middleware for everything below `/ui`; other paths pass through it.

    A page is shown to the holder of a session or, without keys in the settings, to this machine. Anybody else is sent
    to the page on which a key begins a session.
    """

    def __init__(self, app: ASGIApp, *, backends: Backends, sessions: Sessions) -> None:
        self._app = app
        self._backends = backends
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_page(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["method"] not in _SAFE_METHODS:
            _require_our_own_page(headers)
        holder = self._holder(scope, headers)
        if holder is not None:
            remember_backend(scope.setdefault("state", {}), holder)
        elif scope["path"] != SIGN_IN and not scope["path"].startswith(STATIC):
            await RedirectResponse(f"{SIGN_IN}?next={quote(scope['path'])}", 303)(scope, receive, send)
            return
        body = await read_body(receive, headers)
        if body is not None:
            await self._app(scope, replay(body, receive), send)

    def _holder(self, scope: Scope, headers: Headers) -> Backend | None:
        if self._backends.has_keys:
            return self._sessions.holder(headers.get("cookie", ""))
        return self._backends.identify(headers, (scope.get("client") or ("",))[0])


def is_page(path: str) -> bool:
    """Whether a path belongs to the pages."""
    return path == HOME or path.startswith(f"{HOME}/")


def _require_our_own_page(headers: Headers) -> None:
    """Refuse a form that another page sends, or that does not say where it comes from: every browser does."""
    if "origin" not in headers or names_other_site(headers) or not is_fetched_from(headers, "same-origin"):
        raise Problem(403, "cross_site", "Only a form of these pages may send")
