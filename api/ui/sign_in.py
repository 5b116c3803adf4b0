"""The page on which a key begins a session, and what its files are."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import FileResponse, RedirectResponse

from api.auth import LOCAL, Backends
from api.callbacks.endpoint import source_of
from api.dependencies import Process
from api.failed_keys import FailedKeys
from api.problems import Problem
from api.ui.access import HOME, is_page
from api.ui.rendering import HERE, render
from api.ui.routing import Form, PageRoute
from api.ui.sessions import COOKIE, LASTS, Sessions
from vigil.config.keys import hash_key

_FILES: Final = {
    "style.css": "text/css; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "idiomorph-ext.min.js": "text/javascript; charset=utf-8",
    "keep.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_WRONG_KEY: Final = "This is no key of these settings."
_NEEDS_TLS: Final = (
    "The key is right, but over plain HTTP a browser drops the session: open this page by https://, "
    "or at http://127.0.0.1 on the machine itself."
)
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")

router: Final = APIRouter(prefix=HOME, include_in_schema=False, route_class=PageRoute)


@router.get("/static/{name}")
async def send_file(name: str) -> Response:
    """Return a file that the pages name."""
    if name not in _FILES:
        raise Problem(404, "no_such_path", "There is no such file")
    return FileResponse(HERE / "static" / name, media_type=_FILES[name], headers={"Cache-Control": "max-age=3600"})


@router.get("/sign-in")
async def show_sign_in(destination: Annotated[str, Query(alias="next")] = HOME) -> Response:
    """Ask for a key."""
    return render("sign_in.html", {"caller": None, "next": destination, "warning": None})


@router.post("/sign-in")
async def sign_in(request: Request, form: Form, process: Process) -> Response:
    """Begin a session with a key. Failed keys are counted and delayed as those of the API are."""
    key, destination = form.get("key", "").strip(), form.get("next", HOME)
    backends: Backends = request.app.state.backends
    holder = backends.holder_of(key) if backends.has_keys else LOCAL
    if holder is None:
        failed_keys: FailedKeys = request.app.state.failed_keys
        forwarded = {"x-forwarded-for": ", ".join(request.headers.getlist("x-forwarded-for"))}
        await failed_keys.note("wrong", source_of(request.scope, forwarded, tuple(process.trusted_proxies)))
        return _ask_again(destination, _WRONG_KEY, 401)
    is_here = request.headers.get("host", "").startswith(_LOOPBACK)
    if backends.has_keys and not is_here and request.headers.get("origin", "").startswith("http:"):
        return _ask_again(destination, _NEEDS_TLS, 400)
    response = RedirectResponse(destination if _is_ours(destination) else HOME, 303)
    if backends.has_keys:
        sessions: Sessions = request.app.state.sessions
        response.set_cookie(
            COOKIE,
            sessions.begin(holder, hash_key(key)),
            max_age=int(LASTS.total_seconds()),
            path=HOME,
            secure=not is_here,
            httponly=True,
            samesite="lax",
        )
    return response


def _ask_again(destination: str, warning: str, status: int) -> Response:
    return render("sign_in.html", {"caller": None, "next": destination, "warning": warning}, status=status)


@router.post("/sign-out")
async def sign_out() -> Response:
    """End the session in this browser."""
    response = RedirectResponse(f"{HOME}/sign-in", 303)
    response.delete_cookie(COOKIE, path=HOME, httponly=True, samesite="lax")
    return response


def _is_ours(destination: str) -> bool:
    """Whether a browser would stay within the pages: some read a backslash or a control character as a slash."""
    path = destination.partition("?")[0]
    return is_page(path) and destination.isprintable() and "\\" not in destination and "//" not in destination
