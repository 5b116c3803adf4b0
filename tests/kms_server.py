"""A KMS on loopback: moto's server, spoken to over HTTP by boto3."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

import boto3  # type: ignore[import-untyped] # it has no types
import pytest

from tests.s3_server import make_s3_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REGION = "eu-central-1"


@contextmanager
def serve_kms(patch: pytest.MonkeyPatch, *, denied: str = "") -> Iterator[str]:
    """Serve a KMS that this process and its children find. Yield its address. Afterwards nothing answers there.

    All that one process serves have the same keys. `denied`: an operation that nobody has the right to.
    """
    server = make_s3_server(0)
    server.app = _without(denied, server.app)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.port}"
    for name, value in {
        "AWS_ENDPOINT_URL_KMS": address,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        patch.setenv(name, value)
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _without(denied: str, app: "WSGIApplication") -> "WSGIApplication":
    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("HTTP_X_AMZ_TARGET") != f"TrentService.{denied}":
            return app(environ, start_response)
        start_response("400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")])
        return [b'{"__type": "AccessDeniedException"}']

    return answer


def make_kms_key() -> str:
    """Make a key in the KMS that is served. Return its URL."""
    made = boto3.client("kms", region_name=REGION).create_key()
    return f"aws-kms://{made['KeyMetadata']['Arn']}"
