"""Which texts each fit of a search sees, and which it is asked about."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_processor.features import holdout
from data_processor.features.split import Rows, Split
from data_processor.features.ties import windows
from data_processor.tasks.candidates import RecentShare, TooFewRowsError
from data_processor.tasks.pipelines import recent_weights
from data_processor.tasks.space import Fold

FOLDS = 5
"""Folds of one division of the rows."""
RECENT_FOLDS = 3
"""Folds of the recent validation rows."""
REPEATS = 3
"""Divisions that a candidate is measured by: of a few hundred texts, one says little."""

Places = NDArray[np.int64]


class Part(NamedTuple):
    """What one fit is about, as places among the rows of a search."""

    fitted: Places
    weights: NDArray[np.float64]
    """Of the rows that are fitted."""
    asked: Places


@dataclass(frozen=True, eq=False)
class Material:
    """The rows of a search, and how they are divided: once if recent rows choose, else several times."""

    rows: Rows
    validation: NDArray[np.bool_]
    """Those that candidates are measured by."""
    folds: list[Fold]
    old: int
    """Old rows there are, of which the search may have a sample."""
    by_recent: bool

    def part(self, number: int, share: RecentShare) -> Part:
        """Return what is fitted to answer a fold: all rows but the fold's and those tied to them."""
        asked = np.flatnonzero(self.validation)[self.folds[number].rows]
        fitted = np.ones(len(self.rows), np.bool_)
        fitted[asked] = False
        if self.by_recent or self.rows.ties.times is not None:
            fitted &= self.rows.apart(self.rows.take(asked))
        if share == "only":
            fitted &= self.rows.recent
        recent = self.rows.recent[fitted]
        return Part(np.flatnonzero(fitted), recent_weights(recent, self._share(share, recent)), asked)

    def _share(self, share: RecentShare, recent: NDArray[np.bool_]) -> RecentShare:
        """Return the share that recent rows have naturally: the old ones here may be a sample."""
        if share != "natural" or not self.by_recent:
            return share
        return float(recent.sum() / max(1, recent.sum() + self.old))


def divide(split: Split, most: int, seed: int) -> Material:
    """Return a search's rows, at most so many old ones; raises `TooFewRowsError` for none to choose by."""
    by_recent = split.chosen_on == "recent"
    old = split.fitting if by_recent else split.fitting.join(split.validation)
    count, random = len(old), np.random.default_rng(seed)
    if count > most:
        old = old.take(np.sort(random.choice(count, most, replace=False)))
    rows = old.join(split.validation) if by_recent else old
    validation = np.arange(len(rows)) >= len(old) if by_recent else np.ones(len(rows), np.bool_)
    if rows.ties.times is not None:
        at = windows(rows.times[validation], RECENT_FOLDS if by_recent else FOLDS)
        validation[np.flatnonzero(validation)[at == 0]] = False
        divisions = [at[at > 0]]
    elif by_recent:
        divisions = [holdout.folds(rows.positions[validation], RECENT_FOLDS)]
    else:
        divisions = [stratified(rows.target, rows.positions, FOLDS, random) for _ in range(REPEATS)]
    if not validation.any():
        raise TooFewRowsError("There are no rows to choose by.")
    folds = [
        Fold(number, division == fold)
        for number, division in enumerate(divisions)
        for fold in np.unique(division)
    ]
    return Material(rows, validation, folds, count, by_recent)


def stratified(
    target: NDArray[Any], positions: NDArray[np.float64], count: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return a fold for each row: every class is in all alike, and equal inputs, or a group, in one."""
    _, first, which = np.unique(positions, return_index=True, return_inverse=True)
    labels, folds, at = target[first], np.empty(len(first), np.int64), 0
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        folds[members] = (at + np.arange(len(members))) % count
        at += len(members)
    return np.asarray(folds[which])
