"""Export spans and log events in batches over OTLP/HTTP, from background threads.

Nothing waits for the collector: what it does not take in time is dropped, the oldest first, once 2048 spans
or log events wait; and a process that ends gives it a moment and no more.
"""

import atexit
import logging
import threading
from collections.abc import Mapping

from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from typing_extensions import override

from .spans import Span, trace_with
from .trace_context import RequestIds, current_request

EXPORT_S = 5.0
"""How long the collector may take for one batch."""
END_S = 2.0
"""How long a process that ends waits for its last batches to be taken."""
# The exporter's own warnings must not come back to it.
_OWN = ("opentelemetry", "urllib3", "requests")
_SCOPE = InstrumentationScope("loopkeeper")
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_UNSET, _FAILED = Status(StatusCode.UNSET), Status(StatusCode.ERROR)
_KINDS = {kind.name.lower(): kind for kind in SpanKind}


def export_to(endpoint: str, resource: Mapping[str, str], formatter: logging.Formatter) -> None:
    """Send this process's spans, and its log lines as a formatter writes them, to a collector's base URL."""
    base = endpoint.rstrip("/")
    described = Resource.create(dict(resource))
    # No provider is set globally: libraries would add spans and records of their own, which contain what
    # users typed. Spans need none at all (`spans.py`).
    spans = BatchSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces", timeout=EXPORT_S))
    trace_with(lambda span: spans.on_end(_readable(span, described)))
    loggers = LoggerProvider(described, shutdown_on_exit=False)
    exporter = OTLPLogExporter(f"{base}/v1/logs", timeout=EXPORT_S)
    loggers.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logging.getLogger().addHandler(_OtlpHandler(loggers, formatter))
    _Exporting.ends = (spans, loggers)
    atexit.register(end_export)


class _Exporting:
    ends: tuple[BatchSpanProcessor | LoggerProvider, ...] = ()


def end_export() -> None:
    """Send what is buffered, and wait for that a moment at most; nothing is sent afterwards."""
    exporting, _Exporting.ends = _Exporting.ends, ()
    trace_with(None)
    ends = [threading.Thread(target=one.shutdown, name="end of export", daemon=True) for one in exporting]
    for end in ends:
        end.start()
    for end in ends:
        end.join(END_S / len(ends))


def _readable(span: Span, resource: Resource) -> ReadableSpan:
    """Return a span that has ended as the exporter reads it."""
    trace_id = int(span.ids.trace_id, 16)
    parent = span.parent
    return ReadableSpan(
        span.name,
        SpanContext(trace_id, int(span.ids.span_id, 16), is_remote=False, trace_flags=_SAMPLED),
        SpanContext(trace_id, int(parent.span_id, 16), is_remote=True, trace_flags=_SAMPLED)
        if parent
        else None,
        resource,
        span.attributes,
        kind=_KINDS[span.kind],
        status=_FAILED if span.failed else _UNSET,
        start_time=span.began_ns,
        end_time=span.ended_ns,
        instrumentation_scope=_SCOPE,
    )


class _OtlpHandler(logging.Handler):
    """Pass each log line, rendered and redacted, to the OTLP exporter with the ids of the current trace."""

    def __init__(self, provider: LoggerProvider, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.addFilter(lambda record: not record.name.startswith(_OWN))
        self._logger = provider.get_logger("loopkeeper")

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            ids = current_request.get()
            self._logger.emit(
                timestamp=int(record.created * 1e9),
                context=_context(ids) if ids else None,
                # OTLP's severities step by four from DEBUG = 5, Python's levels by ten from DEBUG = 10.
                severity_number=SeverityNumber(min(24, max(1, 4 * (record.levelno // 10) + 1))),
                severity_text=record.levelname,
                body=self.format(record),
            )
        except Exception:  # noqa: BLE001 - like the standard library's handlers: a log never breaks its program
            self.handleError(record)


def _context(ids: RequestIds) -> Context:
    flags = TraceFlags(TraceFlags.SAMPLED if ids.sampled else TraceFlags.DEFAULT)
    context = SpanContext(int(ids.trace_id, 16), int(ids.span_id, 16), is_remote=False, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(context), Context())
