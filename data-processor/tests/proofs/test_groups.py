"""Rows that belong together: equal models are seldom promoted, and nothing is ever on two sides."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from data_processor.features.schema import Column, Holdout, Schema
from data_processor.features.split import FEEDBACK_COLUMN, PREDICTION_COLUMN, Rows, prepare_data
from data_processor.features.ties import GAP, Cutoff, Fitted
from data_processor.models.policy import Policy
from data_processor.statistics import gate
from data_processor.statistics.gate import Answers
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.tables.trials import make_ground
from data_processor.tasks.texts.folds import divide
from data_processor.training.evaluation import compared_rows, fold_rows, folds_of_test

Groups = NDArray[np.int64]
Flags = NDArray[np.bool_]
Rate = Callable[[int, int, float], None]
CLASSES = ("no", "yes")
CORRELATION = 0.5
ALL = 1_000
GATES = 6


def _right(rng: np.random.Generator, groups: Groups, share: float) -> Flags:
    """Return which answers are right: within a group correlated by one half, each its own or the group's."""
    shared = rng.random(groups.max() + 1) < share
    return np.where(
        rng.random(len(groups)) < CORRELATION**0.5, shared[groups], rng.random(len(groups)) < share
    )


@pytest.mark.parametrize("count", [10, 40])
@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_equal_models_pass_in_at_most_5_of_100_sequences_of_gates_with_correlated_groups(
    seeds: range, at_most: Rate, count: int, metric: str
) -> None:
    promoted = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(count), rng.integers(5, 16, count))
        truth = np.resize(np.array(CLASSES, object), len(groups))
        said = []
        for _ in range(GATES + 1):
            right = _right(rng, groups, 0.7)
            sure = np.clip(np.where(right, 0.7, 0.3) + rng.normal(0, 0.05, len(groups)), 0.02, 0.98)
            yes = np.where(truth == "yes", sure, 1 - sure)
            labels = np.where(yes > 0.5, "yes", "no").astype(object)
            said.append(Answers(labels=labels, probabilities=np.c_[1 - yes, yes]))
        receipts = (
            gate.decide(
                slice="reference",
                labels=truth,
                champion=said[0],
                challenger=challenger,
                metric=metric,  # type: ignore[arg-type]  # parametrize gives str
                policy=Policy(),
                k=k,
                seed=seed,
                classes=CLASSES,
                groups=groups,
            )
            for k, challenger in enumerate(said[1:], start=1)
        )
        promoted += any(receipt.verdict == "promote" for receipt in receipts)
    at_most(promoted, len(seeds), 0.05)


BY = {
    "group": Holdout(by="group", column="engine"),
    "time": Holdout(by="time", column="day"),
    "both": Holdout(by="group", column="engine", time="day"),
}
ROWS, FEEDBACK, KNOWN = 600, 200, 30
CUT = 40.0
"""The last day that the champion was fitted to, by time."""


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("by_score", [True, False])
def test_no_fit_sees_a_group_that_it_answers_or_a_row_that_is_not_earlier(
    seeds: range, by: str, by_score: bool
) -> None:
    """Of a thousand seeds every fourth, of few every tenth: every fit of search and gate is looked at."""
    champion = Fitted(BY[by], Cutoff(time=CUT, feedback=0) if by != "group" else None)
    answered = 0
    for seed in seeds[:: 4 if len(seeds) == ALL else 10]:
        frame = _table(seed)
        split = prepare_data(
            frame, _schema(BY[by]), f"salt {seed}", KNOWN, validate_on_recent=by_score, champion=champion
        )
        _check(split.before_holdout, split.holdout, gap=0)
        assert not _ids(split.allowed) & _ids(split.holdout)
        at, compared = folds_of_test(split), compared_rows(split)
        for fold in np.unique(at[compared]):
            asked = split.test.take((at == fold) & compared)
            _check(fold_rows(split, at == fold), asked)
            answered += len(asked)
        ground = make_ground(split, 60.0, seed)
        for fold in ground.folds:
            _, fitted = ground.part(Candidate(estimator="ridge", params={}), fold)
            _check(fitted, ground.validation.take(fold))
            assert not _ids(fitted) & _ids(split.test)
        material = divide(split, ROWS, seed)
        for fold in range(len(material.folds)):
            part = material.part(fold, "natural")
            _check(material.rows.take(part.fitted), material.rows.take(part.asked))
        if by != "group":
            days = frame.set_index(PREDICTION_COLUMN)["day"]
            compared_days = days[sorted(_ids(split.holdout.unseen()) | _ids(split.test.unseen()))].dropna()
            assert (compared_days > CUT).all()
    assert answered > 0 or not by_score


def _check(fitted: Rows, asked: Rows, gap: int = GAP) -> None:
    assert not _ids(fitted) & _ids(asked)
    if asked.ties.groups is not None:
        assert fitted.ties.groups is not None
        assert not np.isin(fitted.ties.groups, asked.ties.groups).any()
    if asked.ties.times is not None and len(asked) and len(fitted):
        assert fitted.times.max() < asked.times.min() - gap


def _schema(by: Holdout) -> Schema:
    kinds = {"engine": "identifier", "day": "numeric", "x": "numeric", "life": "numeric"}
    columns = tuple(Column.model_validate({"name": name, "kind": kind}) for name, kind in kinds.items())
    return Schema(task="tabular-regression", target="life", columns=columns, holdout=by)


def _table(seed: int) -> pd.DataFrame:
    """Return engines over 60 days, the last rows feedback on old and new engines, some of it without a day.

    Every row has an id where feedback has its prediction's.
    """
    rng = np.random.default_rng(seed)
    rows = ROWS + FEEDBACK
    engine, start = rng.integers(0, 90, rows), rng.integers(0, 50, 90)
    day = start[engine] + rng.integers(0, 8, rows).astype(float)
    day[ROWS:] = np.where(rng.random(FEEDBACK) < 0.3, np.nan, rng.integers(55, 80, FEEDBACK))
    numbers = np.r_[np.zeros(ROWS, int), rng.permutation(FEEDBACK) + 1]
    return pd.DataFrame(
        {
            "engine": engine,
            "day": day,
            "x": rng.normal(size=rows).round(2),
            "life": rng.normal(size=rows),
            PREDICTION_COLUMN: [f"row {number}" for number in range(rows)],
            FEEDBACK_COLUMN: numbers,
        }
    )


def _ids(rows: Rows) -> set[str]:
    return set(rows.predictions.tolist())
