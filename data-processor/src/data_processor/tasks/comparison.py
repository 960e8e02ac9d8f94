"""How candidates compare: by what they answered on validation rows that no fit of theirs had seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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

TIED_Z = 1.96
"""A mean difference within this many standard errors does not count as one."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Tried:
    """A candidate and what it answered on the validation rows."""

    candidate: Candidate
    outputs: Floats
    """Probabilities (divisions, rows, classes) or values (divisions, rows, 1): the rows may have been divided
    into folds several times."""
    answers: Answers
    """Their mean over the divisions."""
    metrics: dict[str, float]
    fit_seconds: float
    ms_per_row: float
    bytes: int


@dataclass(frozen=True, eq=False)
class Scorer:
    """Validation rows and the metric that answers to them are compared by."""

    metric: SelectionMetric
    truth: NDArray[Any]
    """The labels or values of the rows."""
    schema: Schema
    groups: NDArray[np.float64] | None = None
    """What each row belongs to, if rows belong together."""

    def some(self, rows: "NDArray[np.bool_] | slice") -> "Scorer":
        """Return a scorer of some of the rows."""
        groups = None if self.groups is None else self.groups[rows]
        return Scorer(self.metric, self.truth[rows], self.schema, groups)

    def metrics(self, outputs: Floats) -> dict[str, float]:
        """Return the mean of each metric that has a value in every division: (divisions, rows, outputs)."""
        each = [metrics(self.truth, as_answers(one, self.schema), self.schema) for one in outputs]
        names = [name for name in each[0] if all(name in one for one in each)]
        return {name: float(np.mean([one[name] for one in each])) for name in names}

    def tried(
        self,
        candidate: Candidate,
        outputs: Floats,
        *,
        fit_seconds: float,
        ms_per_row: float,
        bytes: int,  # noqa: A002  # the field's name
    ) -> Tried:
        """Return a candidate with what it answered, measured."""
        answers = as_answers(outputs.mean(axis=0), self.schema)
        return Tried(candidate, outputs, answers, self.metrics(outputs), fit_seconds, ms_per_row, bytes)

    def ranked(self, tried: Sequence[Tried]) -> list[Tried]:
        """Return candidates best first; those for whom the metric has no value go last."""
        sign, name = (1.0 if self.metric in LOWER_IS_BETTER else -1.0), self.metric
        return sorted(tried, key=lambda one: sign * one.metrics[name] if name in one.metrics else np.inf)

    def losses(self, answers: Answers) -> Floats:
        """Return what each row adds to the mean loss of the metric, shape (rows,).

        Metrics that are not a mean over rows are compared by the loss closest to them: ROC AUC by log loss,
        F1 by right and wrong, R² by squared error. For balanced accuracy every class has the same weight. Of
        rows that belong together, shape (groups,): what each group adds.
        """
        each = self._losses(answers)
        if self.groups is None:
            return each
        found, which = np.unique(self.groups, return_inverse=True)
        return np.bincount(which, each) * len(found) / max(1, len(each))

    def _losses(self, answers: Answers) -> Floats:
        truth = self.truth
        if answers.values is not None:
            error = np.asarray(answers.values, np.float64) - truth.astype(np.float64)
            return np.abs(error) if self.metric == "mae" else error**2
        if self.metric in ("log_loss", "roc_auc") and answers.probabilities is not None:
            true = truth[:, None] == np.asarray(self.schema.classes, object)
            given = (answers.probabilities * true).sum(axis=1)
            return np.asarray(-np.log(np.clip(given, SMALLEST_PROBABILITY, 1.0)))
        wrong = (~right(truth, answers)).astype(np.float64)
        if self.metric == "balanced_accuracy" and len(truth):
            _, which, counts = np.unique(truth.astype(str), return_inverse=True, return_counts=True)
            wrong *= len(truth) / (len(counts) * counts[which])
        return wrong


def as_answers(outputs: Floats, schema: Schema) -> Answers:
    """Return a model's outputs, (rows, classes) in the schema's order or (rows, 1), as answers to compare."""
    if not schema.classes:
        return Answers(values=outputs[:, 0])
    classes = np.asarray(schema.classes, object)
    labels = classes[outputs.argmax(axis=1)] if len(outputs) else np.empty(0, object)
    return Answers(labels=labels, probabilities=outputs)


def metrics(truth: NDArray[Any], answers: Answers, schema: Schema) -> dict[str, float]:
    """Return every metric of the task that has a value on these rows."""
    names = CLASSIFICATION_METRICS if schema.classes else REGRESSION_METRICS
    values = {name: value(prepare(name, truth, answers, schema.classes), len(truth)) for name in names}
    return {name: measured for name, measured in values.items() if np.isfinite(measured)}


def tied(losses: Floats, best: Floats) -> bool:
    """Say whether the mean of paired differences cannot be told from zero."""
    difference = losses - best
    if len(difference) < 2:  # noqa: PLR2004  # one row has no spread
        return True
    error = float(difference.std(ddof=1)) / len(difference) ** 0.5
    return bool(abs(difference.mean()) <= TIED_Z * error)
