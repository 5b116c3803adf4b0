"""Traces: from a callback through its receipt and its signal to the read, and to the request at the provider.

Off without `OTEL_EXPORTER_OTLP_ENDPOINT`: then no span is recorded and nothing is stored of it. A span has the account,
coded words and numbers; never a reference, a URL or the text of an error.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from vigil.origin import build_name, host_name

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
FLUSHED_WITHIN: Final = 2000
"""Milliseconds, at the end of a process."""

_PROPAGATOR: Final = TraceContextTextMapPropagator()


def set_up_tracing(service: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send the spans of this process by OTLP over HTTP, if the environment names an endpoint."""
    if not environ.get(ENDPOINT):
        return
    # Loaded here: a process without tracing needs none of it.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(
        resource=Resource.create({"service.name": service, "service.version": build_name(), "host.name": host_name()})
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def flush_traces() -> None:
    """Send what is not sent yet, before the process ends."""
    flush = getattr(trace.get_tracer_provider(), "force_flush", None)
    if flush is not None:
        flush(FLUSHED_WITHIN)


@contextmanager
def span(name: str, *, parent: str | None = None, **attributes: str | int) -> Iterator[trace.Span]:
    """Record a span: below `parent`, a `traceparent` of another process, or else below the current span."""
    context = _PROPAGATOR.extract({"traceparent": parent}) if parent else None
    tracer = trace.get_tracer("vigil")
    with tracer.start_as_current_span(
        name,
        context=context,
        attributes=attributes,
        # The text of an exception may hold what it choked on.
        record_exception=False,
        set_status_on_exception=False,
    ) as started:
        try:
            yield started
        except Exception as error:
            started.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def current_traceparent() -> str | None:
    """Return the current span for another process; None without tracing."""
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers)
    return headers.get("traceparent")
