"""How good answers are, by every metric a policy may name: on all rows, or on thousands of resamples.

A measure is prepared once for some rows and then asked for its value under weights: each line of a weight
matrix says how often each row was drawn. The plain value is the one under weights of one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from data_processor.statistics.score import MOST_SLACK, PRECISION

SelectionMetric = Literal["accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss", "mae", "rmse", "r2"]
CLASSIFICATION_METRICS: tuple[SelectionMetric, ...] = (
    "accuracy",
    "balanced_accuracy",
    "f1",
    "roc_auc",
    "log_loss",
)
REGRESSION_METRICS: tuple[SelectionMetric, ...] = ("mae", "rmse", "r2")

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Measure = Callable[[Floats], Floats]
"""From weights, shape (resamples, rows), to values, shape (resamples,); NaN where there is no value."""

LOWER_IS_BETTER = frozenset({"log_loss", "mae", "rmse"})
SMALLEST_PROBABILITY = 1e-7
"""Log loss never sees a smaller one: a 32-bit model's 0 is not infinitely wrong."""


@dataclass(frozen=True, eq=False, slots=True)
class Answers:
    """What one model answered on some rows: labels or values, of which a task has either."""

    labels: NDArray[Any] | None = None
    """Classification, shape (rows,)."""
    probabilities: NDArray[Any] | None = None
    """Classification, shape (rows, classes), in the order of the model's classes."""
    values: NDArray[Any] | None = None
    """Regression, shape (rows,)."""

    def take(self, rows: "Flags") -> "Answers":
        """Return what was answered on some of the rows."""
        some = (
            None if part is None else part[rows] for part in (self.labels, self.probabilities, self.values)
        )
        return Answers(*some)


def right(truth: NDArray[Any], answers: Answers, tolerance: float = 0.0) -> Flags:
    """Say of each row whether the answer was right; a value is if it is off by at most `tolerance`.

    The same rule as the score's (`statistics/score.py: within`), for many rows.
    """
    if answers.values is not None:
        values = np.asarray(answers.values, np.float64)
        off = np.abs(values - truth.astype(np.float64))
        slack = PRECISION * np.abs(values)
        slack = np.minimum(slack, MOST_SLACK * tolerance) if tolerance else slack
        return np.asarray(off <= tolerance + slack, np.bool_)
    return np.asarray(_labels(answers) == truth, np.bool_)


def prepare(
    metric: SelectionMetric,
    truth: NDArray[Any],
    answers: Answers,
    classes: Sequence[str] = (),
    tolerance: float = 0.0,
) -> Measure:
    """Prepare a metric for rows with these true labels or values, shape (rows,).

    F1 and recall are averaged over the classes that occur, ROC AUC over one class against the rest. Raises
    `ValueError` when the metric does not suit the answers.
    """
    if metric == "accuracy":
        return _mean(right(truth, answers, tolerance))
    if metric in ("mae", "rmse", "r2"):
        if answers.values is None:
            raise ValueError(f"Metric {metric!r} is for regression, and these answers are labels.")
        return _regression(metric, truth.astype(np.float64), np.asarray(answers.values, np.float64))
    if answers.values is not None:
        raise ValueError(f"Metric {metric!r} is for classification, and these answers are values.")
    names = np.asarray(classes if len(classes) else np.unique(truth), object)
    is_true = truth[:, None] == names
    if metric in ("balanced_accuracy", "f1"):
        return _per_class(metric, is_true, _labels(answers)[:, None] == names)
    if answers.probabilities is None or answers.probabilities.shape != is_true.shape:
        raise ValueError(f"Metric {metric!r} needs a probability for each of {len(names)} classes.")
    probabilities = np.asarray(answers.probabilities, np.float64)
    if metric == "log_loss":
        given = np.clip((probabilities * is_true).sum(axis=1), SMALLEST_PROBABILITY, 1.0)
        return _mean(-np.log(given))
    return _roc_auc(is_true, probabilities)


def value(measure: Measure, rows: int) -> float:
    """Return a measure's plain value."""
    return float(measure(np.ones((1, rows)))[0])


def gain(metric: SelectionMetric, better: Floats, than: Floats) -> Floats:
    """Return by how much values are better than others, whichever direction is better."""
    return than - better if metric in LOWER_IS_BETTER else better - than


def _labels(answers: Answers) -> NDArray[Any]:
    if answers.labels is None:
        raise ValueError("These answers have neither labels nor values.")
    return np.asarray(answers.labels)


def _mean(each: NDArray[Any]) -> Measure:
    column = each.astype(np.float64)
    return lambda weights: weights @ column / weights.sum(axis=1)


def _regression(metric: str, truth: Floats, answered: Floats) -> Measure:
    error = answered - truth
    if metric == "mae":
        return _mean(np.abs(error))
    squared = _mean(error**2)
    if metric == "rmse":
        return lambda weights: np.sqrt(squared(weights))
    centred = truth - truth.mean()
    first, second = _mean(centred), _mean(centred**2)

    def r2(weights: Floats) -> Floats:
        spread = second(weights) - first(weights) ** 2
        return np.asarray(1 - squared(weights) / np.where(spread > 0, spread, np.nan))

    return r2


def _per_class(metric: str, is_true: Flags, is_answer: Flags) -> Measure:
    hits = (is_true & is_answer).astype(np.float64)
    true, answered = is_true.astype(np.float64), is_answer.astype(np.float64)

    def measure(weights: Floats) -> Floats:
        hit, support = weights @ hits, weights @ true
        if metric == "f1":
            hit, support = 2 * hit, support + weights @ answered
        share = np.divide(hit, support, out=np.zeros_like(hit), where=support > 0)
        return np.asarray(share.sum(axis=1) / (support > 0).sum(axis=1))

    return measure


def _roc_auc(is_true: Flags, probabilities: Floats) -> Measure:
    positives = (1,) if is_true.shape[1] == 2 else range(is_true.shape[1])  # noqa: PLR2004  # binary
    each = [_binary_roc_auc(is_true[:, c], probabilities[:, c]) for c in positives if is_true[:, c].any()]

    def measure(weights: Floats) -> Floats:
        if not each:
            return np.full(len(weights), np.nan)
        return np.asarray(np.mean([one(weights) for one in each], axis=0))

    return measure


def _binary_roc_auc(positive: Flags, score: Floats) -> Measure:
    """Prepare the share of (positive, negative) pairs that are ranked right, ties counting half."""
    order = np.argsort(score, kind="stable")
    sorted_score, sorted_positive = score[order], positive[order]
    starts = np.flatnonzero(np.r_[True, sorted_score[1:] != sorted_score[:-1]])

    def measure(weights: Floats) -> Floats:
        drawn = weights[:, order]
        up = np.add.reduceat(drawn * sorted_positive, starts, axis=1)
        down = np.add.reduceat(drawn * ~sorted_positive, starts, axis=1)
        below = np.cumsum(down, axis=1)
        pairs = up.sum(axis=1) * below[:, -1]
        won = (up * (below - down / 2)).sum(axis=1)
        return np.asarray(np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0))

    return measure
