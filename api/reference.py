"""The reference of this API for people: `/docs`, from our own files, and a page about every problem type.

Whoever reaches the API may read it: it says nothing of an installation.
"""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.problem_types import PAGE, PROBLEM_TYPES

DOCUMENT: Final = "/openapi.json"
REFERENCE: Final = "/docs"
SCRIPT: Final = "/docs/redoc.js"
ADDRESSES: Final = frozenset({DOCUMENT, REFERENCE, SCRIPT, PAGE})

_BUNDLE: Final = Path(__file__).with_name("reference_page") / "redoc.standalone.js"
_REFERENCE: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
_PROBLEMS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
}
_HEAD: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
)


def add_reference(app: FastAPI) -> None:
    """Serve the pages. They are no part of the OpenAPI document."""
    app.add_route(REFERENCE, _show_reference)
    app.add_route(SCRIPT, _serve_script)
    app.add_route(PAGE, _show_problems)


async def _show_reference(_request: Request) -> Response:
    # Addresses are relative, so that a proxy may serve the API below a path. The search would need a worker's script.
    page = (
        f'{_HEAD}<title>Vigil API</title><body style="margin:0">'
        '<redoc spec-url="openapi.json" disable-search hide-hostname></redoc><script src="docs/redoc.js"></script>'
    )
    return HTMLResponse(page, headers=_REFERENCE)


async def _serve_script(_request: Request) -> Response:
    return Response(_BUNDLE.read_bytes(), media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})


async def _show_problems(_request: Request) -> Response:
    sections = "".join(
        f'<h2 id="{code}">{code}</h2><p>{escape(meaning)} {escape(action)}</p>'
        for code, (meaning, action) in sorted(PROBLEM_TYPES.items())
    )
    body = f'<body style="font-family:sans-serif;max-width:45em;margin:2em auto"><h1>Problems</h1>{sections}'
    return HTMLResponse(f"{_HEAD}<title>Problems</title>{body}", headers=_PROBLEMS)
