"""Proxies before an API that do what real ones do wrong, and a process whose clock is wrong."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from vigil.demo.ports import LOOPBACK, find_free_ports

_HOPS = {"connection", "content-length", "host", "transfer-encoding", "upgrade", "http2-settings", "date", "server"}

CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, at);
    if (id == CLOCK_REALTIME) at->tv_sec += atol(getenv("CLOCK_AHEAD"));
    return result;
}
"""


@dataclass(frozen=True)
class Passed:
    """A request on its way to the API."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def without(self, *names: str) -> "Passed":
        """Return it without these headers."""
        return replace(self, headers={name: value for name, value in self.headers.items() if name not in names})


Change = Callable[[Passed], Awaitable[Passed | Response]]


async def unchanged(passed: Passed) -> Passed:
    return passed


@asynccontextmanager
async def proxy(upstream: str, change: Change = unchanged) -> AsyncIterator[str]:
    """Serve a proxy before the upstream and yield its address. `change` returns what it passes on, or its answer."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:

        async def handle(request: Request) -> Response:
            headers = {name: value for name, value in request.headers.items() if name not in _HOPS}
            headers["x-forwarded-for"] = request.client.host if request.client else ""
            kept = {name: value for name, value in request.headers.items() if name == "upgrade"}
            path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            passed = await change(Passed(request.method, path, headers | kept, await request.body()))
            if isinstance(passed, Response):
                return passed
            sent = {name: value for name, value in passed.headers.items() if name not in _HOPS}
            answer = await http.request(passed.method, f"{upstream}{passed.path}", content=passed.body, headers=sent)
            passed_back = {name: value for name, value in answer.headers.items() if name not in _HOPS}
            return Response(answer.content, answer.status_code, passed_back)

        app = Starlette()
        app.add_route("/{path:path}", handle, methods=["DELETE", "GET", "HEAD", "POST", "PUT"])
        [port] = find_free_ports(1)
        # The other parser takes the body of a request with an offer of an upgrade for the other protocol.
        config = uvicorn.Config(app, host=LOOPBACK, port=port, log_config=None, ws="none", http="h11")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        running = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.02)
        try:
            yield f"http://{LOOPBACK}:{port}"
        finally:
            server.should_exit = True
            await running


def build_clock(folder: Path) -> Path:
    """Return a library that moves the clock of a process ahead by the seconds in `CLOCK_AHEAD`."""
    source, library = folder / "clock.c", folder / "clock.so"
    source.write_text(CLOCK)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library
