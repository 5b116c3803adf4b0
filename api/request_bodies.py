"""Bodies of requests, read whole and bounded before anything parses them."""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import Message, Receive

from api.problems import Problem

LARGEST_BODY: Final = 64 * 1024


async def read_body(receive: Receive, headers: Headers) -> bytes | None:
    """Return the body; None if the caller went away. Raises `Problem` 413."""
    announced = headers.get("content-length", "")
    is_too_large = announced.isdecimal() and int(announced[:18]) > LARGEST_BODY
    body = bytearray()
    while not is_too_large:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        is_too_large = len(body) > LARGEST_BODY
        if not is_too_large and not message.get("more_body", False):
            return bytes(body)
    raise Problem(413, "too_large", "The body is larger than 64 KiB")


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that hands out a body that was read, and then what comes after it."""
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return parts.pop() if parts else await receive()

    return replayed
