"""What champion and challenger answer on the rows that the gate decides on, which neither has seen."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from data_processor.features import holdout
from data_processor.features.packing import pack
from data_processor.features.schema import Schema
from data_processor.features.split import Rows, Split
from data_processor.models.policy import Policy
from data_processor.statistics.gate import Receipt, Slice, decide
from data_processor.statistics.measures import Answers
from data_processor.statistics.receipt import SliceName
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.comparison import as_answers, metrics
from data_processor.tasks.fitting import fit
from data_processor.tasks.pipelines import answer
from data_processor.tasks.task import Engine
from data_processor.training.metrics import deciding_metric

FOLDS = 5
"""Folds of the recent test rows: each is answered by a fit on the others."""


@dataclass(frozen=True, slots=True)
class Champion:
    """The version that holds the stage: how to ask it, and the columns and classes it knows."""

    engine: Engine
    schema: Schema


def fit_final(split: Split, candidate: Candidate, seed: int) -> Pipeline:
    """Fit the chosen candidate on every row it may ever see: all but the holdout side."""
    return fit(candidate, split.allowed, split.schema, seed)


def fold_rows(split: Split, fold: NDArray[np.bool_]) -> Rows:
    """Return what the fit that answers a fold of the test rows may see: no row of it, and no input of it.

    `fold` says of each test row whether it is in the fold. Old rows with the same inputs are left out too
    (the statistics' *What is held out*: equal inputs are never on two sides).
    """
    others = ~fold & ~holdout.on_holdout(split.test.positions)
    return split.fitting.without(split.test.take(fold)).join(split.validation, split.test.take(others))


def cross_fit(split: Split, candidate: Candidate, seed: int) -> Answers:
    """Return the candidate's answers on the test rows, each by a fit on all allowed rows but its fold's."""
    test = split.test
    outputs = np.zeros((len(test), max(1, len(split.schema.classes))))
    at = holdout.folds(test.positions, FOLDS)

    def answer_fold(fold: NDArray[np.bool_]) -> None:
        fitted = fit(candidate, fold_rows(split, fold), split.schema, seed)
        outputs[fold] = answer(fitted, test.frame[fold])

    Parallel(n_jobs=-1, prefer="threads")(delayed(answer_fold)(at == number) for number in np.unique(at))
    return as_answers(outputs, split.schema)


def evaluate(
    split: Split,
    candidate: Candidate,
    pipeline: Pipeline,
    policy: Policy,
    *,
    champion: Champion | None,
    k: int,
    seed: int,
    by_score: bool,
) -> Receipt:
    """Let the gate decide on the chosen candidate, whose last fit is `pipeline`; `k` counts this gate.

    A run that the score opened (`by_score`) decides on recent test rows, even if there are none (the
    statistics' *The gate*); any other, and the first, on holdout rows. The receipt shows both if there are
    rows.
    """
    by_recent = by_score and champion is not None
    on_holdout = Slice(
        split.holdout.target,
        champion_answers(champion, split.holdout, split.schema),
        as_answers(answer(pipeline, split.holdout.frame), split.schema),
    )
    on_test = None
    if champion is not None and (by_score or len(split.test)):
        on_test = Slice(
            split.test.target,
            champion_answers(champion, split.test, split.schema),
            cross_fit(split, candidate, seed),
        )
    deciding, other = (on_test, on_holdout) if by_recent and on_test is not None else (on_holdout, on_test)
    # The public names of the test rows and the holdout rows.
    name: SliceName = "recent" if deciding is on_test else "reference"
    return decide(
        slice=name,
        labels=deciding.labels,
        champion=deciding.champion,
        challenger=deciding.challenger,
        metric=deciding_metric(name, policy, split.schema.task),
        policy=policy,
        k=k,
        seed=seed,
        classes=split.schema.classes,
        other_slice=other,
    )


def champion_answers(champion: Champion | None, rows: Rows, schema: Schema) -> Answers | None:
    """Return the champion's answers on rows, in the classes of `schema`; a class it does not know gets 0."""
    if champion is None:
        return None
    outputs = ask(champion, rows.frame)
    if not schema.classes:
        return as_answers(outputs, schema)
    aligned = np.zeros((len(rows), len(schema.classes)))
    for place, label in enumerate(schema.classes):
        if label in champion.schema.classes:
            aligned[:, place] = outputs[:, champion.schema.classes.index(label)]
    return as_answers(aligned, schema)


def ask(champion: Champion, frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return what a served version answers on the rows of a frame."""
    if not len(frame):
        return np.zeros((0, max(1, len(champion.schema.classes))))
    return np.asarray(champion.engine.predict(*pack(frame, champion.schema)), np.float64)


def holdout_metrics(split: Split, pipeline: Pipeline) -> dict[str, float]:
    """Return every metric of a fitted pipeline on the holdout rows."""
    rows = split.holdout
    if not len(rows):
        return {}
    return metrics(rows.target, as_answers(answer(pipeline, rows.frame), split.schema), split.schema)
