"""What the leak audit measures: a quick model's loss in ten pairs of folds, which see as many rows each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import GroupKFold, KFold
from threadpoolctl import threadpool_limits

from data_processor.datasets.leak_candidates import Candidate, Measured, read_column
from data_processor.datasets.profile import ColumnFacts
from data_processor.features.ties import GAP, windows
from data_processor.statistics.growth import growth
from data_processor.statistics.measures import SMALLEST_PROBABILITY
from data_processor.tasks.task import Target

FOLDS = 10
MOST_ROWS = 10_000
"""Rows that are looked at: whole groups of them, or any."""
FEWEST_ROWS = 200
MOST_INPUTS = 40
MOST_CLASSES = 10
"""Of more classes, the most frequent ones are looked at."""
INPUTS = ("numeric", "categorical", "datetime")
SEED = 1
QUICK: Mapping[str, Any] = {
    "max_iter": 40,
    "learning_rate": 0.2,
    "max_bins": 127,
    "early_stopping": False,
    "random_state": SEED,
}

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class Fold(NamedTuple):
    """What one fit sees and what it answers, by place."""

    fitted: Places
    asked: Places


class Material(NamedTuple):
    """Rows as the quick model takes them."""

    inputs: Floats
    """Shape (rows, inputs): numbers, categories by number, dates in seconds; NaN where there is nothing."""
    target: NDArray[Any]
    """Values, or the numbers of classes, shape (rows,)."""
    classes: int
    """0 if the target is a quantity."""
    ties: Floats
    """The candidate's values, shape (rows,): groups by number, or times."""

    def loss(self, fold: Fold) -> float:
        """Fit some rows, answer others, and return how wrong the answers are."""
        inputs, truth = self.inputs[fold.fitted], self.target[fold.asked]
        if not self.classes:
            model: Any = HistGradientBoostingRegressor(**QUICK).fit(inputs, self.target[fold.fitted])
            return float(np.sqrt(np.mean((model.predict(self.inputs[fold.asked]) - truth) ** 2)))
        model = HistGradientBoostingClassifier(**QUICK).fit(inputs, self.target[fold.fitted])
        given = np.zeros((len(truth), self.classes))
        given[:, model.classes_.astype(np.int64)] = model.predict_proba(self.inputs[fold.asked])
        right = given[np.arange(len(truth)), truth]
        return float(-np.log(np.clip(right, SMALLEST_PROBABILITY, 1)).mean())


def measure(
    raw: Path, columns: Sequence[ColumnFacts], target: str, candidates: Sequence[Candidate]
) -> list[Measured]:
    """Measure each candidate of a table that allows it."""
    known = {column.name: column for column in columns}
    ties = {one.column for one in candidates}
    # Candidates first: often it is by its column that a model knows a group again.
    inputs = sorted(
        (c for c in columns if c.name != target and c.kind in INPUTS), key=lambda c: c.name not in ties
    )[:MOST_INPUTS]
    facts = known[target]
    quantity = Target(target, facts.kind, facts.type in ("integer", "number"), facts.distinct).is_quantity
    usable = _usable(read_column(raw, facts).to_pandas(), quantity=quantity)
    found = []
    with threadpool_limits(1):  # nothing here is large enough for threads to pay off
        for candidate in candidates:
            some = _Sample(
                raw, _sample(read_column(raw, known[candidate.column]).to_pandas(), usable, candidate)
            )
            truth = some.column(facts)
            seen = [_numbers(some.column(one), one) for one in inputs]
            rows = Material(
                inputs=np.column_stack(seen) if seen else np.zeros((len(truth), 1)),
                target=truth.to_numpy(np.float64) if quantity else pd.factorize(truth)[0],
                classes=0 if quantity else truth.nunique(),
                ties=_numbers(some.column(known[candidate.column]), known[candidate.column]),
            )
            pairs = _by_group(rows) if candidate.by == "group" else _by_time(rows)
            if not pairs:
                continue
            before, after = (np.array([rows.loss(pair[side]) for pair in pairs]) for side in (0, 1))
            metric = "rmse" if quantity else "log_loss"
            found.append(Measured(candidate, metric, growth(before, after, len(candidates))))
    return found


class _Sample(NamedTuple):
    """Some rows of a table, of which one column is in memory at a time."""

    raw: Path
    places: Places

    def column(self, facts: ColumnFacts) -> "pd.Series[Any]":
        """Return a column of these rows."""
        values: pd.Series[Any] = read_column(self.raw, facts).take(self.places).to_pandas()
        return values


def _usable(target: "pd.Series[Any]", *, quantity: bool) -> NDArray[np.bool_]:
    """Say which rows have a target, of classes one of the most frequent."""
    if quantity:
        return np.asarray(np.isfinite(target.to_numpy(np.float64, na_value=np.nan)), np.bool_)
    return target.isin(target.value_counts().index[:MOST_CLASSES]).to_numpy(np.bool_)


def _sample(values: "pd.Series[Any]", usable: NDArray[np.bool_], candidate: Candidate) -> Places:
    """Return the places of at most `MOST_ROWS` rows with a value of the candidate: of groups whole ones."""
    places = np.flatnonzero(usable & values.notna().to_numpy(np.bool_))
    if len(places) <= MOST_ROWS:
        return places
    random = np.random.default_rng(SEED)
    if candidate.by == "time":
        return np.sort(random.choice(places, MOST_ROWS, replace=False))
    codes, groups = pd.factorize(values.iloc[places])
    rank = random.permutation(len(groups))[codes]
    return np.sort(places[np.argsort(rank, kind="stable")[:MOST_ROWS]])


def _numbers(values: "pd.Series[Any]", facts: ColumnFacts) -> Floats:
    """Return a column as numbers: dates in seconds, categories numbered in the order of their appearance."""
    if facts.type == "datetime":
        seconds = values.dt.as_unit("us").astype("int64").to_numpy(np.float64) / 1e6
        return np.where(values.isna(), np.nan, seconds)
    if facts.type in ("integer", "number"):
        return values.to_numpy(np.float64, na_value=np.nan)
    codes = pd.factorize(values)[0].astype(np.float64)
    return np.where(codes < 0, np.nan, codes)


def _by_group(rows: Material) -> list[tuple[Fold, Fold]]:
    """Return pairs of folds: of single rows, and of whole groups."""
    if len(rows.target) < FEWEST_ROWS or len(np.unique(rows.ties)) < FOLDS:
        return []
    single = KFold(FOLDS, shuffle=True, random_state=SEED).split(rows.inputs)
    grouped = GroupKFold(FOLDS).split(rows.inputs, groups=rows.ties)
    return [(Fold(*one), Fold(*other)) for one, other in zip(single, grouped, strict=True)]


def _by_time(rows: Material) -> list[tuple[Fold, Fold]]:
    """Return pairs of folds: of any rows, and of windows that are later than what is fitted."""
    times = np.unique(rows.ties, return_inverse=True)[1]
    at, random, pairs = windows(times, FOLDS), np.random.default_rng(SEED), []
    if len(times) < FEWEST_ROWS or len(np.unique(at)) <= FOLDS:
        return []
    for window in range(1, FOLDS + 1):
        asked = np.flatnonzero(at == window)
        fitted = np.flatnonzero(times < times[asked].min() - GAP)
        drawn = random.permutation(len(times))[: len(asked) + len(fitted)]
        pairs.append((Fold(drawn[len(asked) :], drawn[: len(asked)]), Fold(fitted, asked)))
    return pairs
