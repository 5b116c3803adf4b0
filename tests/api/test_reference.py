"""The reference for people: complete without a key, without the network, and without any other host."""

import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.app import build_app
from api.auth import Backend
from api.problem_types import PROBLEM_TYPES
from tests.api.test_problems import dependencies
from vigil.config.keys import KeySettings, hash_key

BUNDLE = "dcaf76612bc4a3fbcc923a8966dee2f6146a5f32e5ce1b6f02dd60cbbf89500b"
"""SHA-256 of the file in the npm package redoc 2.5.4."""


@pytest.fixture
async def stranger(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a key, on another machine."""
    parts = await dependencies(tmp_path)
    key = KeySettings(name="checkout", secret_hash=(hash_key("checkout's key"),))
    app = build_app(type(parts)(**{**vars(parts), "backends": [Backend.of(key)]}))
    transport = httpx.ASGITransport(app=app, client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://vigil.example") as client:
        yield client


async def test_a_stranger_reads_the_reference_and_nothing_else(stranger: httpx.AsyncClient) -> None:
    paths = ("/docs", "/docs/redoc.js", "/docs/problems", "/openapi.json", "/docs/", "/docs/more", "/verifications")
    answers = [(await stranger.get(path)).status_code for path in paths]

    assert answers == [200, 200, 200, 200, 401, 401, 401]
    assert (await stranger.post("/docs", json={})).status_code == 405


async def test_the_reference_loads_our_own_files_and_may_load_no_other(stranger: httpx.AsyncClient) -> None:
    page = await stranger.get("/docs")
    script = await stranger.get("/docs/redoc.js")

    assert re.findall(r'(?:src|href|spec-url)="([^"]*)"', page.text) == ["openapi.json", "docs/redoc.js"]
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert script.headers["content-type"].startswith("text/javascript")
    assert hashlib.sha256(script.content).hexdigest() == BUNDLE


async def test_the_page_of_problems_has_a_section_for_each_type(stranger: httpx.AsyncClient) -> None:
    page = await stranger.get("/docs/problems")

    assert re.findall(r'<h2 id="([a-z_]+)">', page.text) == sorted(PROBLEM_TYPES)
    assert "script" not in page.text
