"""How much a connection may cost before its request is read, and how many there may be."""

import os
import resource
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

_DESCRIPTORS_KEPT_FREE: Final = 64
"""For storage, Temporal, providers and the listener for operators."""
_FEWEST_CONNECTIONS: Final = 8
_DESCRIPTORS_WANTED: Final = 65_536


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits of one listener."""

    most: int = 1000
    """Connections at one moment."""
    most_per_peer: int = 200
    """Connections at one moment from one address."""
    largest_head: int = 16 * 1024
    """In bytes, of the request line and all headers; trailers count too."""
    longest_target: int = 8 * 1024
    """In bytes, of the path and the query."""
    head_timeout: timedelta = timedelta(seconds=5)
    """From the first byte, or from the connection, to the last header."""
    body_timeout: timedelta = timedelta(seconds=35)
    """From the last header to the last byte. Longer than the API's own, which ends in an answer."""
    slow_after: timedelta = timedelta(seconds=5)
    """A body that takes longer must have come at `slowest` on average."""
    slowest: int = 1024
    """In bytes a second."""
    most_unwanted: int = 8 * 1024 * 1024
    """In bytes, of bodies that are thrown away because they were answered before their end."""
    keep_alive: timedelta = timedelta(seconds=5)
    most_pipelined: int = 16
    backlog: int = 1024
    """Connections that the system holds until there is room for them."""


DEFAULT_LIMITS: Final = ConnectionLimits()


def fit_to_descriptors(limits: ConnectionLimits) -> ConnectionLimits:
    """Return the limits with as many connections as the process has descriptors for, with a reserve for all else.

    Raises the process's own limit as far as the system allows.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = _DESCRIPTORS_WANTED if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS_WANTED)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        # Some systems name a hard limit that they do not grant.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            soft = allowed
    if soft == resource.RLIM_INFINITY:
        return limits
    room = soft - len(os.listdir("/dev/fd")) - _DESCRIPTORS_KEPT_FREE  # noqa: PTH208 -- names are enough
    most = max(_FEWEST_CONNECTIONS, min(limits.most, room))
    return replace(limits, most=most)
