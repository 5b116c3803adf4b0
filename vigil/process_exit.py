"""How a process of ours that used a Temporal client ends."""

import logging
import os
import sys
from contextlib import suppress
from typing import NoReturn


def exit_now(code: int) -> NoReturn:
    """End the process at once with `code`, after everything written has been flushed.

    The Temporal SDK's threads can abort the interpreter while it shuts down after full success
    (exit 134 or 139), so the shutdown is skipped: `atexit` hooks and finalizers do not run.
    """
    try:
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            # A reader that went away (`vigil list | head`) must not change how we end.
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
    finally:
        os._exit(code)
