"""The ports of the stack on this machine."""

import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from typing import Final

LOOPBACK: Final = "127.0.0.1"
CONNECT_WITHIN: Final = 5.0
"""Seconds."""


@dataclass(frozen=True)
class Ports:
    """On which port of the loopback interface each part listens."""

    temporal: int
    ui: int
    api: int
    simulator: int
    mail: int
    codec: int = 8234

    @classmethod
    def find_free(cls) -> "Ports":
        """Return ports that no program uses now."""
        return cls(*find_free_ports(len(fields(cls))))

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return f"http://{LOOPBACK}:{self.api}"

    @property
    def simulator_url(self) -> str:
        """Where the simulator answers."""
        return f"http://{LOOPBACK}:{self.simulator}"

    def find_taken(self) -> Mapping[str, int]:
        """Return the ports on which another program listens already, by the part that needs them."""
        return {part: port for part, port in asdict(self).items() if accepts_connections(f"{LOOPBACK}:{port}")}


def find_free_ports(count: int) -> Sequence[int]:
    """Return so many different ports that no program uses now."""
    with ExitStack() as stack:
        # All stay open until the last one is found, so that no port is found twice.
        probes = [stack.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


def accepts_connections(address: str) -> bool:
    """Return whether a program listens at `host:port`; blocks for up to five seconds where the host is silent."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_WITHIN).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True
