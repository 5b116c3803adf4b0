"""A backend that listens on a real socket, remembers what it was told, and answers by a script."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

Answer = int | Literal["silence", "hang up", "drip"]


@dataclass(frozen=True)
class Told:
    """One request. Header names are lower case."""

    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Backend:
    """Gives the answers that were queued first, and 204 after them. One connection is one request, or it says so."""

    port: int = 0
    told: list[Told] = field(default_factory=list)
    connections: int = 0
    answers: deque[Answer] = field(default_factory=deque)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def listening(self, host: str = "127.0.0.1") -> AsyncIterator["Backend"]:
        server = await asyncio.start_server(self._serve, host, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self._released.set()
            server.close()
            await server.wait_closed()

    async def was_told(self, times: int, within: float = 60) -> None:
        """Wait until it was told so many times."""
        async with asyncio.timeout(within):
            while len(self.told) < times:
                await asyncio.sleep(0.02)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.told.append(await _request(reader))
                await self._answer(writer, self.answers.popleft() if self.answers else 204)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        match answer:
            case int():
                moved = "Location: /elsewhere\r\n" if answer in range(300, 400) else ""
                length = "" if answer == 204 else "Content-Length: 0\r\n"
                writer.write(f"HTTP/1.1 {answer} Whatever\r\n{moved}{length}\r\n".encode())
            case "hang up":
                raise ConnectionAbortedError
            case "silence":
                await self._released.wait()
            case "drip":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while not self._released.is_set() and not writer.is_closing():
                    writer.write(b".")
                    await writer.drain()
                    await asyncio.sleep(0.02)
        await writer.drain()


async def _request(reader: asyncio.StreamReader) -> Told:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Told(target=first.removesuffix(" HTTP/1.1"), headers=headers, body=body)
