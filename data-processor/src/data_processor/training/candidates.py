"""What can be tried: how each declared estimator is made, and where it is at its best by default.

What may be set of an estimator, and where a search looks, is declared in `estimators.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from pydantic import BaseModel, ConfigDict, Field
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge

from data_processor.datasets.schema import Task
from data_processor.training.estimators import space_of
from data_processor.training.hyperparameters import Hyperparameter, defaults, problems

RecentShare = Literal["natural", "only"] | float
"""The weight recent rows have together: what their number gives them, a fixed share, or all of it."""
Params = Mapping[str, Any]


class Vectorizer(BaseModel):
    """How texts become numbers (`texts/vectorizers.py`)."""

    model_config = ConfigDict(frozen=True)

    name: str
    params: dict[str, Any] = {}


class Candidate(BaseModel):
    """One thing that can be fitted: an estimator, its hyperparameters and how much recent rows weigh."""

    model_config = ConfigDict(frozen=True)

    estimator: str
    params: dict[str, Any]
    vectorizer: Vectorizer | None = Field(None, exclude_if=lambda chosen: chosen is None)
    """Texts only."""
    recent_share: RecentShare = "natural"

    def as_json(self) -> dict[str, Any]:
        """Return the candidate as the leaderboard and `version.json` show it."""
        return self.model_dump(mode="json")


@dataclass(frozen=True)
class Family:
    """A declared estimator and how it is made."""

    name: str
    space: Sequence[Hyperparameter]
    encoding: Literal["ordered", "one-hot"]
    """How it takes categories: as numbers in the order of their mean target, or as one column each."""
    takes_missing: bool
    """It treats missing numbers natively; else they are imputed."""
    caution: Params
    """What differs from the defaults when a few hundred recent rows have most of the weight."""
    make: Callable[[Params, int], BaseEstimator]
    """Return the unfitted estimator of these hyperparameters and this seed."""
    cost: Callable[[Params], float]
    """Roughly how fitting time grows with the hyperparameters, in units of its own."""

    @property
    def defaults(self) -> Params:
        """Where it is at its best on thousands of rows."""
        return defaults(self.space)

    def first(self, recent_share: RecentShare) -> Params:
        """Return the hyperparameters to try first under a weight of the recent rows."""
        return self.defaults if recent_share == "natural" else {**self.defaults, **self.caution}

    def suggest(self, trial: optuna.Trial, prefix: str) -> dict[str, Any]:
        """Draw hyperparameters; every name is prefixed, because a study holds several families."""
        return {one.name: one.draw(trial, prefix) for one in self.space}


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
        if wrong := problems(family.space, fixed, family.name):
            raise UnknownCandidateError(f"{wrong[0]['loc'][-1]}: {wrong[0]['message']}.")
        chosen.append(Arm(family, fixed))
    return chosen


def family_of(candidate: Candidate, task: Task) -> Family:
    """Return the family a candidate belongs to; raises `UnknownCandidateError`."""
    try:
        return families(task)[candidate.estimator]
    except KeyError:
        raise UnknownCandidateError(f"There is no estimator {candidate.estimator!r} for {task}.") from None


def _boosting(task: Task, cls: type[BaseEstimator]) -> Family:
    return Family(
        name="hist-gradient-boosting",
        space=space_of(task, "hist-gradient-boosting"),
        encoding="ordered",
        takes_missing=True,
        caution={"max_iter": 40, "max_leaf_nodes": 7, "min_samples_leaf": 10},
        # Early stopping would hold out rows at random: equal inputs on both sides, and no two fits alike.
        make=lambda params, seed: cls(early_stopping=False, random_state=seed, **params),
        cost=lambda params: 800 + float(params["max_iter"]) * (10 + float(params["max_leaf_nodes"] or 1000)),
    )


def _forest(task: Task, cls: type[BaseEstimator]) -> Family:
    return Family(
        name="random-forest",
        space=space_of(task, "random-forest"),
        encoding="ordered",
        takes_missing=False,
        caution={"max_features": 0.5},
        make=lambda params, seed: cls(**params, n_jobs=-1, random_state=seed),
        cost=lambda params: 10 + float(params["n_estimators"]),
    )


def _logistic(task: Task) -> Family:
    return Family(
        name="logistic-regression",
        space=space_of(task, "logistic-regression"),
        encoding="one-hot",
        takes_missing=False,
        caution={"C": 0.3},
        make=lambda params, seed: LogisticRegression(**params, random_state=seed),
        cost=lambda params: 1.0 + float(params["C"]) ** 0.5,
    )


def _ridge(task: Task) -> Family:
    return Family(
        name="ridge",
        space=space_of(task, "ridge"),
        encoding="one-hot",
        takes_missing=False,
        caution={"alpha": 10.0},
        make=lambda params, seed: Ridge(**params, random_state=seed),
        cost=lambda _params: 1.0,
    )


_FAMILIES: dict[str, tuple[Family, ...]] = {
    "tabular-classification": (
        _logistic("tabular-classification"),
        _boosting("tabular-classification", HistGradientBoostingClassifier),
        _forest("tabular-classification", RandomForestClassifier),
    ),
    "tabular-regression": (
        _ridge("tabular-regression"),
        _boosting("tabular-regression", HistGradientBoostingRegressor),
        _forest("tabular-regression", RandomForestRegressor),
    ),
}
