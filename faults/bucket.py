"""An S3-compatible store in a process of its own, which answers slowly, with 503, or not at all after a write."""

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

from faults.storage_faults import SWITCH, StorageFault, present
from tests.s3_server import OneAtATime

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BUCKET: Final = "campaign"
_SLOW: Final = 1.5
"""Seconds."""


class FaultyStore:
    """Passes each request on to the store, and spoils it by the fault of the moment."""

    def __init__(self, switch: Path) -> None:
        self._store = OneAtATime()
        self._switch = switch

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        fault = present(self._switch)
        if fault is StorageFault.REFUSES:
            start_response("503 Slow Down", [("Content-Length", "0")])
            return []
        if fault is StorageFault.STALLS:
            time.sleep(_SLOW)
        answer = self._store(environ, start_response)
        if fault is StorageFault.LOSES and environ["REQUEST_METHOD"] != "GET":
            raise ConnectionAbortedError  # the write is done, and its answer is lost
        return answer


def environment(port: int) -> dict[str, str]:
    """Return the variables with which every process finds the store."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "campaign",
        "AWS_SECRET_ACCESS_KEY": "campaign",
        "AWS_ALLOW_HTTP": "true",
    }


if __name__ == "__main__":
    store = FaultyStore(Path(os.environ[SWITCH]))
    make_server("127.0.0.1", int(sys.argv[1]), store, threaded=True, request_handler=MotoRequestHandler).serve_forever()
