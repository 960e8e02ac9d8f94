"""How candidates compare: on the validation rows, in what they cost, and which of them are tied."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from sklearn.pipeline import Pipeline

from data_processor.features.schema import Schema
from data_processor.statistics.measures import (
    CLASSIFICATION_METRICS,
    LOWER_IS_BETTER,
    REGRESSION_METRICS,
    SMALLEST_PROBABILITY,
    Answers,
    SelectionMetric,
    prepare,
    right,
    value,
)
from data_processor.tasks.candidates import Candidate

LENGTH = 20
"""How many rows a leaderboard shows, beside the best of each estimator."""
TIED_Z = 1.96
"""A mean difference within this many standard errors is none."""

Floats = NDArray[np.float64]


class LeaderboardRow(BaseModel):
    """One candidate that was tried."""

    model_config = ConfigDict(frozen=True)

    candidate: Candidate
    metrics: dict[str, float]
    """On the validation rows."""
    fit_seconds: float
    """Of one fit in the search, on its sample of the rows."""
    ms_per_row: float
    """To answer one row of many, before it is compiled."""
    bytes: int
    """What the fitted numbers take in memory."""
    tied: bool
    """A paired comparison with the best cannot tell them apart."""
    recommended: bool
    """Of those that are tied it is the cheapest: the quickest to answer, then the smallest."""


@dataclass(frozen=True, eq=False, slots=True)
class Tried:
    """A candidate and what it answered on the validation rows, by fits that had not seen them."""

    candidate: Candidate
    answers: Answers
    metrics: dict[str, float]
    fit_seconds: float
    ms_per_row: float
    bytes: int


def as_answers(said: Floats, schema: Schema) -> Answers:
    """Return what a model said, (rows, classes) in the schema's order or (rows, 1), as answers to compare."""
    if not schema.classes:
        return Answers(values=said[:, 0])
    labels = np.asarray(schema.classes, object)[said.argmax(axis=1)] if len(said) else np.empty(0, object)
    return Answers(labels=labels, probabilities=said)


def metrics(truth: NDArray[Any], answers: Answers, schema: Schema) -> dict[str, float]:
    """Return every metric of the task that has a value on these rows."""
    names = CLASSIFICATION_METRICS if schema.classes else REGRESSION_METRICS
    values = {name: value(prepare(name, truth, answers, schema.classes), len(truth)) for name in names}
    return {name: measured for name, measured in values.items() if np.isfinite(measured)}


def ranked(tried: Sequence[Tried], metric: SelectionMetric) -> list[Tried]:
    """Return candidates best first; those for whom the metric has no value go last."""
    sign = 1.0 if metric in LOWER_IS_BETTER else -1.0
    return sorted(tried, key=lambda one: sign * one.metrics[metric] if metric in one.metrics else np.inf)


def leaderboard(
    tried: Sequence[Tried], metric: SelectionMetric, truth: NDArray[Any], schema: Schema
) -> list[LeaderboardRow]:
    """Return the best candidates and the best of each estimator, best first.

    The first is the one that meets the gate. Which of those tied with it is the cheapest is for a person to
    weigh: a tie says that these rows cannot tell them apart, not that they are alike.
    """
    order = ranked(tried, metric)
    estimators: set[str] = set()
    rows = []
    losses = row_losses(metric, truth, order[0].answers, schema) if order else np.empty(0)
    for place, one in enumerate(order):
        if place >= LENGTH and one.candidate.estimator in estimators:
            continue
        estimators.add(one.candidate.estimator)
        rows.append(
            LeaderboardRow(
                candidate=one.candidate,
                metrics=one.metrics,
                fit_seconds=round(one.fit_seconds, 4),
                ms_per_row=round(one.ms_per_row, 5),
                bytes=one.bytes,
                tied=tied(row_losses(metric, truth, one.answers, schema), losses),
                recommended=False,
            )
        )
    return recommend(rows)


def recommend(rows: Sequence[LeaderboardRow]) -> list[LeaderboardRow]:
    """Return the rows with the cheapest of the tied ones recommended."""
    cheapest = min(
        (place for place, row in enumerate(rows) if row.tied),
        key=lambda place: (rows[place].ms_per_row, rows[place].bytes),
        default=None,
    )
    return [row.model_copy(update={"recommended": place == cheapest}) for place, row in enumerate(rows)]


def row_losses(metric: SelectionMetric, truth: NDArray[Any], answers: Answers, schema: Schema) -> Floats:
    """Return what each row adds to a metric's loss, shape (rows,).

    Metrics that are no mean over rows are compared by the loss closest to them: ROC AUC by log loss, F1 by
    right and wrong, R² by squared error. For balanced accuracy every class has the same weight.
    """
    if answers.values is not None:
        error = np.asarray(answers.values, np.float64) - truth.astype(np.float64)
        return np.abs(error) if metric == "mae" else error**2
    if metric in ("log_loss", "roc_auc") and answers.probabilities is not None:
        given = (answers.probabilities * (truth[:, None] == np.asarray(schema.classes, object))).sum(axis=1)
        return np.asarray(-np.log(np.clip(given, SMALLEST_PROBABILITY, 1.0)))
    wrong = (~right(truth, answers)).astype(np.float64)
    if metric == "balanced_accuracy" and len(truth):
        _, which, counts = np.unique(truth.astype(str), return_inverse=True, return_counts=True)
        wrong *= len(truth) / (len(counts) * counts[which])
    return wrong


def tied(losses: Floats, best: Floats) -> bool:
    """Say whether the mean of paired differences cannot be told from none."""
    difference = losses - best
    if len(difference) < 2:  # noqa: PLR2004  # one row has no spread
        return True
    error = float(difference.std(ddof=1)) / len(difference) ** 0.5
    return bool(abs(difference.mean()) <= TIED_Z * error)


def size(pipeline: Pipeline) -> int:
    """Return how many bytes the fitted numbers of a pipeline's model take in memory."""
    model = pipeline.named_steps["model"]
    if hasattr(model, "_predictors"):
        return sum(tree.nodes.nbytes for stage in model._predictors for tree in stage)  # noqa: SLF001  # no public way
    if hasattr(model, "estimators_"):
        states = (tree.tree_.__getstate__() for tree in model.estimators_)
        return sum(state["nodes"].nbytes + state["values"].nbytes for state in states)
    return int(np.asarray(model.coef_).nbytes + np.asarray(model.intercept_).nbytes)
