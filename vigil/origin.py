"""Which build runs on which host, for log lines and for Temporal's view of who polls."""

import os
import socket
from functools import cache
from typing import Final

BUILD: Final = "VIGIL_BUILD"
UNKNOWN: Final = "unknown"


def build_name() -> str:
    """Return the build that the environment names; `unknown` if it names none."""
    return os.environ.get(BUILD) or UNKNOWN


@cache
def host_name() -> str:
    """Return the name of this machine, container or pod."""
    return socket.gethostname()
