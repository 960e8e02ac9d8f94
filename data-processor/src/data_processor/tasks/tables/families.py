"""What can be tried on tables: how each declared estimator is made, and where it is at its best by default.

What may be set of an estimator, and where a search looks, is declared in `declared.py`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge

from data_processor.features.hyperparameters import Hyperparameter, defaults, problems
from data_processor.tasks.candidates import Candidate, RecentShare, UnknownCandidateError
from data_processor.tasks.tables.columns import Encoding
from data_processor.tasks.tables.declared import CLASSIFIERS, REGRESSORS

Params = Mapping[str, Any]
SHAPING = frozenset({"categories", "columns", "target"})
"""Hyperparameters that are not an estimator's own: what its columns are made of, and its values' scale."""
STAGES = "max_iter"
"""How many trees follow each other in boosting."""
PATIENCE = 40
"""Stages without a gain after which a fit that watches other rows ends."""
MOST_STAGES = 2_000
MOST_LEAVES = 80_000
"""Of a boosted model together: 6 MB compiled, and a tenth of a millisecond for a row."""
_USUAL_TREES = 60.0
"""Trees that boosting takes at a learning rate of 1; at others as many times more."""
_CLASSIFICATION = "tabular-classification"
_REGRESSION = "tabular-regression"


@dataclass(frozen=True)
class Family:
    """A declared estimator and how it is made."""

    name: str
    space: Sequence[Hyperparameter]
    trees: bool
    """It looks at the order of numbers only: no scaler, and categories in the order of their mean target."""
    takes_missing: bool
    """It treats missing numbers natively; else they are imputed."""
    caution: Params
    """What differs from the defaults when a few hundred recent rows have most of the weight."""
    patience: Sequence[Params]
    """What differs from the defaults in what else is tried first, given time."""
    make: Callable[[Params, int], BaseEstimator]
    """Return the unfitted estimator of these hyperparameters and this seed."""
    cost: Callable[[Params], float]
    """Roughly how fitting time grows with the hyperparameters, in units of its own."""
    seconds: float
    """Roughly what fitting the defaults to 10 000 rows of a dozen columns takes on one core."""
    quick: Sequence[Params] = ()
    """What differs from the defaults in what else is tried first in any search: it costs next to nothing."""
    watching: Params = field(default_factory=dict)
    """What is set of the estimator besides when a fit finds the number of its stages by other rows."""
    core: bool = True
    """Quick and good enough for every search; the others join where there is time and old rows decide."""

    @property
    def defaults(self) -> Params:
        """Where it is at its best on thousands of rows."""
        return defaults(self.space)

    def encoding(self, params: Params) -> Encoding:
        """Return how it takes categories."""
        ordered = self.trees and params.get("categories") != "one-hot"
        return "ordered" if ordered else "one-hot"

    def first(self, recent_share: RecentShare) -> Params:
        """Return the hyperparameters to try first under a weight of the recent rows."""
        return self.defaults if recent_share == "natural" else {**self.defaults, **self.caution}

    def starts(self, recent_share: RecentShare, *, patient: bool = False) -> list[Params]:
        """Return the hyperparameters to try before any are sampled."""
        more = [*(self.quick if recent_share == "natural" else ()), *(self.patience if patient else ())]
        return [self.first(recent_share), *({**self.defaults, **start} for start in more)]

    def suggest(
        self, trial: optuna.Trial, prefix: str, *, patient: bool = False, apart_from: Collection[str] = ()
    ) -> dict[str, Any]:
        """Sample hyperparameters; every name is prefixed, because a study holds several families."""
        return {
            one.name: one.suggest(trial, prefix, patient=patient)
            for one in self.space
            if one.name not in apart_from
        }

    def most_stages(self, params: Params, rows: int, classes: int, seconds: float) -> int:
        """Return how many stages a fit may have that is to take no more than so many seconds."""
        trees = classes if classes > 2 else 1  # noqa: PLR2004  # two classes mirror each other
        leaves = float({**self.defaults, **params}["max_leaf_nodes"] or MOST_LEAVES)
        each = self.seconds / self.cost(self.defaults) * (10 + leaves) * trees * max(rows, 1_000) / 10_000
        most = min(MOST_STAGES, MOST_LEAVES / (leaves * trees), seconds / each)
        return max(int(most), PATIENCE)


@dataclass(frozen=True)
class Arm:
    """A family of which some hyperparameters may be fixed."""

    family: Family
    fixed: Params

    def suggest(
        self, trial: optuna.Trial, prefix: str, *, patient: bool = False, finds_stages: bool = False
    ) -> dict[str, Any]:
        """Sample hyperparameters; those that are fixed stay as they are.

        If fits can find the number of their stages, it is left to them unless it is fixed.
        """
        found = (STAGES,) if finds_stages and self.family.watching else ()
        sampled = self.family.suggest(trial, prefix, patient=patient, apart_from=(*self.fixed, *found))
        return {**sampled, **self.fixed}


def families(task: str) -> dict[str, Family]:
    """Return what can be tried for a task, cheapest first; raises `UnknownCandidateError` if nothing can."""
    try:
        return {family.name: family for family in _FAMILIES[task]}
    except KeyError:
        raise UnknownCandidateError(f"There are no candidates for the task {task!r} yet.") from None


def arms(
    task: str, asked: Sequence[Mapping[str, Any]] | None = None, *, core_only: bool = False
) -> list[Arm]:
    """Return what a run tries: every family of the task, or those asked for as `{"estimator", "params"}`.

    Raises `UnknownCandidateError` naming an estimator or hyperparameter that does not exist.
    """
    known = families(task)
    if not asked:
        return [Arm(family, {}) for family in known.values() if family.core or not core_only]
    chosen = []
    for request in asked:
        family = known.get(request["estimator"])
        if family is None:
            raise UnknownCandidateError(
                f"There is no estimator {request['estimator']!r} for {task}; there are: {', '.join(known)}."
            )
        fixed = dict(request.get("params") or {})
        if wrong := problems(family.space, fixed, family.name):
            raise UnknownCandidateError(f"{wrong[0]['loc'][-1]}: {wrong[0]['message']}.")
        chosen.append(Arm(family, fixed))
    return chosen


def family_of(candidate: Candidate, task: str) -> Family:
    """Return the family a candidate belongs to; raises `UnknownCandidateError`."""
    try:
        return families(task)[candidate.estimator]
    except KeyError:
        raise UnknownCandidateError(f"There is no estimator {candidate.estimator!r} for {task}.") from None


def _space(task: str, name: str) -> Sequence[Hyperparameter]:
    declared = REGRESSORS if task == _REGRESSION else CLASSIFIERS
    return next(one.hyperparameters for one in declared if one.name == name)


def _own(params: Params) -> dict[str, Any]:
    """Return the hyperparameters of the estimator itself."""
    return {name: value for name, value in params.items() if name not in SHAPING}


def _trees(params: Params) -> float:
    """Return how many trees boosting has, or probably will have."""
    return float(params.get(STAGES) or _USUAL_TREES / params["learning_rate"])


_COLUMNS: Sequence[Params] = (
    # Different encodings and columns err differently: together they are better than the best of them.
    {"learning_rate": 0.05, "max_iter": 300, "max_leaf_nodes": 15, "max_features": 0.5},
    {
        "columns": "related",
        "categories": "one-hot",
        "learning_rate": 0.06,
        "max_iter": 320,
        "max_leaf_nodes": 15,
        "max_features": 0.5,
    },
    {"columns": "related"},
)
_FINE: Params = {
    "learning_rate": 0.05,
    "max_iter": 300,
    "max_leaf_nodes": 59,
    "max_features": 0.3,
    "min_samples_leaf": 5,
}
_ROOTS: Sequence[Params] = (
    {**_FINE, "target": "square-root"},
    _FINE,
    {"target": "square-root", "learning_rate": 0.06, "max_iter": 300, "max_features": 0.5},
)


def _boosting(task: str, cls: type[BaseEstimator]) -> Family:
    return Family(
        name="hist-gradient-boosting",
        space=_space(task, "hist-gradient-boosting"),
        trees=True,
        takes_missing=True,
        caution={"max_iter": 40, "max_leaf_nodes": 7, "min_samples_leaf": 10},
        patience=_ROOTS if task == _REGRESSION else _COLUMNS,
        # Early stopping would hold out rows at random: equal inputs on both sides, and no two fits alike.
        make=lambda params, seed: cls(early_stopping=False, random_state=seed, **_own(params)),
        cost=lambda params: 800 + _trees(params) * (10 + float(params["max_leaf_nodes"] or 1000)),
        seconds=0.25,
        watching={"early_stopping": True, "n_iter_no_change": PATIENCE, "tol": 0.0},
    )


def _forest(task: str, name: str, cls: type[BaseEstimator], *, core: bool) -> Family:
    return Family(
        name=name,
        space=_space(task, name),
        trees=True,
        takes_missing=False,
        caution={"max_features": 0.5},
        patience=(),
        make=lambda params, seed: cls(**params, n_jobs=-1, random_state=seed),
        cost=lambda params: 10 + float(params["n_estimators"]),
        seconds=0.5,
        core=core,
    )


def _logistic(task: str) -> Family:
    return Family(
        name="logistic-regression",
        space=_space(task, "logistic-regression"),
        trees=False,
        takes_missing=False,
        caution={"C": 0.3},
        patience=(),
        make=lambda params, seed: LogisticRegression(**params, random_state=seed),
        cost=lambda params: 1.0 + float(params["C"]) ** 0.5,
        seconds=0.25,
    )


def _ridge(task: str) -> Family:
    return Family(
        name="ridge",
        space=_space(task, "ridge"),
        trees=False,
        takes_missing=False,
        caution={"alpha": 10.0},
        patience=(),
        make=lambda params, seed: Ridge(**params, random_state=seed),
        cost=lambda _params: 1.0,
        seconds=0.05,
        # On hundreds of rows the default shrinks a weight by thousandths, which an exact relation shows.
        quick=({"alpha": 0.001},),
    )


_FAMILIES: dict[str, tuple[Family, ...]] = {
    _CLASSIFICATION: (
        _logistic(_CLASSIFICATION),
        _boosting(_CLASSIFICATION, HistGradientBoostingClassifier),
        _forest(_CLASSIFICATION, "random-forest", RandomForestClassifier, core=True),
        _forest(_CLASSIFICATION, "extra-trees", ExtraTreesClassifier, core=False),
    ),
    _REGRESSION: (
        _ridge(_REGRESSION),
        _boosting(_REGRESSION, HistGradientBoostingRegressor),
        _forest(_REGRESSION, "random-forest", RandomForestRegressor, core=True),
        _forest(_REGRESSION, "extra-trees", ExtraTreesRegressor, core=False),
    ),
}
