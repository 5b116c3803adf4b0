"""The layer in front of the routes for backends: site, key and size are checked before a body is parsed."""

from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.allowed_methods import allowed_methods
from api.auth import Backend, Backends, remember_backend
from api.callbacks.endpoint import Network, source_of
from api.failed_keys import FailedKeys
from api.origins import is_fetched_from, names_other_site
from api.problems import Problem
from api.reference import ADDRESSES
from api.request_bodies import read_body, replay
from api.ui.access import is_page

_WITHOUT_KEY: Final = frozenset({"/health/live", *ADDRESSES})


class AccessLayer:
    """ASGI middleware. It raises every refusal as a `Problem`, which the layer around it answers."""

    def __init__(
        self, app: ASGIApp, *, backends: Backends, trusted_proxies: Sequence[Network], failed_keys: FailedKeys
    ) -> None:
        self._app = app
        self._backends = backends
        self._trusted = tuple(trusted_proxies)
        self._failed_keys = failed_keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _WITHOUT_KEY or is_page(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        _refuse_other_sites(headers)
        remember_backend(scope.setdefault("state", {}), await self._identify(scope, headers))
        # A form sends POST alone. To a path without POST it goes on, and is answered 405.
        if scope["method"] == "POST" and _may_be_form(headers) and "POST" in allowed_methods(scope):
            raise Problem(415, "json_required", "Send it as application/json, or with an Idempotency-Key")
        body = await read_body(receive, headers)
        if body is not None:
            await self._app(scope, replay(body, receive), send)

    async def _identify(self, scope: Scope, headers: Headers) -> Backend:
        peer = (scope.get("client") or ("",))[0]
        try:
            return self._backends.identify(headers, peer)
        except Problem:
            forwarded = {"x-forwarded-for": ", ".join(headers.getlist("x-forwarded-for"))}
            reason = "wrong" if "authorization" in headers else "missing"
            await self._failed_keys.note(reason, source_of(scope, forwarded, self._trusted))
            raise


def _refuse_other_sites(headers: Headers) -> None:
    """Refuse what a page of another site makes a browser send."""
    if names_other_site(headers) or not is_fetched_from(headers, "none", "same-origin"):
        raise Problem(403, "cross_site", "A page of another site may not call")


def _may_be_form(headers: Headers) -> bool:
    """Whether a form can send a command like this: no form can set this media type or this header."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type != "application/json" and not media_type.endswith("+json") and "idempotency-key" not in headers
