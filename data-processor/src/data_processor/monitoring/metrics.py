"""The metrics of the loop, declared: what the records say of models, whoever reads them."""

from typing import get_args

from prometheus_client import Counter, Gauge

from data_processor.feedback.controller import ModelState
from data_processor.service.signals import AnyMetric, Metric
from data_processor.statistics.terms import DriftVerdict

MODEL = {"model": "models that this stage serves"}
SOURCE = {**MODEL, "source": ("deciding", "asked", "volunteered", "estimate")}
FEATURE = {**MODEL, "feature": "features of a model, the first 50 that a report names"}
KIND = {"kind": "kinds of runs"}

LEADER = Metric(Gauge, "loopkeeper_worker_leader", "1 for the worker that leads its stage.")
SCORE = Metric(Gauge, "loopkeeper_score", "Share of right answers.", SOURCE)
SCORE_LOW = Metric(Gauge, "loopkeeper_score_low", "Lower end of its 95 % interval.", SOURCE)
SCORE_HIGH = Metric(Gauge, "loopkeeper_score_high", "Upper end of its 95 % interval.", SOURCE)
SCORE_PREDICTIONS = Metric(
    Gauge, "loopkeeper_score_predictions", "How many predictions the score rests on.", SOURCE
)
THRESHOLD = Metric(
    Gauge, "loopkeeper_score_threshold", "The score below which the model is to be retrained.", MODEL
)
STATE = Metric(
    Gauge,
    "loopkeeper_controller_state",
    "1 for the state that the model is in.",
    {**MODEL, "state": get_args(ModelState)},
)
SERVING = Metric(
    Gauge,
    "loopkeeper_serving_version_info",
    "1 for the version that the stage serves.",
    {**MODEL, "version": "the version that is served, one at a time", "task": "tasks"},
)
SERVING_SINCE = Metric(
    Gauge, "loopkeeper_serving_since_timestamp_seconds", "When the stage began to serve it.", MODEL
)
TRAINED = Metric(Gauge, "loopkeeper_serving_trained_timestamp_seconds", "When it was trained.", MODEL)
LAST_FEEDBACK = Metric(
    Gauge,
    "loopkeeper_feedback_last_timestamp_seconds",
    "When feedback on the serving version last came in.",
    MODEL,
)
PROMOTIONS = Metric(
    Counter,
    "loopkeeper_promotions",
    "Entries of the ledger.",
    {**MODEL, "kind": ("promotion", "rollback", "adoption"), "by": ("platform", "person")},
)
OPEN_RUNS = Metric(
    Gauge, "loopkeeper_runs_open", "Runs that have not ended.", {**KIND, "status": ("queued", "running")}
)
OLDEST_QUEUED = Metric(
    Gauge,
    "loopkeeper_runs_oldest_queued_timestamp_seconds",
    "Since when the oldest queued run waits.",
    KIND,
)
DRIFT_AT = Metric(
    Gauge,
    "loopkeeper_drift_report_timestamp_seconds",
    "When the last drift report of the serving version was made.",
    MODEL,
)
DRIFT_VERDICT = Metric(
    Gauge, "loopkeeper_drift_verdict", "1 for its verdict.", {**MODEL, "verdict": get_args(DriftVerdict)}
)
DRIFT_ROWS = Metric(
    Gauge, "loopkeeper_drift_rows", "Rows that it compared.", {**MODEL, "side": ("reference", "current")}
)
DRIFT_FEATURES = Metric(Gauge, "loopkeeper_drift_features", "How many features drifted.", MODEL)
FEATURE_DRIFT = Metric(Gauge, "loopkeeper_feature_drift", "1 if the feature drifted.", FEATURE)
FEATURE_DISTANCE = Metric(Gauge, "loopkeeper_feature_drift_distance", "How far it moved.", FEATURE)
FEATURE_THRESHOLD = Metric(
    Gauge, "loopkeeper_feature_drift_threshold", "The least distance, or index, that counts.", FEATURE
)
FEATURE_INDEX = Metric(Gauge, "loopkeeper_feature_drift_psi", "Its population stability index.", FEATURE)
FEATURE_P = Metric(
    Gauge, "loopkeeper_feature_drift_p_value", "How probable such a distance is by chance.", FEATURE
)
FEATURE_ROWS = Metric(Gauge, "loopkeeper_feature_drift_rows", "Its recent rows that were compared.", FEATURE)
FEATURE_DIRECTION = Metric(
    Gauge, "loopkeeper_feature_drift_direction", "1 if it is higher, -1 if lower, else 0.", FEATURE
)
METRICS: tuple[AnyMetric, ...] = (
    LEADER,
    SCORE,
    SCORE_LOW,
    SCORE_HIGH,
    SCORE_PREDICTIONS,
    THRESHOLD,
    STATE,
    SERVING,
    SERVING_SINCE,
    TRAINED,
    LAST_FEEDBACK,
    PROMOTIONS,
    OPEN_RUNS,
    OLDEST_QUEUED,
    DRIFT_AT,
    DRIFT_VERDICT,
    DRIFT_ROWS,
    DRIFT_FEATURES,
    FEATURE_DRIFT,
    FEATURE_DISTANCE,
    FEATURE_THRESHOLD,
    FEATURE_INDEX,
    FEATURE_P,
    FEATURE_ROWS,
    FEATURE_DIRECTION,
)
