"""The proxy's own configuration, in a real nginx: what the internet reaches, and what a sender is answered."""

import shutil
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import pytest

from tests.nginx import Proxy
from vigil.demo.ports import LOOPBACK

NOTHING: Final[Mapping[str, str]] = {}

pytestmark = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")


class Upstream(BaseHTTPRequestHandler):
    """Stands for the API: says which request it got."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        size = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if self.path.endswith("/hang"):
            time.sleep(6)
        answer = f"{self.path} {self.headers['X-Forwarded-For']} {self.headers['Upgrade']} {size}".encode()
        self.send_response(503 if self.path.endswith("/unavailable") else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815 -- the server looks for this name

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def outside(proxy: Proxy, path: str, body: bytes = b"", headers: Mapping[str, str] = NOTHING) -> tuple[int, str]:
    """Return status and body of what the internet is answered."""
    context = ssl.create_default_context(cafile=proxy.certificate)
    return ask(HTTPSConnection(LOOPBACK, proxy.public, context=context, timeout=20), path, body, headers)


def inside(proxy: Proxy, path: str, body: bytes = b"", headers: Mapping[str, str] = NOTHING) -> tuple[int, str]:
    """Return status and body of what a backend is answered."""
    return ask(HTTPConnection(LOOPBACK, proxy.private, timeout=20), path, body, headers)


def ask(connection: HTTPConnection, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    connection.request("POST", path, body, dict(headers))
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    upstream = ThreadingHTTPServer((LOOPBACK, 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    started = Proxy(tmp_path_factory.mktemp("proxy"), upstream.server_port)
    try:
        started.start()
        yield started
        started.stop()
    finally:
        upstream.shutdown()
        upstream.server_close()


def test_a_callback_reaches_the_api_as_it_was_sent(proxy: Proxy) -> None:
    path = "/callbacks/id360/a%2Fb?x=1"

    assert outside(proxy, path, b"{}") == (200, f"{path} 127.0.0.1 None 2")


@pytest.mark.parametrize(
    "path",
    [
        "/verifications",
        "/health/installation",
        "/metrics",
        "/callbacks",
        "/callbacks/../verifications",
        "/callbacks/..%2Fverifications",
        "/callbacks/%2e%2e/verifications",
        "/verifications/a/../../callbacks/id360",
        "/verifications/a/%2e%2e/%2e%2e/callbacks/id360",
        "//callbacks/id360",
        "/again",
    ],
)
def test_the_internet_reaches_nothing_but_callbacks(proxy: Proxy, path: str) -> None:
    assert outside(proxy, path)[0] == 404


def test_backends_reach_everything(proxy: Proxy) -> None:
    assert inside(proxy, "/verifications/id360/7", b"{}") == (200, "/verifications/id360/7 127.0.0.1 None 2")


def test_nobody_chooses_the_address_that_the_api_sees(proxy: Proxy) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9"}

    assert outside(proxy, "/callbacks/id360", headers=forged)[1] == "/callbacks/id360 127.0.0.1 None 0"
    assert inside(proxy, "/verifications", headers=forged)[1] == "/verifications 127.0.0.1 None 0"


def test_an_upgrade_is_not_passed_on_and_the_body_is(proxy: Proxy) -> None:
    upgrade = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA"}

    assert outside(proxy, "/callbacks/id360", b"12345", headers=upgrade) == (200, "/callbacks/id360 127.0.0.1 None 5")


def test_a_body_beyond_the_limit_is_refused(proxy: Proxy) -> None:
    assert outside(proxy, "/callbacks/id360", b"x" * 2 * 1024 * 1024)[0] == 200
    assert outside(proxy, "/callbacks/id360", b"x" * (2 * 1024 * 1024 + 1))[0] == 413
    assert inside(proxy, "/verifications", b"x" * (64 * 1024 + 1))[0] == 413


def test_a_head_beyond_the_limit_is_refused(proxy: Proxy) -> None:
    assert outside(proxy, "/callbacks/id360", headers={"X-Long": "x" * 9000})[0] == 400


def test_what_the_api_answers_is_passed_on(proxy: Proxy) -> None:
    assert outside(proxy, "/callbacks/id360/unavailable")[0] == 503


def test_a_callback_that_no_process_answers_may_come_again(proxy: Proxy) -> None:
    assert outside(proxy, "/callbacks/id360/hang") == (429, "again\n")


def test_no_log_has_a_path(proxy: Proxy) -> None:
    outside(proxy, "/callbacks/id360/secret-in-the-path")
    outside(proxy, "/callbacks/id360/secret-in-the-path", b"x" * (2 * 1024 * 1024 + 1))

    written = "".join(path.read_text() for path in proxy.folder.glob("*.log"))
    assert f" {proxy.public} POST 200 " in written
    assert "callbacks" not in written
    assert "secret" not in written
