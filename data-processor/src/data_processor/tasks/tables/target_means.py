"""Categories with many values, each as the mean target of its rows: cross-fitted and shrunk.

A row's own target must not be in its own input, or a model learns to trust what it will not have when it is
asked (Micci-Barreca 2001; Prokhorenkova et al. 2018). So the rows that are fitted are divided into folds, and
each gets the means of the other folds; whoever is asked later gets the means of all. Folds keep together what
belongs together: equal inputs, the rows of a group, a window of time.

A mean of few rows says little and is drawn towards the mean of all, by as much as the column deserves: by the
variance of targets within values over the variance between them, estimated by analysis of variance (Searle,
Casella & McCulloch 1992). Where values tell nothing, every mean becomes the mean of all. What a model sees is
the distance from that in standard deviations of the target, so a value it never met is 0. It is not scaled
again: what is left of noise is to stay small.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from data_processor.features.cardinality import MOST_VALUES
from data_processor.features.split import Rows
from data_processor.features.ties import windows

FOLDS = 5
MOST_SCORES = 10
"""Of more than two classes, so many have a mean each: the most frequent."""

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class TargetMeans(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Columns of texts as how far the mean target of each value is from the mean of all, in its deviations.

    A target has one mean if it is a quantity or has two classes, else one for each class.
    """

    values_: list[dict[str, int]]
    """Of each column, the place of each value among its means."""
    means_: list[NDArray[np.float32]]
    """Of each column, shape (values + 1, scores); the last row is for any other value, and 0."""

    def __init__(self, weights: Floats | None = None, folds: Places | None = None) -> None:
        """Take a weight, and a fold, for each row that is fitted; without them all are alike."""
        self.weights = weights
        self.folds = folds

    def fit(self, X: Any, y: Any) -> "TargetMeans":  # noqa: N803  # scikit-learn's name
        """Learn the means of all rows."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any) -> NDArray[np.float32]:  # noqa: N803  # as above
        """Learn the means of all rows, and return for each row those of the other folds."""
        columns = _columns(X)
        scores = target_scores(np.asarray(y))
        weights = np.ones(len(scores)) if self.weights is None else self.weights
        folds = np.arange(len(scores)) % FOLDS if self.folds is None else self.folds
        self.values_, self.means_, crossed = [], [], []
        for column in columns:
            values, which = np.unique(column.astype(str), return_inverse=True)
            means = shrunk_means(which, len(values), scores, weights)
            kept = np.sort(np.argsort(-np.bincount(which, weights, len(values)), kind="stable")[:MOST_VALUES])
            self.values_.append({str(values[place]): row for row, place in enumerate(kept)})
            self.means_.append(np.vstack([means[kept], np.zeros((1, scores.shape[1]))]).astype(np.float32))
            told = np.isin(which, kept)
            out = np.zeros((len(scores), scores.shape[1]))
            for fold in np.unique(folds):
                other, asked = folds != fold, (folds == fold) & told
                if other.any():
                    seen = shrunk_means(which[other], len(values), scores[other], weights[other])
                    out[asked] = seen[which[asked]]
            crossed.append(out)
        self.n_features_in_ = len(columns)
        return np.hstack(crossed).astype(np.float32)

    def transform(self, X: Any) -> NDArray[np.float32]:  # noqa: N803  # as above
        """Return the means, shape (rows, columns x scores)."""
        found = []
        for column, values, means in zip(_columns(X), self.values_, self.means_, strict=True):
            other = len(values)
            found.append(means[[values.get(value, other) for value in column.astype(str).tolist()]])
        return np.hstack(found)

    def __getstate__(self) -> dict[str, Any]:
        """Write a column's values as one text: skops writes an entry of a dictionary at a time."""
        state: dict[str, Any] = dict(super().__getstate__())
        if (values := state.pop("values_", None)) is not None:
            state["values_"] = [json.dumps(list(one)) for one in values]
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Read what `__getstate__` wrote."""
        read = dict(state)
        if "values_" in read:
            read["values_"] = [
                {value: place for place, value in enumerate(json.loads(one))} for one in read["values_"]
            ]
        super().__setstate__(read)


def folds_for(rows: Rows) -> Places:
    """Return the fold of each row, 0 … `FOLDS` - 1; what belongs together shares one."""
    if rows.ties.times is not None and rows.ties.groups is None:
        return windows(rows.times, FOLDS - 1)
    # Positions are random; dividing by rank stays even among rows of which others were held out by position.
    return np.asarray(np.unique(rows.positions, return_inverse=True)[1] % FOLDS, np.int64)


def target_scores(target: NDArray[Any]) -> Floats:
    """Return the target as numbers, shape (rows, scores): itself, the second class, or the frequent ones."""
    if target.dtype.kind == "f":
        return target.astype(np.float64)[:, None]
    classes, which, counts = np.unique(target.astype(str), return_inverse=True, return_counts=True)
    if len(classes) <= 2:  # noqa: PLR2004  # two classes mirror each other
        return np.asarray((which == len(classes) - 1)[:, None], np.float64)
    shown = np.sort(np.argsort(-counts, kind="stable")[:MOST_SCORES])
    return np.stack([which == one for one in shown], axis=1).astype(np.float64)


def shrunk_means(which: Places, count: int, scores: Floats, weights: Floats) -> Floats:
    """Return how far the mean scores of each value are from those of all rows, shape (count, scores).

    They are in standard deviations of the scores. `which` is the value of each row, 0 … count - 1; a value
    without a row is 0.
    """
    mass = np.bincount(which, weights, count)
    present = mass > 0
    if not present.any():
        return np.zeros((count, scores.shape[1]))
    scores = scores - np.average(scores, axis=0, weights=weights)
    deviation = np.sqrt(np.average(scores**2, axis=0, weights=weights))
    scores = np.divide(scores, deviation, out=np.zeros_like(scores), where=deviation > 0)
    # As many rows of equal weight say as much (Kish 1965).
    rows = np.divide(mass**2, np.bincount(which, weights**2, count), out=np.zeros(count), where=present)
    sums = np.stack([np.bincount(which, weights * one, count) for one in scores.T], axis=1)
    means = np.divide(sums, mass[:, None], out=np.zeros_like(sums), where=present[:, None])
    squares = np.stack([np.bincount(which, weights * one**2, count) for one in scores.T], axis=1)
    spread = np.divide(squares, mass[:, None], out=np.zeros_like(squares), where=present[:, None]) - means**2
    kinds, total = int(present.sum()), float(rows.sum())
    if kinds < 2 or total <= kinds:  # noqa: PLR2004  # nothing to tell apart, or nothing to tell it by
        return np.zeros_like(means)
    within = (rows[:, None] * np.maximum(spread, 0)).sum(axis=0) / (total - kinds)
    between = (rows[:, None] * means**2).sum(axis=0) / (kinds - 1) - within
    variance = np.maximum(between / ((total - (rows**2).sum() / total) / (kinds - 1)), 0.0)
    shrinkage = np.full_like(within, np.inf)
    np.divide(within, variance, out=shrinkage, where=variance > 0)
    counted = rows[:, None]
    believed = np.divide(counted, counted + shrinkage, out=np.zeros_like(means), where=present[:, None])
    return np.asarray(means * believed, np.float64)


def _columns(frame: Any) -> list[NDArray[np.object_]]:
    return list(np.asarray(frame, object).T)
