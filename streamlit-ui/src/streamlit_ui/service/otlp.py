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
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from typing_extensions import override

from .spans import trace_with
from .trace_context import RequestIds, current_request

EXPORT_S = 5.0
"""How long the collector may take for one batch."""
END_S = 2.0
"""How long a process that ends waits for its last batches to be taken."""
# The exporter's own warnings must not come back to it.
_OWN = ("opentelemetry", "urllib3", "requests")


def export_to(endpoint: str, resource: Mapping[str, str], formatter: logging.Formatter) -> None:
    """Send this process's spans, and its log lines as a formatter writes them, to a collector's base URL."""
    base = endpoint.rstrip("/")
    described = Resource.create(dict(resource))
    # Which traces are sampled is decided before a span is made (`trace_context.py`). Neither provider is set
    # globally: libraries would add spans and records of their own, which contain what users typed.
    tracers = TracerProvider(ALWAYS_ON, described, shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces", timeout=EXPORT_S)))
    trace_with(tracers.get_tracer("loopkeeper"))
    loggers = LoggerProvider(described, shutdown_on_exit=False)
    exporter = OTLPLogExporter(f"{base}/v1/logs", timeout=EXPORT_S)
    loggers.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logging.getLogger().addHandler(_OtlpHandler(loggers, formatter))
    _Exporting.providers = (tracers, loggers)
    atexit.register(end_export)


class _Exporting:
    providers: tuple[TracerProvider | LoggerProvider, ...] = ()


def end_export() -> None:
    """Send what is buffered, and wait for that a moment at most; nothing is sent afterwards."""
    providers, _Exporting.providers = _Exporting.providers, ()
    trace_with(None)
    ends = [threading.Thread(target=one.shutdown, name="end of export", daemon=True) for one in providers]
    for end in ends:
        end.start()
    for end in ends:
        end.join(END_S / len(ends))


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
