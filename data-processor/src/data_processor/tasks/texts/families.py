"""What can be tried on texts: each declared estimator and vectorizer, and what a person fixed of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.svm import LinearSVC

from data_processor.features.hyperparameters import Hyperparameter, Value, defaults
from data_processor.tasks.candidates import Candidate, RecentShare, UnknownCandidateError, Vectorizer
from data_processor.tasks.requests import estimator_problems, vectorizer_problems
from data_processor.tasks.texts.declared import DESCRIPTION, NONE

_ROUNDS = 2_000

Params = Mapping[str, Any]
Folds = int | Sequence[tuple[Any, Any]]
"""How a calibration divides the rows: into so many stratified folds, or into these."""
Make = Callable[[Params, int, Folds], BaseEstimator]
"""From hyperparameters, a seed and the folds of a calibration to an unfitted estimator."""


@dataclass(frozen=True)
class Part:
    """An estimator or a vectorizer, and those of its hyperparameters that are fixed."""

    name: str
    hyperparameters: Sequence[Hyperparameter]
    fixed: Mapping[str, Value]

    @property
    def defaults(self) -> dict[str, Value]:
        """Every default, except where something else is fixed."""
        return {**defaults(self.hyperparameters), **self.fixed}

    def suggest(self, trial: optuna.Trial, prefix: str) -> dict[str, Value]:
        """Return values that a trial is to use; what is fixed is not sampled."""
        return {
            one.name: self.fixed[one.name] if one.name in self.fixed else one.suggest(trial, prefix)
            for one in self.hyperparameters
        }


PLAIN: Params = {"ngrams": "1-1", "min_df": 1, "sublinear": False}
"""Words as scikit-learn's tf-idf weighs them if nothing is said: with a logistic regression, what every
search on texts has to be better than."""


@dataclass(frozen=True)
class TextArm:
    """One estimator on one vectorizer."""

    estimator: Part
    vectorizer: Part

    @property
    def plain(self) -> bool:
        """Say whether plain words and a logistic regression are among its candidates."""
        return (self.estimator.name, self.vectorizer.name) == ("logistic-regression", "tf-idf")

    def default(self, recent_share: RecentShare, **vectorizing: Value) -> Candidate:
        """Return what to try first, with some hyperparameters of the vectorizer set."""
        return self._candidate(
            self.estimator.defaults, {**self.vectorizer.defaults, **vectorizing}, recent_share
        )

    def suggest(self, trial: optuna.Trial, recent_share: RecentShare) -> Candidate:
        """Return what a trial is to try; arms that share a vectorizer learn from each other's trials."""
        return self._candidate(
            self.estimator.suggest(trial, f"{self.estimator.name}:"),
            self.vectorizer.suggest(trial, f"{self.vectorizer.name}:"),
            recent_share,
        )

    def _candidate(self, params: Params, vectorizing: Params, recent_share: RecentShare) -> Candidate:
        return Candidate(
            estimator=self.estimator.name,
            params=dict(params),
            vectorizer=Vectorizer(name=self.vectorizer.name, params=dict(vectorizing)),
            recent_share=recent_share,
        )


def text_arms(asked: Sequence[Mapping[str, Any]] | None = None) -> list[TextArm]:
    """Return what a run tries: every estimator on every vectorizer, or those asked for.

    `asked` are `{"estimator", "params", "vectorizer"}`, the vectorizer a name, `{"name", "params"}` or
    absent. Raises `UnknownCandidateError` naming what does not exist or is out of its range.
    """
    described = DESCRIPTION
    requests = asked or [{"estimator": one.name} for one in described.estimators]
    made = []
    for request in requests:
        name, params = request["estimator"], dict(request.get("params") or {})
        _require(estimator_problems(DESCRIPTION, name, params))
        space = next(one for one in described.estimators if one.name == name).hyperparameters
        estimator = Part(name, space, params)
        wanted = request.get("vectorizer")
        chosen: Mapping[str, Any] = {"name": wanted} if isinstance(wanted, str) else wanted or {}
        fixed = dict(chosen.get("params") or {})
        if chosen:
            _require(vectorizer_problems(DESCRIPTION, chosen["name"], fixed))
        made += [
            TextArm(estimator, Part(one.name, one.hyperparameters, fixed))
            for one in described.vectorizers
            if not chosen or one.name == chosen["name"]
        ]
    return made


def make_estimator(candidate: Candidate, seed: int, folds: Folds) -> BaseEstimator:
    """Return the unfitted estimator of a candidate; raises `UnknownCandidateError`."""
    try:
        make = _MAKE[candidate.estimator]
    except KeyError:
        raise UnknownCandidateError(
            f"There is no estimator {candidate.estimator!r} for {DESCRIPTION.task}."
        ) from None
    described = next(one for one in DESCRIPTION.estimators if one.name == candidate.estimator)
    return make({**defaults(described.hyperparameters), **candidate.params}, seed, folds)


def complete(vectorizer: Vectorizer | None) -> Vectorizer:
    """Return a vectorizer with every default filled in; none is tf-idf. Raises `UnknownCandidateError`."""
    vectorizer = vectorizer or Vectorizer(name="tf-idf", params={})
    for one in DESCRIPTION.vectorizers:
        if one.name == vectorizer.name:
            return Vectorizer(name=one.name, params={**defaults(one.hyperparameters), **vectorizer.params})
    raise UnknownCandidateError(f"There is no vectorizer {vectorizer.name!r}.")


def _require(problems: Sequence[Mapping[str, Any]]) -> None:
    if problems:
        raise UnknownCandidateError(f"{problems[0]['loc'][-1]}: {problems[0]['message']}.")


def _weights(params: Params) -> str | None:
    return None if params["class_weight"] == NONE else str(params["class_weight"])


def _naive_bayes(params: Params, _seed: int, _folds: Folds) -> BaseEstimator:
    return MultinomialNB(alpha=params["alpha"], fit_prior=params["fit_prior"])


def _logistic(params: Params, seed: int, _folds: Folds) -> BaseEstimator:
    return LogisticRegression(
        C=params["C"], class_weight=_weights(params), max_iter=_ROUNDS, random_state=seed
    )


def _support_vectors(params: Params, seed: int, folds: Folds) -> BaseEstimator:
    """Calibrate on answers to folds, then fit once to every row: one linear model to ask."""
    linear = LinearSVC(C=params["C"], class_weight=_weights(params), max_iter=_ROUNDS, random_state=seed)
    return CalibratedClassifierCV(linear, method="sigmoid", cv=folds, ensemble=False)


_MAKE: dict[str, Make] = {
    "naive-bayes": _naive_bayes,
    "logistic-regression": _logistic,
    "linear-svc": _support_vectors,
}
