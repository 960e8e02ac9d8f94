"""Traces and logs over OTLP when a collector is set.

Spans are FastAPI's own: it makes them, named by route template, as soon as a tracer provider is set.
"""

from .settings import ServiceSettings


def configure_telemetry(settings: ServiceSettings) -> None:
    """Send traces and logs to the settings' collector, if there is one; call after configure_logging."""
    if settings.otlp_endpoint:
        from .otlp import export_to  # noqa: PLC0415 - 0.3 s and 30 MB that only a stack needs

        export_to(settings.otlp_endpoint, settings)
