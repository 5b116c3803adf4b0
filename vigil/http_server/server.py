"""A listener with limits. uvicorn runs the application and speaks HTTP; who may connect is decided here."""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from vigil.http_server.connection import Connection
from vigil.http_server.connections import Connections, Network
from vigil.http_server.limits import DEFAULT_LIMITS, ConnectionLimits, fit_to_descriptors

_ACCEPTED_AT_ONCE: Final = 32
"""So that many new connections do not keep the others waiting."""
_CHECKED_EVERY: Final = 5
"""In ticks of a tenth of a second."""
_STOPPED_WITHIN: Final = 5
"""Seconds, for the requests that are being answered."""

_log = structlog.get_logger("vigil.http_server")


def open_listener(host: str, port: int) -> socket.socket:
    """Return a socket for a `Server`; port 0 chooses a free one. Raises `OSError` if the address is taken.

    It refuses connections until the server has started.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.settimeout(0)
    return listener


class Server(uvicorn.Server):
    """Serves one application on one listener until it is stopped.

    It writes no access log, believes no proxy's headers and does not name itself. The process sets up the logging.
    """

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        limits: ConnectionLimits = DEFAULT_LIMITS,
        *,
        trusted_proxies: Sequence[Network] = (),
        count_refusal: Callable[[str], None] = lambda _reason: None,
        is_guest: bool = False,
    ) -> None:
        """Take a listener of `open_listener`. A guest leaves the signals to the program in whose process it runs."""
        super().__init__(
            uvicorn.Config(
                app,
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="info",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=int(limits.keep_alive.total_seconds()),
                timeout_graceful_shutdown=_STOPPED_WITHIN,
            )
        )
        self._listener = listener
        self._limits = limits
        self._connections = partial(Connections, trusted=trusted_proxies, count=count_refusal)
        self._is_guest = is_guest
        self._acceptor: _Acceptor | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then accept connections. Ends the process if the application does not start."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        if not self._is_guest:
            # What was made so far stays. A collection that looked at it again would stop the loop for 150 ms.
            gc.collect()
            gc.freeze()
        # What the application has opened by now stays open.
        limits = fit_to_descriptors(self._limits)
        self._acceptor = _Acceptor(self, self._listener, self._connections(limits))
        self.servers = [self._acceptor]  # type: ignore[list-item]  # uvicorn closes it and waits for it, no more
        self._listener.listen(limits.backlog)
        self._acceptor.start()
        self.started = True
        _log.info("server.started", count=limits.most)

    async def on_tick(self, counter: int) -> bool:
        """Disconnect who is too slow, and look again for room."""
        if self._acceptor is not None:
            self._acceptor.tick(is_check=counter % _CHECKED_EVERY == 0)
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGTERM and SIGINT, and let the process end in its own way afterwards."""
        if not self._is_guest:
            for each in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(each, self.handle_exit, each, None)
        yield


class _Acceptor:
    """Accepts connections one by one while there is room. uvicorn's own way accepts all that wait, at once."""

    def __init__(self, server: Server, listener: socket.socket, connections: Connections) -> None:
        self._server = server
        self._listener = listener
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._is_accepting = False
        self._is_closed = False
        self._opening: set[asyncio.Task[Any]] = set()
        connections.when_room = self.start

    def start(self) -> None:
        if not self._is_accepting and not self._is_closed:
            self._is_accepting = True
            self._loop.add_reader(self._listener, self._accept)

    def tick(self, *, is_check: bool) -> None:
        if is_check:
            self._connections.close_overdue()
        self.start()

    def close(self) -> None:
        self._pause()
        self._is_closed = True
        self._listener.close()

    async def wait_closed(self) -> None:
        """Return at once: connections are waited for by uvicorn."""

    def _pause(self) -> None:
        if self._is_accepting:
            self._is_accepting = False
            self._loop.remove_reader(self._listener)

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            if not self._connections.has_room():
                self._pause()
                return
            try:
                connected, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                # No descriptor is left. The next tick tries again.
                self._connections.refuse("no_descriptor")
                self._pause()
                return
            address = str(peer[0])
            if self._connections.admit(address):
                self._open(connected, address)
            else:
                connected.close()

    def _open(self, connected: socket.socket, address: str) -> None:
        connected.settimeout(0)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        protocol = Connection(
            self._server.config,
            self._server.server_state,
            self._server.lifespan.state,
            address=address,
            all_=self._connections,
        )
        task = self._loop.create_task(self._connect(connected, protocol))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connect(self, connected: socket.socket, protocol: Connection) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: protocol, connected)
        except OSError:
            connected.close()
            self._connections.forget(protocol.address)
