"""What libraries log, reduced to texts that we know.

Their texts hold what they failed at: the SDK's name a workflow id, and so a reference; asyncio's show a whole task. So
a line keeps the beginning that is listed here, and otherwise only its place in the library's code.
"""

import logging
import sys
import threading
import warnings
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import structlog

UNKNOWN: Final = "library.logged"

_TEXTS: Final = (
    # uvicorn
    "Started server process",
    "Waiting for application startup.",
    "Application startup complete.",
    "Application startup failed. Exiting.",
    "Uvicorn running",
    "Invalid HTTP request received.",
    "Exception in ASGI application",
    "Shutting down",
    "Waiting for connections to close.",
    "Waiting for background tasks to complete.",
    "Waiting for application shutdown.",
    "Application shutdown complete.",
    "Application shutdown failed. Exiting.",
    "Finished server process",
    # asyncio
    "Task exception was never retrieved",
    "Future exception was never retrieved",
    "_ActivityHandle exception was never retrieved",
    "Task was destroyed but it is pending!",
    "Exception in callback",
    "socket.accept() out of system resource",
    # the SDK of Temporal, and our workflows through its logger
    "Activity task raised during worker shutdown",
    "Beginning worker shutdown",
    "Completing activity as failed",
    "Completing as failure",
    "Exception handling failed",
    "Failed activation on workflow",
    "Failed completing activation on workflow",
    "Failed completing activity task",
    "Failed converting activation exception",
    "Failed encoding completion",
    "Failed handling activation on workflow",
    "Failed recording heartbeat",
    "Failed running eviction job",
    "Timed out running eviction job",
    "Worker failed, shutting down",
    "a signal that cannot be read was not kept",
    # its core
    "Activity not found on completion",
    "Error reporting WFT to server",
    "Eviction requested for unknown run",
    "Error while completing workflow activation",
    "Error while polling for workflow tasks",
    "Failing workflow task",
    "Network error while completing",
    "Task not found when completing",
    "There were leftover buffered tasks when evicting run",
    "Tried to resolve a local activity for a run we are no longer tracking",
    "Temporal Server 1.16.0 or newer is required",
    "Workflow task completion exceeds the namespace size limit",
    "gRPC call",
)

# These write URLs, ids or paths at INFO, and all of them may hold what opens an applicant's session.
_TALKATIVE: Final = ("httpx", "httpcore", "temporalio", "uvicorn.access", "obstore")
_WITH_HANDLERS: Final = ("uvicorn", "uvicorn.error", "uvicorn.access")

_log = structlog.get_logger("vigil.process")


def keep_known_text(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the text of a library's line with the known text that it begins with, and say where it was logged."""
    record: logging.LogRecord = line["_record"]
    line["event"] = next((text for text in _TEXTS if str(line["event"]).startswith(text)), UNKNOWN)
    line["code"] = f"{record.module}:{record.lineno}"
    return line


def gather_libraries() -> None:
    """Have everything that a process writes about itself go through its one handler: also what asks no logger."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _WITH_HANDLERS:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    # The text of a line that cannot be formatted would be written to standard error as it is.
    logging.raiseExceptions = False
    warnings.showwarning = _log_warning  # type: ignore[assignment]  # its parameters are private
    sys.excepthook = _log_end
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_thread


def _log_warning(_message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    _log.warning("warning.raised", error=category.__name__, code=f"{Path(filename).stem}:{lineno}")


def _log_end(_kind: type[BaseException], error: BaseException, _traceback: TracebackType | None) -> None:
    _log.critical("process.failed", exc_info=error)


def _log_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    _log.error("finalizer.failed", exc_info=unraisable.exc_value)


def _log_thread(arguments: threading.ExceptHookArgs) -> None:
    _log.error("thread.failed", exc_info=arguments.exc_value)
