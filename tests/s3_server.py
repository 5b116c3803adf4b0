"""An S3 server on loopback that keeps everything in memory; `python -m tests.s3_server PORT` runs it in a process."""

import sys
from collections.abc import Iterable
from threading import Lock
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class OneAtATime:
    """S3 takes a conditional write in one step. Moto checks and writes in two, so two writers could both succeed."""

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._lock = Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with self._lock:
            return list(self._app(environ, start_response))


def make_s3_server(port: int) -> BaseWSGIServer:
    """Return a server for loopback; port 0 chooses a free one."""
    return make_server("127.0.0.1", port, OneAtATime(), threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    make_s3_server(int(sys.argv[1])).serve_forever()
