"""What operators see of a process: log lines with allowed fields only, and metrics with names from one place."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from vigil.library_logs import gather_libraries, keep_known_text
from vigil.origin import build_name, host_name

ALLOWED_FIELDS: Final = frozenset(
    {
        "account",
        "answer",
        "attempt",
        "backend",
        "backlog",
        "build",
        "by",
        "code",
        "count",
        "delivered",
        "error",
        "event",
        "exception_at",
        "host",
        "kept",
        "kind",
        "level",
        "logger",
        "meaning",
        "method",
        "name",
        "provider",
        "queue",
        "reason",
        "request_id",
        "sender",
        "stage",
        "status",
        "step",
        "timestamp",
        "version",
    }
)
"""Fields that may be logged; their values are coded words and numbers. Bodies, headers, URLs and references may not."""

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.6, 0.9, 1.0, 2.0)


def drop_unlisted_fields(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep a line's allowed fields, and name those that were left out: their values are gone, the mistake shows."""
    left_out = sorted(name for name in line if name not in ALLOWED_FIELDS and not name.startswith("_"))
    for name in left_out:
        del line[name]
    if left_out:
        line["left_out"] = left_out
    return line


def set_up_logging(level: int = logging.INFO) -> None:
    """Send every log line of the process to standard error: for people on a terminal, one JSON object a line elsewhere.

    That includes warnings, exceptions that nobody catches, and the lines of libraries, of which known texts stay.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    is_terminal = sys.stderr.isatty()
    renderer: Any = structlog.dev.ConsoleRenderer() if is_terminal else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[keep_known_text, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _coded_exception,
                drop_unlisted_fields,
                *([] if is_terminal else [_name_origin]),
                renderer,
            ],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(level)
    gather_libraries()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _name_origin(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    line.update(build=build_name(), host=host_name())
    return line


def _coded_exception(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say where an exception came from and of what type; its message may hold what it choked on."""
    given = line.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        line["error"] = type(error).__name__
        line["exception_at"] = where(error)
    return line


def where(error: BaseException) -> str:
    """Return the innermost place that an exception passed, as `module:line`."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return f"{step.tb_frame.f_globals.get('__name__', '?')}:{step.tb_lineno}" if step else "?"


class Metrics:
    """Every metric of ours. One object per process, made by a composition root."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.callbacks = Counter(
            "vigil_callbacks",
            "Answered callbacks, by account, status code and the sender's reading of the code.",
            ("account", "answer", "meaning"),
            registry=self.registry,
        )
        self.accepted_unstored = Counter(
            "vigil_callbacks_accepted_unstored",
            "Callbacks that were accepted without a stored receipt, since their verification has each event.",
            ("account", "proof"),
            registry=self.registry,
        )
        self.refusals = Counter(
            "vigil_callback_refusals", "Refused callbacks, by reason.", ("account", "reason"), registry=self.registry
        )
        self.refused_connections = Counter(
            "vigil_connections_refused",
            "Connections that were refused or ended before their request was read, by reason.",
            ("reason",),
            registry=self.registry,
        )
        self.failed_keys = Counter(
            "vigil_failed_keys",
            "Requests for the API of backends without a valid key, by reason.",
            ("reason",),
            registry=self.registry,
        )
        self.unlisted_refusals = Counter(
            "vigil_callback_refusals_unlisted",
            "Refusals that are not listed in the storage: too many of one reason, or for no account of the settings.",
            registry=self.registry,
        )
        self.unbound_bodies = Counter(
            "vigil_callbacks_unbound_bodies",
            "Callbacks whose signature came with another body before, or could not be compared.",
            ("account",),
            registry=self.registry,
        )
        self.dispatches = Counter(
            "vigil_dispatches",
            "Signals to verifications of the events of callbacks, by result.",
            ("account", "result"),
            registry=self.registry,
        )
        self.quarantined = Counter(
            "vigil_callbacks_quarantined",
            "Stored callbacks that belong to no verification.",
            ("account",),
            registry=self.registry,
        )
        self.receipt_bytes = Counter(
            "vigil_receipt_bytes", "Bytes of bodies in stored receipts.", ("account", "proof"), registry=self.registry
        )
        self.over_budget = Counter(
            "vigil_receipts_over_budget",
            "Callbacks whose receipt was cut or not stored, since the account has stored too much this hour.",
            ("account", "proof"),
            registry=self.registry,
        )
        self.signal_seconds = Histogram(
            "vigil_signal_seconds",
            "The time until Temporal accepted or failed a signal.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.storage_seconds = Histogram(
            "vigil_receipt_store_seconds",
            "The time until the storage took or failed a receipt.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.relay_backlog = Gauge(
            "vigil_relay_backlog",
            "Pending receipts, as of the relay's last look at all of them.",
            registry=self.registry,
        )
        self.stuck_workflows = Gauge(
            "vigil_stuck_workflows",
            "Workflows whose task has failed five times and more, as Temporal counts them.",
            registry=self.registry,
        )
        self.interrupted_verifications = Gauge(
            "vigil_interrupted_verifications",
            "Verifications whose workflow was ended in Temporal before they were complete, of its last 200 such runs.",
            registry=self.registry,
        )
        self.relayed = Counter("vigil_relayed", "Callbacks that the relay settled.", registry=self.registry)
        self.breaker_open = Gauge(
            "vigil_breaker_open",
            "1 while a circuit breaker is open.",
            ("dependency",),
            registry=self.registry,
        )
