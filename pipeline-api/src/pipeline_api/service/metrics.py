"""Prometheus metrics of one app: requests by route template, the build, the process.

Requests are told as OpenTelemetry's semantic conventions for HTTP servers say, in their Prometheus form.
"""

from fastapi import APIRouter, Request, Response
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from .settings import ServiceSettings
from .signals import AnyMetric, Metric

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
KNOWN_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
METHODS = (*KNOWN_METHODS, "_OTHER")
STATUSES = "status codes that this service answers with"
UNMATCHED = ""
"""The route of a request that none matches: to Prometheus, a label that is empty is not there."""

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
DURATION = Metric(
    Histogram,
    "http_server_request_duration_seconds",
    "Time from a request's head to the end of its answer.",
    {
        "http_request_method": METHODS,
        "http_route": "templates of this service's routes; empty if none matches",
        "http_response_status_code": STATUSES,
    },
    SECONDS,
)
ACTIVE = Metric(
    Gauge,
    "http_server_active_requests",
    "Requests that are being answered.",
    {"http_request_method": METHODS},
)
METRICS: tuple[AnyMetric, ...] = (TARGET, DURATION, ACTIVE)
LIBRARY = ("process_", "python_")
"""What prometheus-client tells of every Python process begins with one of these."""


class ServiceMetrics:
    """Own the registry that /metrics shows; a service registers its own metrics in `registry`."""

    def __init__(self, settings: ServiceSettings) -> None:
        # A start time per series doubles what is stored, and nobody queries it.
        disable_created_metrics()  # type: ignore[no-untyped-call] # the library does not declare that it returns None
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        TARGET.register(self.registry).labels(
            settings.package_version, settings.instance_id, settings.code_revision
        ).set(1)
        self._seconds = DURATION.register(self.registry)
        active = ACTIVE.register(self.registry)
        # labels() locks and builds tuples on each call; there are few label sets, so their children are kept.
        self._active = {method: active.labels(method) for method in METHODS}
        self._children: dict[tuple[str, str, int], Histogram] = {}

    def active(self, method: str) -> Gauge:
        """Return the gauge of the requests with this method that are being answered."""
        return self._active.get(method) or self._active["_OTHER"]

    def observe(
        self, method: str, route: str, status: int, seconds: float, trace_id: str | None = None
    ) -> None:
        """Count one request; `route` is the template, never the path, `trace_id` becomes the exemplar."""
        child = self._children.get((method, route, status)) or self._child(method, route, status)
        child.observe(seconds, {"trace_id": trace_id} if trace_id else None)

    def _child(self, method: str, route: str, status: int) -> Histogram:
        known = method if method in KNOWN_METHODS else "_OTHER"
        child = self._seconds.labels(known, route, str(status))
        if known == method:  # a made-up method must not fill the cache
            self._children[method, route, status] = child
        return child

    def router(self) -> APIRouter:
        """Return the route that Prometheus scrapes, in the format its Accept header asks for."""
        router = APIRouter()

        @router.get("/metrics", include_in_schema=False)
        async def metrics(request: Request) -> Response:
            encode, content_type = choose_encoder(request.headers.get("accept", ""))
            return Response(encode(self.registry), headers={"Content-Type": content_type})

        return router
