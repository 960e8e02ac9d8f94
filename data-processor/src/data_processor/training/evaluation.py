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
from data_processor.features.ties import windows
from data_processor.models.policy import Policy
from data_processor.statistics.calibration import Calibration, calibrate
from data_processor.statistics.gate import Receipt, Slice, decide
from data_processor.statistics.measures import Answers
from data_processor.statistics.receipt import SliceName
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.comparison import as_answers, metrics
from data_processor.tasks.fitting import fit
from data_processor.tasks.pipelines import answer
from data_processor.tasks.task import Engine
from data_processor.training.label_sources import Raters
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


def fit_for_holdout(split: Split, candidate: Candidate, seed: int, final: Pipeline) -> Pipeline:
    """Return the fit that answers the holdout rows: by time it is not the last one if that saw later rows."""
    rows = split.before_holdout
    return final if len(rows) == len(split.allowed) else fit(candidate, rows, split.schema, seed)


def fold_rows(split: Split, fold: NDArray[np.bool_]) -> Rows:
    """Return what the fit that answers a fold of the test rows may see: no row of it, nor one tied to it.

    `fold` says of each test row whether it is in the fold. Old rows with the same inputs or of the same
    groups are left out too, and by time all that is not earlier (the statistics' *What is held out*).
    """
    others = ~fold & ~split.never_fitted(split.test)
    return split.fitting.join(split.validation, split.test.take(others)).apart_from(split.test.take(fold))


def folds_of_test(split: Split) -> NDArray[np.int64]:
    """Return the fold of each test row, 0 … FOLDS - 1; by time -1 for the first, which are only fitted."""
    if split.test.ties.times is not None:
        return windows(split.test.times, FOLDS) - 1
    return holdout.folds(split.test.positions, FOLDS)


def compared_rows(split: Split) -> NDArray[np.bool_]:
    """Say which test rows are compared: those that a fold answers, and that the champion has not seen."""
    seen = split.test.ties.seen
    answered = folds_of_test(split) >= 0
    return answered if seen is None else answered & ~seen


def not_compared(split: Split) -> str:
    """Say which rows are not compared because of what the champion has seen, if there are any."""
    held_out = len(split.holdout) - len(split.holdout.unseen())
    test = 0 if split.test.ties.seen is None else int(split.test.ties.seen.sum())
    if not held_out and not test:
        return ""
    what = "has seen later ones" if split.schema.holdout.by == "time" else "has seen others of their groups"
    return (
        f"The champion {what}, so {held_out} of {len(split.holdout)} holdout rows and {test} of "
        f"{len(split.test)} recent test rows are not compared."
    )


def cross_fit(split: Split, candidate: Candidate, seed: int) -> Answers:
    """Return the candidate's answers on the compared rows, each by a fit on rows that are not tied to it."""
    test, compared = split.test, compared_rows(split)
    outputs = np.zeros((len(test), max(1, len(split.schema.classes))))
    at = folds_of_test(split)

    def answer_fold(fold: NDArray[np.bool_]) -> None:
        fitted = fit(candidate, fold_rows(split, fold), split.schema, seed)
        outputs[fold] = answer(fitted, test.frame[fold])

    wanted = np.unique(at[compared])
    Parallel(n_jobs=-1, prefer="threads")(delayed(answer_fold)(at == number) for number in wanted)
    return as_answers(outputs[compared], split.schema)


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
    raters: Raters | None = None,
    refit: bool = True,
) -> Receipt:
    """Let the gate decide on the chosen candidate; `pipeline` answers the holdout rows; `k` counts this gate.

    A run that the score opened (`by_score`) decides on recent test rows, even if there are none (the
    statistics' *The gate*); any other, and the first, on holdout rows. The receipt shows both if there are
    rows and, if `raters` are known, what the verdict owes to them. Rows that the champion saw, or of which it
    saw some of the group or a later one, are not compared. Without `refit` the pipeline answers recent rows,
    too: it saw none of them.
    """
    by_recent = by_score and champion is not None
    held_out = split.holdout if champion is None else split.holdout.unseen()
    on_holdout = Slice(
        held_out.target,
        champion_answers(champion, held_out, split.schema),
        as_answers(_answered(pipeline, held_out, split.schema), split.schema),
        held_out.ties.groups,
    )
    on_test, test = None, split.test
    if champion is not None and (by_score or len(split.test)):
        test = test.take(compared_rows(split))
        on_test = Slice(
            test.target,
            champion_answers(champion, test, split.schema),
            cross_fit(split, candidate, seed)
            if refit
            else as_answers(_answered(pipeline, test, split.schema), split.schema),
            test.ties.groups,
        )
    deciding, other = (on_test, on_holdout) if by_recent and on_test is not None else (on_holdout, on_test)
    rows = test if deciding is on_test else held_out
    # The public names of the test rows and the holdout rows.
    name: SliceName = "recent" if deciding is on_test else "reference"

    def judge(which: NDArray[np.bool_]) -> Receipt:
        some = deciding.take(which)
        return decide(
            slice=name,
            labels=some.labels,
            champion=some.champion,
            challenger=some.challenger,
            metric=deciding_metric(name, policy, split.schema.task),
            policy=policy,
            k=k,
            seed=seed,
            classes=split.schema.classes,
            groups=some.groups,
            other_slice=other,
        )

    receipt = judge(np.ones(len(deciding.labels), np.bool_))
    return receipt if raters is None else raters.vouch(receipt, rows, judge, split, policy)


def _answered(pipeline: Pipeline, rows: Rows, schema: Schema) -> NDArray[np.float64]:
    return answer(pipeline, rows.frame) if len(rows) else np.zeros((0, max(1, len(schema.classes))))


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


def holdout_outputs(split: Split, pipeline: Pipeline) -> NDArray[np.float64]:
    """Return what a fitted pipeline answers on the holdout rows, (rows, classes) or (rows, 1)."""
    return _answered(pipeline, split.holdout, split.schema)


def calibration_of(split: Split, outputs: NDArray[np.float64]) -> Calibration | None:
    """Return how probably right answers are by how sure, from those to holdout rows; values have none."""
    rows, classes = split.holdout, np.asarray(split.schema.classes, object)
    if not len(classes) or not len(rows):
        return None
    groups = None if rows.ties.groups is None else rows.ties.groups.tolist()
    return calibrate(outputs.max(axis=1), classes[outputs.argmax(axis=1)] == rows.target, groups)


def holdout_metrics(split: Split, outputs: NDArray[np.float64]) -> dict[str, float]:
    """Return every metric of answers on the holdout rows that has a value."""
    rows = split.holdout
    return metrics(rows.target, as_answers(outputs, split.schema), split.schema) if len(rows) else {}
