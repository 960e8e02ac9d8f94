"""Prometheus metrics of models; labels are models and closed sets, never ids or user input."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from data_processor.service.signals import AnyMetric, Metric

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5)
CONFIDENCES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096, 16384)
Odd = tuple[str, str]
"""A feature, and the kind of flag that a value of it had."""
MODEL = {"model": "models that this stage serves"}

VERSION = {**MODEL, "version": "versions of it that answered in this process"}

PREDICTIONS = Metric(Counter, "loopkeeper_predictions", "Inputs answered and recorded.", VERSION)
DURATION = Metric(
    Histogram,
    "loopkeeper_prediction_duration_seconds",
    "Time from the arrival of a request until its predictions were on disk.",
    MODEL,
    SECONDS,
)
ANSWERS = Metric(
    Counter,
    "loopkeeper_answers",
    "Answers by class; of values, by tenth of the range that training saw; of faces, recognised or not.",
    {
        **MODEL,
        "answer": "the first 20 classes and `other`, or twelve ranges of values, or `recognised` and "
        "`not recognised`",
    },
)
CONFIDENCE = Metric(
    Histogram,
    "loopkeeper_answer_confidence",
    "Probability of the answered class, as the model gave it: of the first 64 answers of each batch.",
    MODEL,
    CONFIDENCES,
)
FEEDBACK = Metric(
    Counter,
    "loopkeeper_feedback",
    "Feedback given on predictions.",
    {**VERSION, "correct": ("true", "false"), "asked": ("true", "false")},
)
FLAGS = Metric(
    Counter,
    "loopkeeper_prediction_flags",
    "Input values that were missing, out of range, unseen in training, or ignored.",
    {
        **MODEL,
        "feature": "the first 50 inputs, and `other`",
        "kind": ("missing", "out_of_range", "unseen", "ignored", "several_faces"),
    },
)
REFUSED = Metric(
    Counter,
    "loopkeeper_predictions_refused",
    "Requests that were not answered: not valid, overloaded, unrecorded, or the model failed.",
    {**MODEL, "reason": ("invalid", "overloaded", "unrecorded", "failed")},
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
    DURATION,
    ANSWERS,
    CONFIDENCE,
    FEEDBACK,
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
        self._predictions = PREDICTIONS.register(registry)
        self._duration = DURATION.register(registry)
        self._answers = ANSWERS.register(registry)
        self._confidence = CONFIDENCE.register(registry)
        self._feedback = FEEDBACK.register(registry)
        self._flags = FLAGS.register(registry)
        self._refused = REFUSED.register(registry)
        self.waiting = WAITING.register(registry)
        self.batch_rows = BATCH_ROWS.register(registry)
        self.record_seconds = RECORD_SECONDS.register(registry)
        self._info = INFO.register(registry)
        self._swaps = SWAPS.register(registry)

    def recorded(self, model: str, version: str, rows: int, seconds: float, odd: Iterable[Odd]) -> None:
        """Count the answered inputs of one request, and by feature and kind the values that were flagged."""
        self._predictions.labels(model, version).inc(rows)
        self._duration.labels(model).observe(seconds)
        for feature, kind in odd:
            self._flags.labels(model, feature, kind).inc()

    def answered(self, model: str, answers: Iterable[tuple[str, int]], confidences: Iterable[float]) -> None:
        """Count answers by name, and some of them by how sure the model was."""
        for name, count in answers:
            self._answers.labels(model, name).inc(count)
        for confidence in confidences:
            self._confidence.labels(model).observe(confidence)

    def refused(self, model: str, reason: str, requests: int = 1) -> None:
        """Count requests that were not answered."""
        self._refused.labels(model, reason).inc(requests)

    def refusals(self, model: str) -> dict[str, int]:
        """Return how many requests to a model this process did not answer, by reason; none that is zero."""
        counted = {
            sample.labels["reason"]: int(sample.value)
            for metric in self._refused.collect()
            for sample in metric.samples
            if sample.name.endswith("_total") and sample.labels["model"] == model
        }
        return {reason: count for reason, count in counted.items() if count}

    def feedback(self, model: str, version: str, *, correct: bool, asked: bool) -> None:
        """Count what one person said of one prediction."""
        self._feedback.labels(model, version, str(correct).lower(), str(asked).lower()).inc()

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
