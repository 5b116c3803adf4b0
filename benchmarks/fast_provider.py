"""An ID360 without files, as fast as it can, so that others are measured: it has approved everybody below a reference.

At `/asked/REFERENCE/times` it says how often a report was asked for.
"""

import json
import sys
from collections import Counter
from typing import Any, Final

import uvicorn

from vigil.demo.ports import LOOPBACK

WAITING_FROM: Final = 100_000_000
"""From this reference on, applicants have not finished."""
_TOKEN = json.dumps({"token": "a-token-of-the-benchmark"}).encode()
_asked: Counter[str] = Counter()


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Answer a login with a token, and a request for a report with an approval."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    body = _answer(scope["path"])
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _answer(path: str) -> bytes:
    if path.endswith("/login/"):
        return _TOKEN
    reference = path.split("/")[-2]
    if path.startswith("/asked/"):
        return str(_asked[reference]).encode()
    _asked[reference] += 1
    status = "OK" if int(reference) < WAITING_FROM else "STARTED"
    return json.dumps({"version": 2, "id": int(reference), "status": status, "steps": {}}).encode()


if __name__ == "__main__":
    uvicorn.run(answer, host=LOOPBACK, port=int(sys.argv[1]), log_level="warning", access_log=False, lifespan="off")
