"""An ID360 that has approved everybody, without files: it answers as fast as it can, so that others are measured."""

import json
import sys
from typing import Any

import uvicorn

from vigil.demo.ports import LOOPBACK

_TOKEN = json.dumps({"token": "a-token-of-the-benchmark"}).encode()


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Answer a login with a token, and a request for a report with an approval."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    path = scope["path"]
    body = _TOKEN if path.endswith("/login/") else _report(path.split("/")[-2])
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _report(reference: str) -> bytes:
    return json.dumps({"version": 2, "id": int(reference), "status": "OK", "steps": {}}).encode()


if __name__ == "__main__":
    uvicorn.run(answer, host=LOOPBACK, port=int(sys.argv[1]), log_level="warning", access_log=False, lifespan="off")
