"""The fake as an ASGI application: one request in, one answer out."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx

Message = MutableMapping[str, Any]


async def serve(
    answer: Callable[[httpx.Request], httpx.Response],
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer one request of an ASGI server. The fake needs no start and no stop."""
    if scope["type"] != "http":
        await receive()
        await send({"type": f"{scope['type']}.startup.complete"})
        await receive()
        await send({"type": f"{scope['type']}.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    path = scope.get("raw_path") or scope["path"].encode()
    url = httpx.URL("http://vigil.test").copy_with(raw_path=path + b"?" + scope.get("query_string", b""))
    response = answer(httpx.Request(scope["method"], url, headers=scope["headers"], content=body))
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.headers.raw})
    await send({"type": "http.response.body", "body": response.content})
