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
DESTINATIONS = (
    "{model}/actions/predict",
    "{model}/actions/feedback",
    "{model}/actions/recognize",
    "{model}/actions/train",
    "pictures/actions/upload",
    "face-box/actions/update-box",
    "image-processing/actions/crop",
    "image-processing/actions/black-and-white",
    "other",
)
PROCESSED = Metric(
    Histogram,
    "messaging_process_duration_seconds",
    "Time from the arrival of a request over MQTT until the broker has its answer.",
    {
        "messaging_destination_template": DESTINATIONS,
        "error_type": "status of the error that was answered, from 400 on; empty if all went well",
    },
    SECONDS,
)
CONSUMED = Metric(
    Counter,
    "messaging_client_consumed_messages",
    "Requests that arrived over MQTT, repeated ones too.",
    {"messaging_destination_template": DESTINATIONS},
)
SENT = Metric(Counter, "messaging_client_sent_messages", "Answers that the MQTT broker took.")
LEFT_OUT = Metric(
    Counter,
    "loopkeeper_mqtt_unanswered_messages",
    "Messages over MQTT without an answer: sent without a guarantee (QoS 0) while too many waited, by nobody "
    "known, or again shortly after their answer was sent.",
    {"reason": ("backlog", "sender", "repeated")},
)
CONNECTED = Metric(Gauge, "loopkeeper_mqtt_connected", "1 while the gateway is connected to the MQTT broker.")
_FIRST_ERROR = 400

METRICS: tuple[AnyMetric, ...] = (
    *(SIGN_INS, UPSTREAM, RESENT, WEBSOCKETS),
    *(PROCESSED, CONSUMED, SENT, LEFT_OUT, CONNECTED),
)


class GatewayMetrics:
    """The gateway's own metrics, in the registry that `/metrics` shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self.sign_ins = SIGN_INS.register(registry)
        self.upstream_retries = RESENT.register(registry)
        self.websockets = WEBSOCKETS.register(registry)
        self.database = DatabaseMetrics(registry)
        self._upstream = UPSTREAM.register(registry)
        self._processed = PROCESSED.register(registry)
        for destination in DESTINATIONS:
            self._processed.labels(destination, "")
        self.consumed = CONSUMED.register(registry)
        self.sent = SENT.register(registry)
        self.unanswered = LEFT_OUT.register(registry)
        self.mqtt_connected = CONNECTED.register(registry)
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

    def processed(self, destination: str, status: int, seconds: float) -> None:
        """Count a request over MQTT by the status of its answer."""
        error = str(status) if status >= _FIRST_ERROR else ""
        self._processed.labels(destination, error).observe(seconds)
