"""The open connections of one listener: whom to disconnect when it takes too long, or when there is no room."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from itertools import chain
from typing import Final, Protocol, TypeAlias

import structlog

from vigil.http_server.limits import ConnectionLimits

Network: TypeAlias = IPv4Network | IPv6Network

_REPORTED_EVERY: Final = 10.0
"""Seconds. A line for each connection would let a stranger fill the disk with lines."""

_log = structlog.get_logger("vigil.http_server")


class Peer(Protocol):
    """One connection, as the list of all sees it."""

    address: str

    def is_too_slow(self, now: float) -> bool:
        """Return whether the peer owes us bytes, and sends too few of them."""
        ...

    def abort(self) -> None:
        """Disconnect the peer at once."""
        ...


class Connections:
    """All connections of one listener.

    When there is no room for a new one, the one that has owed us a request for the longest time makes room. So nobody
    is kept out by connections that only wait, however many they are; a connection with a request is never given up.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        trusted: Sequence[Network] = (),
        *,
        count: Callable[[str], None] = lambda _reason: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the limits, the networks of proxies, to whom the limit for one address does not apply, and a metric."""
        self.limits = limits
        self.clock = clock
        self.when_room: Callable[[], None] = lambda: None
        self._metric = count
        self._trusted = tuple(trusted)
        self._count = 0
        self._by_address: Counter[str] = Counter()
        # In each the one that has owed for the longest time comes first.
        self._without_request: dict[Peer, None] = {}
        self._sending_bodies: dict[Peer, None] = {}
        self._idle: dict[Peer, None] = {}
        self._refused: Counter[str] = Counter()
        self._reported_at = clock()

    def has_room(self) -> bool:
        """Return whether one more may be accepted. If not, one is asked to leave where any can be."""
        if self._count < self.limits.most:
            return True
        self._evict(None)
        return False

    def admit(self, address: str) -> bool:
        """Count a new connection. Return False, and count none, if its address has too many that cannot leave."""
        is_full = self._by_address[address] >= self.limits.most_per_peer and not self._is_trusted(address)
        if is_full and not self._evict(address):
            self.refuse("too_many_from_one_address")
            return False
        self._count += 1
        self._by_address[address] += 1
        return True

    def forget(self, address: str) -> None:
        """Count a connection no longer, and say that there is room."""
        self._count -= 1
        self._by_address[address] -= 1
        if self._by_address[address] <= 0:
            del self._by_address[address]
        self.when_room()

    def await_request(self, peer: Peer) -> None:
        """Note that from now on the peer owes us a request."""
        self.leave(peer)
        self._without_request[peer] = None

    def await_another(self, peer: Peer) -> None:
        """Note that the peer has sent a request, and may send another."""
        self.leave(peer)
        self._idle[peer] = None

    def await_body(self, peer: Peer) -> None:
        """Note that from now on the peer owes us the body of its request."""
        self.leave(peer)
        self._sending_bodies[peer] = None

    def leave(self, peer: Peer) -> None:
        """Note that the peer owes us nothing, or that it is gone."""
        self._without_request.pop(peer, None)
        self._sending_bodies.pop(peer, None)
        self._idle.pop(peer, None)

    def refuse(self, reason: str) -> None:
        """Count a connection that was refused or ended, under a coded reason."""
        self._refused[reason] += 1
        self._metric(reason)

    def close_overdue(self) -> None:
        """Disconnect who is too slow, and report what was refused. Called several times a second."""
        now = self.clock()
        for peer in [*self._without_request, *self._sending_bodies, *self._idle]:
            if peer.is_too_slow(now):
                self.leave(peer)
                self.refuse("too_slow")
                peer.abort()
        if self._refused and now - self._reported_at >= _REPORTED_EVERY:
            for reason, count in sorted(self._refused.items()):
                _log.warning("connections.refused", reason=reason, count=count)
            self._refused.clear()
            self._reported_at = now

    def _evict(self, address: str | None) -> bool:
        for peer in chain(self._without_request, self._sending_bodies, self._idle):
            if address in {None, peer.address}:
                self.leave(peer)
                self.refuse("made_room")
                peer.abort()
                return True
        return False

    def _is_trusted(self, address: str) -> bool:
        try:
            return any(ip_address(address) in network for network in self._trusted)
        except ValueError:
            return False
