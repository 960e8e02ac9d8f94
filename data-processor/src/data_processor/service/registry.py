"""The registry that `/metrics` of one process shows: it tells what runs here, and what it uses."""

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

from .signals import Metric

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
KNOWN_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
METHODS = (*KNOWN_METHODS, "_OTHER")
TARGET = Metric(
    Gauge,
    "target_info",
    "What runs here.",
    {
        "service_version": "version of the package",
        "service_instance_id": "name of this replica, new at each start unless it is set",
        "vcs_ref_head_revision": "revision of the code, as the build recorded it",
    },
)
LIBRARY = ("process_", "python_")
"""What prometheus-client tells of every Python process begins with one of these."""


def new_registry(version: str, instance_id: str, revision: str) -> CollectorRegistry:
    """Return a registry with `TARGET` and what the library tells of every process."""
    # A start time per series doubles what is stored, and nobody queries it.
    disable_created_metrics()  # type: ignore[no-untyped-call] # the library does not declare that it returns None
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    TARGET.register(registry).labels(version, instance_id, revision).set(1)
    return registry


def show(registry: CollectorRegistry, request: Request) -> Response:
    """Answer whoever scrapes, in the format that the Accept header asks for."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"Content-Type": content_type})
