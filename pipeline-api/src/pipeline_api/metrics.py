"""What the gateway counts besides requests."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pipeline_api.service.database_metrics import DatabaseMetrics
from pipeline_api.service.registry import METHODS, SECONDS
from pipeline_api.service.signals import AnyMetric, Metric

SIGN_INS = Metric(
    Counter, "loopkeeper_sign_ins", "Attempts to sign in.", {"outcome": ("accepted", "refused")}
)
UPSTREAM = Metric(
    Histogram,
    "http_client_request_duration_seconds",
    "Time from a request to the data-processor to the end of its answer; if that is streamed, of its head.",
    {
        "http_request_method": METHODS,
        "http_response_status_code": "status codes of the data-processor; empty if it did not answer",
        "error_type": "connection, timeout, cancelled, or a status code from 400 on; empty if all went well",
    },
    SECONDS,
)
RESENT = Metric(
    Counter, "loopkeeper_upstream_retries", "Requests sent again because their connection was stale."
)
WEBSOCKETS = Metric(Gauge, "loopkeeper_open_websockets", "Open WebSockets.")
_FIRST_ERROR = 400

METRICS: tuple[AnyMetric, ...] = (SIGN_INS, UPSTREAM, RESENT, WEBSOCKETS)


class GatewayMetrics:
    """The gateway's own metrics, in the registry that `/metrics` shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self.sign_ins = SIGN_INS.register(registry)
        self.upstream_retries = RESENT.register(registry)
        self.websockets = WEBSOCKETS.register(registry)
        self.database = DatabaseMetrics(registry)
        self._upstream = UPSTREAM.register(registry)
        # labels() locks and builds tuples on each call; there are few label sets, so their children are kept.
        self._children: dict[tuple[str, int, str], Histogram] = {}

    def called(self, method: str, status: int, error: str, seconds: float) -> None:
        """Count a call of the data-processor; `status` is 0 if it did not answer: `error` then says why."""
        child = self._children.get((method, status, error))
        if child is None:
            kind = error or (str(status) if status >= _FIRST_ERROR else "")
            child = self._upstream.labels(method, str(status or ""), kind)
            self._children[method, status, error] = child
        child.observe(seconds)
