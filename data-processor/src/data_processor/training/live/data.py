"""What a live run learns from and is measured on: rows as numbers, and targets as a learner takes them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse

from data_processor.features.schema import Schema
from data_processor.features.split import Rows, Split
from data_processor.statistics.measures import SMALLEST_PROBABILITY, SelectionMetric, prepare, value
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.comparison import as_answers
from data_processor.tasks.registry import row_task_of
from data_processor.tasks.task import Prepared

MOST_SAMPLED = 5_000
"""Rows that the training loss is measured on."""
MOST_VALIDATED = 20_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LiveData:
    """The rows of a live run, prepared; targets are places of classes, or values on a scale of learning."""

    schema: Schema
    metric: SelectionMetric
    prepared: Prepared
    features: Any
    """Shape (rows, columns), dense or sparse."""
    target: NDArray[Any]
    uniform: Floats
    """A weight of one for each row."""
    balanced: Floats
    """Weights by which every class has the same together."""
    sample: Any
    """Some of the training rows, on which they are measured."""
    sample_target: NDArray[Any]
    sample_truth: NDArray[Any]
    """The same in the words of the table."""
    validation: Any
    validation_target: NDArray[Any]
    validation_truth: NDArray[Any]
    offset: float
    scale: float
    """Of values: what is learnt is how many times the scale they are above the offset."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes in the order of their places; none for values."""
        return tuple(self.schema.classes)

    def loss(self, target: NDArray[Any], outputs: Floats) -> float:
        """Return the mean log loss of probabilities, or the mean squared error on the scale of learning."""
        if not self.labels:
            return float(np.square(outputs[:, 0] - target).mean())
        given = outputs[np.arange(len(target)), target]
        return float(-np.log(np.clip(given, SMALLEST_PROBABILITY, 1.0)).mean())

    def value(self, outputs: Floats, *, sample: bool = False) -> float:
        """Return the metric of what the validation rows, or the sample, are answered; NaN if it has none."""
        if not np.isfinite(outputs).all():
            return float("nan")
        truth = self.sample_truth if sample else self.validation_truth
        if not self.labels:
            outputs = outputs * self.scale + self.offset
        answers = as_answers(outputs, self.schema)
        return value(prepare(self.metric, truth, answers, self.schema.classes), len(truth))


def prepare_live(split: Split, candidate: Candidate, metric: SelectionMetric, seed: int) -> LiveData:
    """Prepare the rows of a split; raises `TooFewRowsError`.

    It learns from `fitting` alone, without rows that are tied to those the gate decides on.
    """
    schema = split.schema
    learnt = split.fitting.apart_from(split.test)
    prepared = row_task_of(schema.task).learner.prepare(candidate, learnt, schema)
    rows, features = prepared.rows, _contiguous(prepared.features)
    validating = _some(split.validation, MOST_VALIDATED, seed)
    offset, scale = 0.0, 1.0
    if not schema.classes:
        offset = float(np.median(rows.target))
        scale = float(rows.target.std()) or 1.0
    target, sampled = _target(rows, schema, offset, scale), _places(len(rows), MOST_SAMPLED, seed)
    return LiveData(
        schema=schema,
        metric=metric,
        prepared=prepared,
        features=features,
        target=target,
        uniform=np.ones(len(rows)),
        balanced=_balanced(target) if schema.classes else np.ones(len(rows)),
        sample=features[sampled],
        sample_target=target[sampled],
        sample_truth=rows.target[sampled],
        validation=_contiguous(prepared.columns.transform(validating.frame)),
        validation_target=_target(validating, schema, offset, scale),
        validation_truth=validating.target,
        offset=offset,
        scale=scale,
    )


def _target(rows: Rows, schema: Schema, offset: float, scale: float) -> NDArray[Any]:
    if schema.classes:
        return np.searchsorted(np.asarray(schema.classes, object), rows.target)
    return (rows.target.astype(np.float64) - offset) / scale


def _balanced(places: NDArray[Any]) -> Floats:
    counts = np.bincount(places)
    return np.asarray(len(places) / (len(counts) * counts[places]), np.float64)


def _some(rows: Rows, most: int, seed: int) -> Rows:
    return rows if len(rows) <= most else rows.take(_places(len(rows), most, seed))


def _places(count: int, most: int, seed: int) -> NDArray[np.int64]:
    """Return the places of up to so many rows, in order."""
    drawn = np.random.default_rng(seed).permutation(count)[:most]
    return np.sort(drawn)


def _contiguous(features: Any) -> Any:
    sparse: Any = csr_matrix
    return sparse(features) if issparse(features) else np.ascontiguousarray(features)
