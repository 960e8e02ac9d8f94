"""Prometheus metrics of one app: requests by route template, the build, the process.

Requests are told as OpenTelemetry's semantic conventions for HTTP servers say, in their Prometheus form.
"""

from fastapi import APIRouter, Request, Response
from prometheus_client import Gauge, Histogram

from .registry import KNOWN_METHODS, METHODS, SECONDS, TARGET, new_registry, show
from .settings import ServiceSettings
from .signals import AnyMetric, Metric

STATUSES = "status codes that this service answers with"
UNMATCHED = ""
"""The route of a request that none matches: to Prometheus, a label that is empty is not there."""

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


class ServiceMetrics:
    """Own the registry that /metrics shows; a service registers its own metrics in `registry`."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.registry = new_registry(settings.package_version, settings.instance_id, settings.code_revision)
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
            return show(self.registry, request)

        return router
