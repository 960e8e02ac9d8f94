"""The rows of tables that candidates are tried on, and one fit of a candidate: a search's unit of work.

    rows are chosen by     a candidate is fitted on                and answers
    -------------------    ------------------------------------    -----------------------------------
    recent                 old rows and the other folds' recent    each fold of the recent validation rows
    validation             the fitting rows                        the validation rows, once
    cross-validation       the other folds                         each fold of all rows but the holdout

No fit sees inputs or groups that it answers: folds follow the hash. Those of a cross-validation are
stratified besides: each has its share of every class, or of every tenth of the values. By time the folds are
windows, and each is answered by a fit on what was before it.

A fit may be done anywhere: by a thread here, or by a machine of a Dask cluster (`training/pool.py`).
"""

import os
import socket
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from data_processor.features import holdout
from data_processor.features.schema import Schema
from data_processor.features.split import Rows, Split
from data_processor.features.ties import windows
from data_processor.tasks.candidates import Candidate, TooFewRowsError
from data_processor.tasks.pipelines import answer, estimator_of
from data_processor.tasks.space import ChosenOn, Fitted, Flags
from data_processor.tasks.tables.families import STAGES, family_of
from data_processor.tasks.tables.fitting import Watch, fit_table, stages_of

RECENT_FOLDS = 3
CROSS_FOLDS = {5: 100, 3: 3}
"""Folds of a cross-validation, and how often there must be time to fit every row for so many."""
ROWS_PER_SECOND = 5_000
"""Old rows that a search fits at most, per second of budget: every default fits into it several times."""
FEWEST_ROWS = 3_000
"""Old rows that a search fits in any case."""
TIMED_ROWS = 500
"""Rows that are answered to see how long one takes."""
WATCHED_ROWS = 500
"""Rows of a fold from which a fit can tell how many stages it should have."""
LONGEST_FIT = 0.12
"""The share of the budget that such a fit may take."""
STRATA = 10
"""Parts of the values of a regression, each spread over all folds."""


@dataclass(frozen=True, eq=False)
class Ground:
    """The rows of a search, and the fits on them. It travels to whoever fits, and never changes."""

    schema: Schema
    seed: int
    chosen_on: ChosenOn
    validation: Rows
    fitting: Rows
    """Empty for a cross-validation, which fits on the other folds; by time, what is before them."""
    folds: list[Flags]
    """Of the validation rows."""
    old: int
    """How many old rows there are, of which `fitting` may be a sample."""
    longest_s: float = 0.0
    """What a fit may take that finds the number of its stages."""

    def part(self, candidate: Candidate, fold: Flags) -> tuple[Candidate, Rows]:
        """Return what is fitted to answer a fold."""
        forward = self.validation.ties.times is not None
        if self.chosen_on == "validation":
            return candidate, self.fitting.apart_from(self.validation) if forward else self.fitting
        others = self.validation.take(~fold)
        if self.chosen_on == "cross-validation" and not forward:
            return candidate, others
        rows = self.fitting.join(others).apart_from(self.validation.take(fold))
        if self.chosen_on == "recent" and candidate.recent_share == "natural":
            # The old rows are a sample here: the recent ones get the share they have among all of them.
            recent = int(rows.recent.sum())
            share = recent / max(1, recent + self.old)
            candidate = candidate.model_copy(update={"recent_share": share})
        return candidate, rows

    def fit(self, candidate: Candidate, fold: int) -> Fitted:
        """Fit a candidate and let it answer the fold of this number."""
        where = f"{socket.gethostname()}:{os.getpid()}"
        began = monotonic()
        mask = self.folds[fold]
        fitted, rows = self.part(candidate, mask)
        watch, settled = None, {}
        family = family_of(candidate, self.schema.task)
        if self.finds_stages and family.watching and STAGES not in candidate.params:
            classes, longest = len(self.schema.classes), self.longest_s
            most = family.most_stages(candidate.params, len(rows), classes, longest)
            watch = Watch(self.validation.take(mask), most)
        try:
            pipeline = fit_table(fitted, rows, self.schema, self.seed, watch=watch)
        except TooFewRowsError as error:
            return Fitted(None, str(error), monotonic() - began, 0.0, 0, where)
        seconds = monotonic() - began
        if watch is not None:
            settled = {STAGES: stages_of(pipeline)}
        some, began = rows.frame.iloc[:TIMED_ROWS], monotonic()
        answer(pipeline, some)
        ms_per_row = 1000 * (monotonic() - began) / max(1, len(some))
        outputs = answer(pipeline, self.validation.frame[mask])
        return Fitted(outputs, "", seconds, ms_per_row, size(pipeline), where, settled=settled)

    @property
    def growth(self) -> float:
        """Return how many times as many rows the last fit has as the fit of the first fold."""
        asked = int(self.folds[0].sum())
        fitted = len(self.fitting) if self.chosen_on == "validation" else len(self.validation) - asked
        return (fitted + asked) / max(1, fitted)

    @property
    def finds_stages(self) -> bool:
        """Say whether the folds have rows enough for a fit to find the number of its stages.

        By time the first fit sees the fewest rows, and says nothing of the others.
        """
        forward = self.validation.ties.times is not None
        enough = min(int(fold.sum()) for fold in self.folds) >= WATCHED_ROWS
        return self.chosen_on != "recent" and not forward and enough


def make_ground(split: Split, budget_s: float, seed: int) -> Ground:
    """Return the rows to search on: recent ones if the run is about them, else as many as time allows."""
    recent = split.chosen_on == "recent"
    rows = len(split.fitting) + len(split.validation)
    if not recent:
        for count, often in CROSS_FOLDS.items():
            if rows * often <= budget_s * ROWS_PER_SECOND:
                every = split.fitting.join(split.validation)
                at = _folds(every, count, stratified=True)
                first, asked = every.take(at < 0), every.take(at >= 0)
                folds = [at[at >= 0] == fold for fold in range(count)]
                longest = LONGEST_FIT * budget_s
                return Ground(
                    split.schema, seed, "cross-validation", asked, first, _some(folds), rows, longest
                )
    at = _folds(split.validation, RECENT_FOLDS) if recent else np.zeros(len(split.validation), np.int64)
    asked, fitting = split.validation, split.fitting
    if (at < 0).any():
        asked, fitting = asked.take(at >= 0), fitting.join(asked.take(at < 0))
    folds = _some([at[at >= 0] == fold for fold in range(RECENT_FOLDS)])
    most = max(FEWEST_ROWS, int(budget_s * ROWS_PER_SECOND / max(1, len(folds))))
    chosen_on: ChosenOn = "recent" if recent else "validation"
    some, longest = _sample(fitting, most, seed), LONGEST_FIT * budget_s
    return Ground(split.schema, seed, chosen_on, asked, some, folds, len(split.fitting), longest)


def _folds(rows: Rows, count: int, *, stratified: bool = False) -> NDArray[np.int64]:
    """Return the fold of each row, 0 … count - 1; by time -1 for those that are only fitted to."""
    if rows.ties.times is not None:
        return windows(rows.times, count) - 1
    if stratified:
        return stratified_folds(rows.positions, rows.target, count)
    return holdout.folds(rows.positions, count)


def _some(folds: list[Flags]) -> list[Flags]:
    """Return the folds that have a row; raises `TooFewRowsError` if none has."""
    some = [fold for fold in folds if fold.any()]
    if not some:
        raise TooFewRowsError("There are no rows to choose by.")
    return some


def stratified_folds(at: NDArray[np.float64], target: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Return the fold of each row, 0 … count - 1, each with its share of every class or tenth of the values.

    Rows at the same position, of equal inputs or of one group, share a fold.
    """
    positions, first, which = np.unique(at, return_index=True, return_inverse=True)
    if target.dtype.kind == "f":
        cuts = np.quantile(target, np.linspace(0, 1, STRATA + 1)[1:-1])
        stratum = np.searchsorted(cuts, target[first])
    else:
        stratum = np.unique(target[first].astype(str), return_inverse=True)[1]
    # Positions are random: within a stratum, taking turns by position is random too.
    order = np.lexsort((positions, stratum))
    starts = np.searchsorted(stratum[order], np.arange(stratum.max(initial=0) + 1))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - starts[stratum[order]]
    # The first turn goes to another fold for each stratum, lest the first fold gets all that is left over.
    return np.asarray(((rank + stratum) % count)[which], np.int64)


def _sample(rows: Rows, most: int, seed: int) -> Rows:
    if len(rows) <= most:
        return rows
    return rows.take(np.sort(np.random.default_rng(seed).choice(len(rows), most, replace=False)))


def size(pipeline: Pipeline) -> int:
    """Return how many bytes the fitted numbers of a pipeline's model take in memory."""
    model = estimator_of(pipeline)
    if hasattr(model, "_predictors"):
        return sum(tree.nodes.nbytes for stage in model._predictors for tree in stage)  # noqa: SLF001  # no public way
    if hasattr(model, "estimators_"):
        states = (tree.tree_.__getstate__() for tree in model.estimators_)
        return sum(state["nodes"].nbytes + state["values"].nbytes for state in states)
    return int(np.asarray(model.coef_).nbytes + np.asarray(model.intercept_).nbytes)
