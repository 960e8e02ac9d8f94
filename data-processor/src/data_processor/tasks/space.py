"""What a search asks of a task: what may be tried, how it is tried, and what follows from what was tried.

    training/search.py: one loop ──▶ Space ──▶ Trials: the fits of a candidate, 0 … n - 1
                                       └────▶ Scorer: what their answers are measured by (`comparison.py`)

A candidate is fitted once for each fold of the space. At the space's checkpoints what it has answered so far
is measured, and a candidate that is behind others is pruned.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import optuna
from numpy.typing import NDArray

from data_processor.features.preparation import Preparation
from data_processor.features.split import Split
from data_processor.statistics.measures import LOWER_IS_BETTER, SelectionMetric
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
    settled: Mapping[str, Any] = field(default_factory=dict)
    """Hyperparameters that it found by itself, for the candidate's other fits to share."""


class Trials(Protocol):
    """The rows of a search, and the fits of candidates on them. It is pickled if fits leave the process."""

    def fit(self, candidate: Candidate, fold: int) -> Fitted:
        """Fit a candidate and let it answer the fold of this number."""


class Cost(NamedTuple):
    """What a fit of a candidate takes, in proportion to others of its kind."""

    kind: Hashable
    units: float


class Space(Protocol):
    """Everything that differs from one search to another."""

    chosen_on: ChosenOn
    """Which rows are the validation rows: recent ones, a part of the rows, or all of them."""
    scorer: Scorer
    trials: Trials
    folds: Sequence[Fold]
    """One for each fit of a candidate, in order."""
    checkpoints: Collection[int]
    """After how many fits, besides all of them, a candidate is measured and may be pruned."""
    study: optuna.Study
    """Samples parameters; those that wait in it come first."""
    fitting_s: float
    """The part of the budget in which fits may begin."""
    ahead: int
    """How many of a candidate's next fits must end in time for the first of them to begin."""
    misses: int
    """Samples in a row that are known or would take too long, after which the search ends."""

    def suggest(self, trial: optuna.Trial) -> tuple[Candidate, Hashable | None]:
        """Return what a trial's parameters stand for, and what of it is tried once whatever the budget."""

    def cost(self, candidate: Candidate) -> Cost:
        """Return what a fit of a candidate takes."""

    def blend(self, tried: Sequence[Tried]) -> Tried | None:
        """Return a blend of candidates that is better than each of them, if there is one."""

    def choose(self, tried: Sequence[Tried]) -> Tried:
        """Return the candidate that meets the gate; `tried` are in the order of trying, a blend last."""

    def on_every_row(self, candidate: Candidate) -> Candidate:
        """Return what is fitted of a chosen candidate once every row may be: it was tried on fewer."""
        return candidate


def make_study(
    request: SearchRequest, pruner: optuna.pruners.BasePruner, warm_up: int, first: Sequence[dict[str, Any]]
) -> optuna.Study:
    """Return a study that tries the first parameters, then `warm_up` random ones, then what it has learnt.

    Its sampler is a tree-structured Parzen estimator.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=request.seed, n_startup_trials=warm_up),
        pruner=pruner,
        direction="minimize" if request.metric in LOWER_IS_BETTER else "maximize",
    )
    for parameters in first:
        study.enqueue_trial(parameters)
    return study


def recent_shares(split: Split, request: SearchRequest) -> list[RecentShare]:
    """Return the weights that recent rows may have, the likeliest first."""
    if split.chosen_on != "recent":
        return ["natural"]
    fixed: list[RecentShare] = [request.recent_share] if 0 < request.recent_share < 1 else []
    return [*fixed, "only", "natural"]
