"""What the gateway counts besides requests."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class GatewayMetrics:
    """The gateway's own metrics, in the registry that `/metrics` shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self.sign_ins = Counter("gateway_sign_ins", "Attempts to sign in.", ("result",), registry=registry)
        self.upstream_failures = Counter(
            "gateway_upstream_failures",
            "Requests that the data-processor did not answer.",
            ("kind",),
            registry=registry,
        )
        self.upstream_retries = Counter(
            "gateway_upstream_retries",
            "Requests sent again because their connection was stale.",
            registry=registry,
        )
        self.websockets = Gauge("gateway_websockets", "Open WebSockets.", registry=registry)
