"""One connection: uvicorn's, with limits on its head, its time and its upgrade offers."""

import asyncio
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, Final, NoReturn

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from vigil.http_server.connections import Connections

_ABOUT_THE_OFFER: Final = frozenset({b"upgrade", b"http2-settings"})


class _Phase(Enum):
    """What the peer owes us."""

    IDLE = auto()
    """Nothing, or the next request."""
    HEAD = auto()
    BODY = auto()
    ANSWER = auto()
    """Nothing: the answer is ours to give."""


class _NotTaken(Exception):
    """The request is larger than a limit. Raised through the parser, which then stops."""


class Connection(HttpToolsProtocol):
    """One connection of a `Server`."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], *, address: str, all_: Connections
    ) -> None:
        """Take what uvicorn needs, the peer's address, and the connections of the listener, which count this one."""
        super().__init__(config, server_state, app_state)
        self.address = address
        self._all = all_
        self._limits = all_.limits
        self._phase = _Phase.IDLE
        self._since = all_.clock()
        self._head_size = 0
        self._unparsed = 0
        """Bytes since the parser last handed something on."""
        self._body_size = 0
        self._unwanted = 0
        self._unanswered = 0
        """Requests that the application works on, or that wait behind one."""
        self._refusal = (HTTPStatus.BAD_REQUEST, "not_http")

    # The transport.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._enter(_Phase.HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for another connection."""
        self._all.leave(self)
        self._all.forget(self.address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came. A request that is too large or no HTTP is answered and ends the connection."""
        if self._phase is _Phase.IDLE:
            self._enter(_Phase.HEAD)
        self._unset_keepalive_if_required()
        try:
            if self._unparsed > self._limits.largest_head:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large")
            self._unparsed += len(data)
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offered:
            if self.parser.get_method() != b"CONNECT":
                self._read_on(data[offered.args[0] :])
        except (_NotTaken, httptools.HttpParserError):
            status, reason = self._refusal
            self._all.refuse(reason)
            self._send_refusal(status)

    def abort(self) -> None:
        """Disconnect the peer at once, also if it does not read what we sent."""
        self.transport.abort()

    def is_too_slow(self, now: float) -> bool:
        """Return whether the peer owes us bytes for too long. While we do not read, it does not."""
        waited, limits = now - self._since, self._limits
        if self._phase is _Phase.BODY:
            is_slow = waited > limits.slow_after.total_seconds() and self._body_size < limits.slowest * waited
            return not self.flow.read_paused and (is_slow or waited > limits.body_timeout.total_seconds())
        # uvicorn closes an idle connection itself. One that does not read our answer is still there after that.
        longest = limits.head_timeout if self._phase is _Phase.HEAD else limits.head_timeout + limits.keep_alive
        return not self._unanswered and waited > longest.total_seconds()

    # The parser.

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._head_size = self._unparsed = 0
        if self._phase is not _Phase.HEAD:
            self._enter(_Phase.HEAD)

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        super().on_url(url)
        self._count_head(len(url))
        if len(self.url) > self._limits.longest_target:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG, "target_too_long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. A trailer counts, but is not handed on: it could pretend to come from a proxy."""
        self._count_head(len(name) + len(value) + 4)
        if self._phase is _Phase.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request to the application; not yet if the parser takes it for the end of HTTP."""
        if self._is_upgrade_offered():
            return
        if len(self.pipeline) >= self._limits.most_pipelined:
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS, "too_many_pipelined")
        self._body_size = self._unparsed = 0
        self._unanswered += 1
        self._enter(_Phase.BODY)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand a part of the body on."""
        self._unparsed = 0
        self._body_size += len(body)
        super().on_body(body)
        if not self._unanswered:
            # It is thrown away. Reading it lets the peer see the answer, but not without end.
            self._count_unwanted(len(body))

    def on_message_complete(self) -> None:
        """Wait for nothing more: the answer is ours to give, unless it was given."""
        if self._is_upgrade_offered():
            return
        super().on_message_complete()
        self._enter(_Phase.IDLE if self.cycle.response_complete else _Phase.ANSWER)

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of a body that was answered before its end."""
        self._unanswered -= 1
        if self._phase is not _Phase.BODY and not self._unanswered:
            self._enter(_Phase.HEAD if self._phase is _Phase.HEAD else _Phase.IDLE)
        super().on_response_complete()

    def _enter(self, phase: _Phase) -> None:
        self._phase = phase
        self._since = self._all.clock()
        if phase is _Phase.BODY:
            self._all.await_body(self)
        elif self._unanswered:
            self._all.leave(self)
        elif phase is _Phase.IDLE:
            self._all.await_another(self)
        else:
            self._all.await_request(self)

    def _count_unwanted(self, size: int) -> None:
        self._unwanted += size
        if self._unwanted > self._limits.most_unwanted:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_after_answer")

    def _count_head(self, size: int) -> None:
        self._unparsed = 0
        self._head_size += size
        if self._head_size > self._limits.largest_head:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large")

    def _refuse(self, status: HTTPStatus, reason: str) -> NoReturn:
        self._refusal = (status, reason)
        raise _NotTaken

    def _send_refusal(self, status: HTTPStatus) -> None:
        if self._phase is _Phase.HEAD and not self._unanswered and not self.transport.is_closing():
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode("ascii"))
        self.transport.close()

    # Upgrades.

    def _is_upgrade_offered(self) -> bool:
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def _read_on(self, rest: bytes) -> None:
        """Ignore the offer of another protocol, as RFC 9110 allows in 7.8, and read the request.

        The parser takes such a request for the end of HTTP and skips its body. Java's HTTP client offers HTTP/2 with
        each of its requests.
        """
        version = self.parser.get_http_version().encode("ascii")
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in self.headers if name not in _ABOUT_THE_OFFER]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.data_received(b"\r\n".join((*lines, b"", b"")) + rest)
