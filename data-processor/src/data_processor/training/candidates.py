"""What can be tried: the estimators, their hyperparameters and where each is at its best by default.

Every space is bounded so that one fit on 30 000 rows stays within about a second on two cores, and every
model within a few megabytes: the gate refits the chosen candidate five times, and a compiled model lives on
the request path.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from pydantic import BaseModel, ConfigDict
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge

from data_processor.datasets.schema import Task

RecentShare = Literal["natural", "only"] | float
"""The weight recent rows have together: what their number gives them, a fixed share, or all of it."""
Params = Mapping[str, Any]


class Candidate(BaseModel):
    """One thing that can be fitted: an estimator, its hyperparameters and how much recent rows weigh."""

    model_config = ConfigDict(frozen=True)

    estimator: str
    params: dict[str, Any]
    recent_share: RecentShare = "natural"

    def as_json(self) -> dict[str, Any]:
        """Return the candidate as the leaderboard and `version.json` show it."""
        return self.model_dump(mode="json")


@dataclass(frozen=True)
class Family:
    """An estimator and the space of its hyperparameters."""

    name: str
    encoding: Literal["ordered", "one-hot"]
    """How it takes categories: as numbers in the order of their mean target, or as one column each."""
    takes_missing: bool
    """It treats missing numbers natively; else they are imputed."""
    defaults: Params
    """Where it is at its best on thousands of rows."""
    cautious: Params
    """Where it is at its best when a few hundred recent rows have most of the weight."""
    suggest: Callable[[optuna.Trial, str], dict[str, Any]]
    """Draw hyperparameters; every name is prefixed, because a study holds several families."""
    make: Callable[[Params, int], BaseEstimator]
    """Return the unfitted estimator of these hyperparameters and this seed."""
    cost: Callable[[Params], float]
    """Roughly how fitting time grows with the hyperparameters, in units of its own."""

    def first(self, recent_share: RecentShare) -> Params:
        """Return the hyperparameters to try first under a weight of the recent rows."""
        return self.defaults if recent_share == "natural" else self.cautious


@dataclass(frozen=True)
class Arm:
    """A family of which some hyperparameters may be fixed."""

    family: Family
    fixed: Params

    def suggest(self, trial: optuna.Trial, prefix: str) -> dict[str, Any]:
        """Draw hyperparameters; those that are fixed stay as they are."""
        return {**self.family.suggest(trial, prefix), **self.fixed}


class UnknownCandidateError(ValueError):
    """What was asked for is nothing that can be tried."""


def families(task: Task) -> dict[str, Family]:
    """Return what can be tried for a task, cheapest first; raises `UnknownCandidateError` if nothing can."""
    try:
        return {family.name: family for family in _FAMILIES[task]}
    except KeyError:
        raise UnknownCandidateError(f"There are no candidates for the task {task!r} yet.") from None


def arms(task: Task, asked: Sequence[Mapping[str, Any]] | None = None) -> list[Arm]:
    """Return what a run tries: every family of the task, or those asked for as `{"estimator", "params"}`.

    Raises `UnknownCandidateError` naming an estimator or hyperparameter that does not exist.
    """
    known = families(task)
    if not asked:
        return [Arm(family, {}) for family in known.values()]
    chosen = []
    for request in asked:
        family = known.get(request["estimator"])
        if family is None:
            raise UnknownCandidateError(
                f"There is no estimator {request['estimator']!r} for {task}; there are: {', '.join(known)}."
            )
        fixed = dict(request.get("params") or {})
        accepted = set(family.make(family.defaults, 0).get_params()) - {"random_state", "n_jobs", "verbose"}
        if unknown := sorted(set(fixed) - accepted):
            raise UnknownCandidateError(
                f"{family.name} has no hyperparameter {', '.join(map(repr, unknown))}."
            )
        chosen.append(Arm(family, fixed))
    return chosen


def family_of(candidate: Candidate, task: Task) -> Family:
    """Return the family a candidate belongs to; raises `UnknownCandidateError`."""
    try:
        return families(task)[candidate.estimator]
    except KeyError:
        raise UnknownCandidateError(f"There is no estimator {candidate.estimator!r} for {task}.") from None


def _suggest_linear(trial: optuna.Trial, prefix: str) -> dict[str, Any]:
    return {"C": trial.suggest_float(f"{prefix}C", 0.01, 100.0, log=True)}


def _suggest_ridge(trial: optuna.Trial, prefix: str) -> dict[str, Any]:
    return {"alpha": trial.suggest_float(f"{prefix}alpha", 0.001, 1000.0, log=True)}


def _suggest_boosting(trial: optuna.Trial, prefix: str) -> dict[str, Any]:
    return {
        "learning_rate": trial.suggest_float(f"{prefix}learning_rate", 0.03, 0.3, log=True),
        "max_iter": trial.suggest_int(f"{prefix}max_iter", 40, 160, step=20),
        "max_leaf_nodes": trial.suggest_int(f"{prefix}max_leaf_nodes", 7, 43, step=4),
        "min_samples_leaf": trial.suggest_int(f"{prefix}min_samples_leaf", 5, 80, log=True),
        "l2_regularization": trial.suggest_float(f"{prefix}l2_regularization", 1e-3, 30.0, log=True),
    }


def _suggest_forest(trial: optuna.Trial, prefix: str) -> dict[str, Any]:
    return {
        "n_estimators": trial.suggest_int(f"{prefix}n_estimators", 30, 80, step=10),
        "max_features": trial.suggest_float(f"{prefix}max_features", 0.2, 0.6, step=0.1),
        "min_samples_leaf": trial.suggest_int(f"{prefix}min_samples_leaf", 5, 50, log=True),
    }


def _boosting(cls: type[BaseEstimator]) -> Family:
    return Family(
        name="hist-gradient-boosting",
        encoding="ordered",
        takes_missing=True,
        defaults={
            "learning_rate": 0.1,
            "max_iter": 100,
            "max_leaf_nodes": 31,
            "min_samples_leaf": 20,
            "l2_regularization": 1.0,
        },
        cautious={
            "learning_rate": 0.1,
            "max_iter": 40,
            "max_leaf_nodes": 7,
            "min_samples_leaf": 10,
            "l2_regularization": 1.0,
        },
        suggest=_suggest_boosting,
        # Early stopping would hold out rows at random: equal inputs on both sides, and no two fits alike.
        make=lambda params, seed: cls(early_stopping=False, random_state=seed, **params),
        cost=lambda params: 800 + float(params["max_iter"]) * (10 + float(params["max_leaf_nodes"] or 1000)),
    )


def _forest(cls: type[BaseEstimator]) -> Family:
    return Family(
        name="random-forest",
        encoding="ordered",
        takes_missing=False,
        defaults={"n_estimators": 50, "max_features": 0.3, "min_samples_leaf": 10},
        cautious={"n_estimators": 50, "max_features": 0.5, "min_samples_leaf": 10},
        suggest=_suggest_forest,
        # Leaves are bounded in number too: a forest must not grow with the table.
        make=lambda params, seed: cls(**{"max_leaf_nodes": 2000, **params}, n_jobs=-1, random_state=seed),
        cost=lambda params: 10 + float(params["n_estimators"]),
    )


_LOGISTIC = Family(
    name="logistic-regression",
    encoding="one-hot",
    takes_missing=False,
    defaults={"C": 1.0},
    cautious={"C": 0.3},
    suggest=_suggest_linear,
    make=lambda params, seed: LogisticRegression(**{"max_iter": 300, **params}, random_state=seed),
    cost=lambda params: 1.0 + float(params["C"]) ** 0.5,
)
_RIDGE = Family(
    name="ridge",
    encoding="one-hot",
    takes_missing=False,
    defaults={"alpha": 1.0},
    cautious={"alpha": 10.0},
    suggest=_suggest_ridge,
    make=lambda params, seed: Ridge(**params, random_state=seed),
    cost=lambda _params: 1.0,
)
_FAMILIES: dict[str, tuple[Family, ...]] = {
    "tabular-classification": (
        _LOGISTIC,
        _boosting(HistGradientBoostingClassifier),
        _forest(RandomForestClassifier),
    ),
    "tabular-regression": (
        _RIDGE,
        _boosting(HistGradientBoostingRegressor),
        _forest(RandomForestRegressor),
    ),
}
