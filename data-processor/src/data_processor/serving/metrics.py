"""Prometheus metrics of models; labels are models and closed sets, never ids or user input."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from data_processor.service.signals import AnyMetric, Metric

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096, 16384)
MODEL = {"model": "models that this stage serves"}

PREDICTIONS = Metric(Counter, "loopkeeper_predictions", "Inputs answered and recorded.", MODEL)
FLAGS = Metric(
    Counter,
    "loopkeeper_prediction_flags",
    "Input values that were missing, out of range, unseen in training, or ignored.",
    {**MODEL, "kind": ("missing", "out_of_range", "unseen", "ignored")},
)
REFUSED = Metric(
    Counter,
    "loopkeeper_predictions_refused",
    "Valid requests that were not answered: overloaded, unrecorded, or the model failed.",
    {"reason": ("overloaded", "unrecorded", "failed")},
)
WAITING = Metric(Gauge, "loopkeeper_waiting_rows", "Inputs waiting to be answered.")
BATCH_ROWS = Metric(Histogram, "loopkeeper_batch_rows", "Inputs answered together.", buckets=ROWS)
RECORD_SECONDS = Metric(
    Histogram,
    "loopkeeper_record_seconds",
    "Time taken to write one batch of predictions to disk.",
    buckets=SECONDS,
)
INFO = Metric(
    Gauge,
    "loopkeeper_model_info",
    "1 for the version that is served and the engine that answers: onnx, or scikit-learn where ONNX differs. "
    "Other metrics of a model are joined with its version by this one.",
    {**MODEL, "version": "the version that is served, one at a time", "engine": ("onnx", "scikit-learn")},
)
SWAPS = Metric(
    Counter,
    "loopkeeper_swaps",
    "Versions that were to be served: swapped in, or rejected because they failed to load.",
    {**MODEL, "outcome": ("served", "failed")},
)
METRICS: tuple[AnyMetric, ...] = (
    PREDICTIONS,
    FLAGS,
    REFUSED,
    WAITING,
    BATCH_ROWS,
    RECORD_SECONDS,
    INFO,
    SWAPS,
)


class ModelMetrics:
    """The metrics of one `serve` process's models."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register every metric with the service's registry."""
        self.predictions = PREDICTIONS.register(registry)
        self.flags = FLAGS.register(registry)
        self.refused = REFUSED.register(registry)
        self.waiting = WAITING.register(registry)
        self.batch_rows = BATCH_ROWS.register(registry)
        self.record_seconds = RECORD_SECONDS.register(registry)
        self._info = INFO.register(registry)
        self._swaps = SWAPS.register(registry)

    def recorded(self, model: str, rows: int, odd: Iterable[str]) -> None:
        """Count answered inputs, and by kind the values among them that were flagged."""
        self.predictions.labels(model).inc(rows)
        for kind in odd:
            self.flags.labels(model, kind).inc()

    def serves(self, model: str, version: str, engine: str) -> None:
        """Note which version of a model is served now, and with which engine."""
        self.gone(model)
        self._info.labels(model, version, engine).set(1)
        self._swaps.labels(model, "served").inc()

    def failed(self, model: str) -> None:
        """Count a version that failed to load and was not swapped in."""
        self._swaps.labels(model, "failed").inc()

    def gone(self, model: str) -> None:
        """Remove the gauges of a model that is no longer served."""
        self._info.remove_by_labels({"model": model})
