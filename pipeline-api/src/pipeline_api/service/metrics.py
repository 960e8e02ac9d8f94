"""Prometheus metrics of one app: requests by route template, the build, the process."""

from importlib.metadata import PackageNotFoundError, version

from fastapi import APIRouter, Request, Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from .settings import ServiceSettings

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class ServiceMetrics:
    """Own the registry that /metrics shows; a service registers its own metrics in `registry`."""

    def __init__(self, settings: ServiceSettings) -> None:
        # A start time per series doubles what is stored, and nobody queries it.
        disable_created_metrics()  # type: ignore[no-untyped-call] # the library does not declare that it returns None
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        Info("service_build", "What runs here.", registry=self.registry).info(
            {
                "service": settings.service_name,
                "stage": settings.stage,
                "version": _package_version(settings.service_name),
                "revision": settings.code_revision,
            }
        )
        self._requests = Counter(
            "http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time from a request's head to the end of its answer.",
            ("method", "route"),
            registry=self.registry,
            buckets=SECONDS,
        )
        # labels() locks and builds tuples on each call; there are few label sets, so their children are kept.
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe(
        self, method: str, route: str, status: int, seconds: float, trace_id: str | None = None
    ) -> None:
        """Count one request; `route` is the template, never the path, `trace_id` becomes the exemplar."""
        children = self._children.get((method, route, status))
        if children is None:
            children = self._child(method, route, status)
        children[0].inc()
        children[1].observe(seconds, {"trace_id": trace_id} if trace_id else None)

    def _child(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        known = method if method in KNOWN_METHODS else "OTHER"
        children = (self._requests.labels(known, route, str(status)), self._seconds.labels(known, route))
        if known == method:  # a made-up method must not fill the cache
            self._children[method, route, status] = children
        return children

    def router(self) -> APIRouter:
        """Return the route that Prometheus scrapes, in the format its Accept header asks for."""
        router = APIRouter()

        @router.get("/metrics", include_in_schema=False)
        async def metrics(request: Request) -> Response:
            encode, content_type = choose_encoder(request.headers.get("accept", ""))
            return Response(encode(self.registry), headers={"Content-Type": content_type})

        return router


def _package_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
