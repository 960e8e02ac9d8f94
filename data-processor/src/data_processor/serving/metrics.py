"""Prometheus metrics of models; labels are models and stages, never ids or user input."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096, 16384)


class ModelMetrics:
    """The metrics of one `serve` process's models."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register every metric with the service's registry."""
        of_model = ("model", "stage")
        self.predictions = Counter(
            "loopkeeper_predictions", "Inputs answered and recorded.", of_model, registry=registry
        )
        self.flags = Counter(
            "loopkeeper_prediction_flags",
            "Input values that were missing, out of range or unseen in training.",
            (*of_model, "kind"),
            registry=registry,
        )
        self.refused = Counter(
            "loopkeeper_predictions_refused",
            "Valid requests that were not answered: overloaded, unrecorded, or the model failed.",
            ("reason",),
            registry=registry,
        )
        self.waiting = Gauge("loopkeeper_waiting_rows", "Inputs waiting to be answered.", registry=registry)
        self.batch_rows = Histogram(
            "loopkeeper_batch_rows", "Inputs answered together.", registry=registry, buckets=ROWS
        )
        self.record_seconds = Histogram(
            "loopkeeper_record_seconds",
            "Time taken to write one batch of predictions to disk.",
            registry=registry,
            buckets=SECONDS,
        )
        self._engine = Gauge(
            "loopkeeper_model_engine",
            "1 for the engine that answers for a model: onnx, or scikit-learn where ONNX differs.",
            (*of_model, "engine"),
            registry=registry,
        )
        self._version = Gauge(
            "loopkeeper_model_version",
            "1 for the version that a stage serves.",
            (*of_model, "version"),
            registry=registry,
        )
        self._swaps = Counter(
            "loopkeeper_swaps",
            "Versions that a stage was to serve: swapped in, or rejected because they failed to load.",
            (*of_model, "outcome"),
            registry=registry,
        )

    def recorded(self, model: str, stage: str, rows: int, odd: Iterable[str]) -> None:
        """Count answered inputs, and by kind the values among them that were flagged."""
        self.predictions.labels(model, stage).inc(rows)
        for kind in odd:
            self.flags.labels(model, stage, kind).inc()

    def serves(self, model: str, stage: str, version: str, engine: str) -> None:
        """Note which version a stage serves now, and with which engine."""
        self.gone(model, stage)
        self._version.labels(model, stage, version).set(1)
        self._engine.labels(model, stage, engine).set(1)
        self._swaps.labels(model, stage, "served").inc()

    def failed(self, model: str, stage: str) -> None:
        """Count a version that failed to load and was not swapped in."""
        self._swaps.labels(model, stage, "failed").inc()

    def gone(self, model: str, stage: str) -> None:
        """Remove the gauges of a model that a stage no longer serves."""
        labels = {"model": model, "stage": stage}
        self._version.remove_by_labels(labels)
        self._engine.remove_by_labels(labels)
