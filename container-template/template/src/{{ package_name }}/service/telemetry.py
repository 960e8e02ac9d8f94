"""Traces and logs over OTLP when a collector is set."""

from .logging import json_formatter
from .settings import ServiceSettings
from .spans import is_traced


def configure_telemetry(settings: ServiceSettings) -> None:
    """Send traces and logs to the settings' collector, if there is one; call after configure_logging."""
    if settings.otlp_endpoint:
        from .otlp import export_to  # noqa: PLC0415 - 0.3 s and 30 MB that only a stack needs

        resource = {
            "service.name": settings.service_name,
            "service.version": settings.package_version,
            "service.instance.id": settings.instance_id,
            "vcs.ref.head.revision": settings.code_revision,
            "deployment.environment.name": settings.stage,
        }
        export_to(settings.otlp_endpoint, resource, json_formatter(settings))


def end_telemetry() -> None:
    """Send what waits to be sent, for a moment at most: where a process ends without the interpreter."""
    if is_traced():
        from .otlp import end_export  # noqa: PLC0415 - loaded already, see above

        end_export()
