"""A small ID360 on a real socket: it checks passwords and tokens, and answers, stalls or hangs up as told."""

import asyncio
import json
import socket
import struct
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

USERNAME = "tracker"
PASSWORD = "correct horse battery staple"
LOGIN = "/api/1.0.0/user/login/"


@dataclass(frozen=True)
class Told:
    """One answer. `announced` is a Content-Length that may promise more than is sent."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None

    def on_the_wire(self) -> bytes:
        length = len(self.body) if self.announced is None else self.announced
        headers = {"Content-Length": str(length), **self.headers, "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} Whatever\r\n{head}\r\n".encode() + self.body


class Stall:
    """No answer at all, until the asker gives up."""


class HangUp:
    """The connection is reset where the answer should be."""


Answer = Told | Stall | HangUp


def told(value: Any, status: int = 200) -> Told:
    return Told(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


class FakeId360:
    """Answers what `will_answer` queued for a path first, then what it holds: reports by id, files by number."""

    def __init__(self) -> None:
        self.base_url = ""
        self.reports: dict[str, Answer] = {}
        self.files: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.logins = 0
        self.login_takes = 0.0
        self.same_token_always = False
        self._queued: dict[str, deque[Answer]] = defaultdict(deque)
        self._live_tokens: set[str] = set()
        self._released = asyncio.Event()

    def will_answer(self, path: str, *answers: Answer) -> None:
        self._queued[path].extend(answers)

    def expire_all_tokens(self) -> None:
        self._live_tokens.clear()

    def link(self, number: str) -> str:
        return f"{self.base_url}/api/1.0.0/document/{number}/file_contents/?page_number=0"

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["FakeId360"]:
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
            answer = await self._answer(target.partition("?")[0], headers, body)
            match answer:
                case Told():
                    writer.write(answer.on_the_wire())
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

    async def _answer(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path == LOGIN:
            self.logins += 1
            await asyncio.sleep(self.login_takes)
        if self._queued[path]:
            return self._queued[path].popleft()
        if path == LOGIN:
            return self._log_in(json.loads(body))
        if headers.get("authorization", "").removeprefix("Token ") not in self._live_tokens:
            return told({"detail": "Invalid token."}, 401)
        place, _, rest = path.removeprefix("/api/1.0.0/").partition("/")
        held = self.reports if place == "enrollment" else self.files
        return held.get(rest.partition("/")[0], told({"detail": "Not found."}, 404))

    def _log_in(self, given: dict[str, str]) -> Answer:
        if given != {"username": USERNAME, "password": PASSWORD}:
            return told({"detail": "No."}, 401)
        token = "always-the-same" if self.same_token_always else f"token-{self.logins}"
        self._live_tokens.add(token)
        return told({"token": token})


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return method, target, headers, await reader.readexactly(int(headers.get("content-length", "0")))


class SteadyClock:
    """Counts seconds only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
