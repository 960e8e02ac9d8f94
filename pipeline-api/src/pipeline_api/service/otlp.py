"""Export spans and log events in batches over OTLP/HTTP, from background threads."""

import logging
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import DEFAULT_OFF, DEFAULT_ON, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes
from typing_extensions import override

from .logging import json_formatter
from .settings import ServiceSettings

UNTRACED_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})


def export_to(endpoint: str, settings: ServiceSettings) -> None:
    """Send this process's spans and logs to the collector at a base URL; send what is buffered at exit."""
    base = endpoint.rstrip("/")
    resource = Resource.create(
        {
            "service.name": settings.service_name,
            "service.version": settings.code_revision,
            "deployment.environment.name": settings.stage,
        }
    )
    tracer_provider = TracerProvider(_SkipHealth(), resource)
    tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces")))
    trace.set_tracer_provider(tracer_provider)
    # Not set globally: FastAPI would add records of its own, which contain what users typed.
    logger_provider = LoggerProvider(resource)
    logger_provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{base}/v1/logs")))
    logging.getLogger().addHandler(_OtlpHandler(logger_provider, settings))


class _SkipHealth(Sampler):
    """Follow the caller's decision, sample where there is none, and never trace probes and scrapes."""

    @override
    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        probe = attributes is not None and attributes.get("url.path") in UNTRACED_PATHS
        sampler = DEFAULT_OFF if probe else DEFAULT_ON
        return sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    @override
    def get_description(self) -> str:
        return "SkipHealth"


class _OtlpHandler(logging.Handler):
    """Pass each log line, rendered and redacted as JSON, to the OTLP exporter with the current span's ids."""

    def __init__(self, provider: LoggerProvider, settings: ServiceSettings) -> None:
        super().__init__()
        self.setFormatter(json_formatter(settings))
        # The exporter's own warnings must not come back to it.
        self.addFilter(lambda record: not record.name.startswith(("opentelemetry", "urllib3")))
        self._logger = provider.get_logger(settings.service_name)

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self._logger.emit(
            timestamp=int(record.created * 1e9),
            # OTLP's severities step by four from DEBUG = 5, Python's levels by ten from DEBUG = 10.
            severity_number=SeverityNumber(min(24, max(1, 4 * (record.levelno // 10) + 1))),
            severity_text=record.levelname,
            body=self.format(record),
        )
