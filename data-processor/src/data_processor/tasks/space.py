"""What a search asks of a task: what may be tried, how it is tried, and what follows from what was tried.

    training/search.py: one loop ──▶ Space ──▶ Trials: the fits of a candidate, 0 … n - 1
                                       └────▶ Scorer: what their answers are measured by (`comparison.py`)

A candidate is fitted once for each fold of the space. At the space's checkpoints what it has answered so far
is measured, and a candidate that is behind others is pruned.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import optuna
from numpy.typing import NDArray

from data_processor.features.preparation import Preparation
from data_processor.features.split import Split
from data_processor.statistics.measures import SelectionMetric
from data_processor.tasks.candidates import Candidate, RecentShare
from data_processor.tasks.comparison import Scorer, Tried

ChosenOn = Literal["recent", "validation", "cross-validation"]
Flags = NDArray[np.bool_]


class SearchRequest(NamedTuple):
    """What a search is to find, and within what limits."""

    metric: SelectionMetric
    """What candidates are ranked by."""
    budget_s: float
    seed: int
    estimators: Sequence[Mapping[str, Any]] | None
    """Those that were asked for, as `{"estimator", "params"?, "vectorizer"?}`; none: whatever suits."""
    recent_share: float
    """The weight of the recent rows that the policy proposes; between 0 and 1 it is tried first."""
    preparation: Preparation


class Fold(NamedTuple):
    """What one fit of each candidate answers."""

    division: int
    """Which division of the validation rows it belongs to."""
    rows: Flags
    """Of the validation rows."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """What one fit answered on its fold, and what it cost."""

    outputs: NDArray[np.float64] | None
    """Probabilities (rows, classes) or values (rows, 1); None if it could not be fitted."""
    why_not: str
    seconds: float
    """What another fit like it will take."""
    ms_per_row: float
    bytes: int
    where: str
    """The machine and process that did it."""
    shared_seconds: float = 0.0
    """Its part of work that was done once for many fits."""


class Trials(Protocol):
    """The rows of a search, and the fits of candidates on them. It is pickled if fits leave the process."""

    def fit(self, candidate: Candidate, fold: int) -> Fitted:
        """Fit a candidate and let it answer the fold of this number."""


class Cost(NamedTuple):
    """What a fit of a candidate takes, in proportion to others of its kind."""

    kind: Hashable
    units: float


class Suggestion(NamedTuple):
    """What is to be tried next."""

    candidate: Candidate
    required: Hashable | None
    """What of it has to be tried once whatever the budget; None: it may be left out."""


class Sampling(NamedTuple):
    """How Optuna's sampler begins, and when a trial or the search is given up."""

    first: Sequence[Mapping[str, Any]]
    """Parameters of the trials that come before any that are sampled."""
    warm_up: int
    """How many trials are sampled at random before the sampler learns from them."""
    pruner: optuna.pruners.BasePruner
    misses: int
    """Samples in a row that are known or would take too long, after which the search ends."""


class Space(Protocol):
    """Everything that differs from one search to another."""

    chosen_on: ChosenOn
    """Which rows are the validation rows: recent ones, a part of the rows, or all of them."""
    scorer: Scorer
    folds: Sequence[Fold]
    """One for each fit of a candidate, in order."""
    checkpoints: Collection[int]
    """After how many fits, besides all of them, a candidate is measured and may be pruned."""
    ahead: int
    """How many of a candidate's next fits must end in time for the first of them to begin."""
    fitting_s: float
    """The part of the budget in which fits may begin."""
    trials: Trials
    sampling: Sampling

    def suggest(self, trial: optuna.Trial) -> Suggestion:
        """Return the candidate that a trial's parameters stand for."""

    def cost(self, candidate: Candidate) -> Cost:
        """Return what a fit of a candidate takes."""

    def blend(self, tried: Sequence[Tried]) -> Tried | None:
        """Return a blend of candidates that is better than each of them, if there is one."""

    def choose(self, tried: Sequence[Tried]) -> Tried:
        """Return the candidate that meets the gate; `tried` are in the order of trying, a blend last."""


def recent_shares(split: Split, request: SearchRequest) -> list[RecentShare]:
    """Return the weights that recent rows may have, the likeliest first."""
    if split.chosen_on != "recent":
        return ["natural"]
    fixed: list[RecentShare] = [request.recent_share] if 0 < request.recent_share < 1 else []
    return [*fixed, "only", "natural"]
