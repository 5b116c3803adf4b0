"""A small HTTP server on a real socket that answers, stalls or hangs up as a test says."""

import asyncio
import json
import socket
import struct
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Response:
    """One answer. `announced` is a Content-Length that may be larger than the body."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None

    def encode(self) -> bytes:
        length = len(self.body) if self.announced is None else self.announced
        headers = {"Content-Length": str(length), **self.headers, "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} Whatever\r\n{head}\r\n".encode() + self.body


class Stall:
    """No answer at all, until the client gives up."""


class HangUp:
    """The connection is reset instead of an answer."""


Answer = Response | Stall | HangUp


def json_response(value: Any, status: int = 200) -> Response:
    return Response(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


class ChunkedResponse(Response):
    """An answer without a Content-Length."""

    def encode(self) -> bytes:
        head = f"HTTP/1.1 {self.status} Whatever\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        return head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(self.body), self.body)


class RawServer:
    """Sends the answers that `will_answer` queued for a path, then those that `answer` returns."""

    def __init__(self) -> None:
        self.base_url = ""
        self.asked: list[str] = []
        self._queued: dict[str, deque[Answer]] = defaultdict(deque)
        self._released = asyncio.Event()

    async def answer(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        raise NotImplementedError

    async def before(self, path: str) -> None:
        """Runs before any answer, queued or not."""

    def will_answer(self, path: str, *answers: Answer) -> None:
        self._queued[path].extend(answers)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Self]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        self.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            self._released.set()
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            method, target, headers, body = await _request(reader)
            self.asked.append(f"{method} {target}")
            path = target.partition("?")[0]
            await self.before(path)
            queued = self._queued[path]
            answer = queued.popleft() if queued else await self.answer(target, headers, body)
            match answer:
                case Response():
                    writer.write(answer.encode())
                    await writer.drain()
                case HangUp():
                    # Lingering for no time makes the close a reset.
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    writer.transport.abort()
                case Stall():
                    await self._released.wait()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class TokenServer(RawServer):
    """A server that gives tokens at `logins_at` and wants a live one for everything else."""

    logins_at: frozenset[str]
    unauthorized: Answer

    def __init__(self) -> None:
        super().__init__()
        self.logins = 0
        self.login_takes = 0.0
        self.same_token_always = False
        self._live_tokens: set[str] = set()

    def log_in(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Return the answer to a login, with `new_token` if it is accepted."""
        raise NotImplementedError

    def token_in(self, headers: dict[str, str]) -> str:
        raise NotImplementedError

    async def answer_with_token(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        raise NotImplementedError

    def new_token(self) -> str:
        token = "always-the-same" if self.same_token_always else f"token-{self.logins}"
        self._live_tokens.add(token)
        return token

    def expire_all_tokens(self) -> None:
        self._live_tokens.clear()

    async def before(self, path: str) -> None:
        if path in self.logins_at:
            self.logins += 1
            await asyncio.sleep(self.login_takes)

    async def answer(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        path = target.partition("?")[0]
        if path in self.logins_at:
            return self.log_in(path, headers, body)
        if self.token_in(headers) not in self._live_tokens:
            return self.unauthorized
        return await self.answer_with_token(target, headers, body)


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return method, target, headers, await reader.readexactly(int(headers.get("content-length", "0")))


class SteadyClock:
    """A clock that a test moves by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
