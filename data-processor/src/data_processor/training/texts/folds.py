"""Which texts each fit of a search sees, and which it is asked about."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_processor.features import holdout
from data_processor.features.split import Rows, Split
from data_processor.models.policy import Policy
from data_processor.tasks.candidates import RecentShare, TooFewRowsError
from data_processor.tasks.pipelines import recent_weights

FOLDS = 5
"""Folds of one division of the rows."""
RECENT_FOLDS = 3
"""Folds of the recent validation rows."""
REPEATS = 3
"""Divisions that a candidate is measured by: of a few hundred texts, one says little."""

Places = NDArray[np.int64]
Fold = tuple[Places, NDArray[np.float64], Places]
"""The rows to fit on, their weights, and the rows to ask about."""


@dataclass(frozen=True, eq=False)
class Material:
    """The rows of a search, and how they are divided: once if recent rows choose, else several times."""

    rows: Rows
    asked: NDArray[np.bool_]
    """The rows that candidates are measured by."""
    divisions: tuple[NDArray[np.int64], ...]
    """The fold of each row; -1 is fitted on always, unless a fold has its inputs."""
    old: int
    """Old rows there are, of which the search may have a sample."""
    by_recent: bool

    def fits(self, division: int, share: RecentShare) -> Iterator[Fold]:
        """Yield one division's folds."""
        fold_of = self.divisions[division]
        for fold in np.unique(fold_of[fold_of >= 0]):
            asked = fold_of == fold
            fitted = ~asked
            if self.by_recent:
                fitted &= ~np.isin(self.rows.positions, self.rows.positions[asked])
            if share == "only":
                fitted &= self.rows.recent
            recent = self.rows.recent[fitted]
            yield (
                np.flatnonzero(fitted),
                recent_weights(recent, self._share(share, recent)),
                np.flatnonzero(asked),
            )

    def _share(self, share: RecentShare, recent: NDArray[np.bool_]) -> RecentShare:
        """Return the share that recent rows have naturally: the old ones here may be a sample."""
        if share != "natural" or not self.by_recent:
            return share
        return float(recent.sum() / max(1, recent.sum() + self.old))


def divide(split: Split, most: int, seed: int) -> Material:
    """Return a search's rows, at most so many old ones; raises `TooFewRowsError` for none to choose by."""
    by_recent = split.chosen_on == "recent"
    old = split.fitting if by_recent else split.fitting.join(split.validation)
    count, draw = len(old), np.random.default_rng(seed)
    if count > most:
        old = old.take(np.sort(draw.choice(count, most, replace=False)))
    rows = old.join(split.validation) if by_recent else old
    asked = np.arange(len(rows)) >= len(old) if by_recent else np.ones(len(rows), np.bool_)
    if not asked.any():
        raise TooFewRowsError("There is no row to choose by.")
    if by_recent:
        folds = np.full(len(rows), -1)
        folds[asked] = holdout.folds(rows.positions[asked], RECENT_FOLDS)
        return Material(rows, asked, (folds,), count, by_recent)
    divisions = tuple(stratified(rows.target, rows.positions, FOLDS, draw) for _ in range(REPEATS))
    return Material(rows, asked, divisions, count, by_recent)


def shares_of(split: Split, policy: Policy) -> list[RecentShare]:
    """Return the weights that recent rows may have, the likeliest first."""
    if split.chosen_on != "recent":
        return ["natural"]
    fixed: list[RecentShare] = [policy.recent_share] if 0 < policy.recent_share < 1 else []
    return [*fixed, "only", "natural"]


def stratified(
    target: NDArray[Any], positions: NDArray[np.float64], count: int, draw: np.random.Generator
) -> NDArray[np.int64]:
    """Return a fold for each row: every class is in all of them alike, and equal inputs are in one."""
    _, first, which = np.unique(positions, return_index=True, return_inverse=True)
    labels, folds, at = target[first], np.empty(len(first), np.int64), 0
    for label in np.unique(labels):
        members = draw.permutation(np.flatnonzero(labels == label))
        folds[members] = (at + np.arange(len(members))) % count
        at += len(members)
    return np.asarray(folds[which])
