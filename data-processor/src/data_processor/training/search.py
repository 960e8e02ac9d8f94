"""The search for a candidate within a budget of seconds, by what it says on the choosing rows.

First every estimator with its defaults, under every weight of the recent rows; then Optuna draws
hyperparameters (tree-structured Parzen estimator) while there is time. A trial that would not end within the
budget is not begun, judged by how long its estimator took so far, and given up between two fits if it takes
longer than that.

With recent rows each trial is cross-fitted on the choosing rows: fitted on the other folds and the old rows,
except those with inputs of the fold, and scored on the fold. The rows that the gate decides on are not even
at hand here.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna

from data_processor.datasets import holdout
from data_processor.models.policy import Policy, SelectionMetric
from data_processor.training.candidates import Arm, Candidate, RecentShare, arms
from data_processor.training.gate import selection_metric
from data_processor.training.leaderboard import (
    LeaderboardRow,
    Tried,
    as_answers,
    leaderboard,
    metrics,
    ranked,
    size,
)
from data_processor.training.measures import LOWER_IS_BETTER
from data_processor.training.pipelines import TooFewRowsError, answer, fit
from data_processor.training.preparation import Rows, Split

Progress = Callable[[float, Tried], None]
"""Told after each trial: the share of the budget that is used, and what was tried."""

FOLDS = 3
"""Folds of the choosing rows, when they are recent."""
ROWS_PER_SECOND = 5_000
"""Old rows that a search fits at most, per second of budget: every default fits into it several times."""
FEWEST_ROWS = 3_000
"""Old rows that a search fits in any case."""
TIMED_ROWS = 500
"""Rows that are answered to see how long one takes."""
MISSES = 5
"""Draws in a row that would take too long, after which nothing shorter is waited for."""
WARM_UP = 8
"""Random draws before the drawing learns; the defaults come first."""


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search found."""

    best: Candidate
    metric: SelectionMetric
    leaderboard: list[LeaderboardRow]
    trials: int
    seconds: float
    history: list[float]
    """The best value of the metric after each trial."""


@dataclass(slots=True)
class _Clock:
    """How much of the budget is left, and what a fit will take."""

    budget_s: float
    began: float = field(default_factory=time.monotonic)
    units: dict[tuple[str, bool], float] = field(default_factory=dict)
    """The most seconds per unit of cost, by estimator and whether only recent rows are fitted."""

    @property
    def used(self) -> float:
        return time.monotonic() - self.began

    def learn(self, arm: Arm, candidate: Candidate, seconds: float) -> None:
        """Remember how long one fit took."""
        key, unit = self._key(candidate), seconds / arm.family.cost(candidate.params)
        self.units[key] = max(unit, self.units.get(key, 0.0))

    def allows(self, arm: Arm, candidate: Candidate, fits: int) -> bool:
        """Say whether so many fits will end in time; what was never tried counts as cheap."""
        expected = self.units.get(self._key(candidate), 0.0) * arm.family.cost(candidate.params)
        return self.used + fits * expected <= self.budget_s

    @staticmethod
    def _key(candidate: Candidate) -> tuple[str, bool]:
        return candidate.estimator, candidate.recent_share == "only"


def search(
    split: Split,
    policy: Policy,
    *,
    budget_s: float,
    seed: int,
    asked: Sequence[Mapping[str, Any]] | None = None,
    progress: Progress | None = None,
) -> Searched:
    """Find the best candidate on the choosing rows within `budget_s` seconds.

    Each estimator's default is tried once whatever the budget. `asked` restricts the search to these
    estimators, with the hyperparameters that are given. Raises `UnknownCandidateError`, and `TooFewRowsError`
    if nothing at all can be fitted.
    """
    clock, trials = _Clock(budget_s), _Trials(split, policy, seed, budget_s)
    every = arms(split.schema.task, asked)
    shares = _shares(split, policy)
    study = _study(trials.metric, seed)
    for share in shares:
        for number in range(len(every)):
            study.enqueue_trial(_default(every, number, shares, share))
    misses, due, untried = 0, len(every) * len(shares), set(range(len(every)))
    while due > 0 or (clock.used < budget_s and misses < MISSES):
        trial = study.ask()
        number, candidate = _drawn(trial, every, shares)
        tried = trials.run(every[number], candidate, clock, must=number in untried)
        due -= 1
        untried -= {number} if tried is not None else set()
        if tried is None or trials.metric not in tried.metrics:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, tried.metrics[trials.metric])
        misses = misses + 1 if tried is None and due <= 0 else 0
        if tried is not None and progress is not None:
            progress(min(1.0, clock.used / budget_s), tried)
    if not trials.tried:
        raise TooFewRowsError(f"No candidate can be fitted: {trials.why_not}")
    board = leaderboard(trials.tried, trials.metric, split.choosing.target, split.schema)
    return Searched(
        best=board[0].candidate,
        metric=trials.metric,
        leaderboard=board,
        trials=len(trials.tried),
        seconds=clock.used,
        history=_history(trials.tried, trials.metric),
    )


class _Trials:
    """Fits candidates and asks them about the choosing rows."""

    def __init__(self, split: Split, policy: Policy, seed: int, budget_s: float) -> None:
        self.metric = selection_metric(policy, split.schema.task)
        self.tried: list[Tried] = []
        self.why_not = "there is no row to choose by."
        self._schema = split.schema
        self._seed = seed
        self._choosing = split.choosing
        recent = split.chosen_on == "recent"
        at = holdout.folds(split.choosing.positions, FOLDS)
        self._folds = [at == fold for fold in np.unique(at)] if recent else [np.ones(len(at), bool)]
        most = max(FEWEST_ROWS, int(budget_s * ROWS_PER_SECOND / len(self._folds)))
        self._old = len(split.fitting)
        self._fitting = _sample(split.fitting, most, seed)
        self._joins_choosing = recent

    def run(self, arm: Arm, candidate: Candidate, clock: _Clock, *, must: bool) -> Tried | None:
        """Try a candidate; return None if it cannot be fitted, or not in time (unless it must be tried)."""
        said = np.zeros((len(self._choosing), max(1, len(self._schema.classes))))
        seconds = []
        pipeline = None
        for number, fold in enumerate(self._folds):
            if not must and not clock.allows(arm, candidate, len(self._folds) - number):
                return None
            began = time.monotonic()
            try:
                pipeline = self._fit(candidate, fold)
            except TooFewRowsError as error:
                self.why_not = str(error)
                return None
            seconds.append(time.monotonic() - began)
            clock.learn(arm, candidate, seconds[-1])
            said[fold] = answer(pipeline, self._choosing.frame[fold])
        if pipeline is None:
            return None
        began, some = time.monotonic(), self._fitting.frame.iloc[:TIMED_ROWS]
        answer(pipeline, some)
        answers = as_answers(said, self._schema)
        tried = Tried(
            candidate=candidate,
            answers=answers,
            metrics=metrics(self._choosing.target, answers, self._schema),
            fit_seconds=float(np.mean(seconds)),
            ms_per_row=1000 * (time.monotonic() - began) / max(1, len(some)),
            bytes=size(pipeline),
        )
        self.tried.append(tried)
        return tried

    def _fit(self, candidate: Candidate, fold: Any) -> Any:
        if not self._joins_choosing:
            return fit(candidate, self._fitting, self._schema, self._seed)
        others, old = self._choosing.take(~fold), self._fitting.without(self._choosing.take(fold))
        if candidate.recent_share == "natural":
            # The old rows are a sample here: the recent ones get the share they have among all of them.
            share = len(others) / max(1, len(others) + self._old)
            candidate = candidate.model_copy(update={"recent_share": share})
        return fit(candidate, old.join(others), self._schema, self._seed)


def _shares(split: Split, policy: Policy) -> list[RecentShare]:
    """Return the weights that recent rows may have, the likeliest first: it is tried whatever the budget."""
    if split.chosen_on != "recent":
        return ["natural"]
    fixed: list[RecentShare] = [policy.recent_share] if 0 < policy.recent_share < 1 else []
    return [*fixed, "only", "natural"]


def _study(metric: SelectionMetric, seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=WARM_UP)
    lower = metric in LOWER_IS_BETTER
    direction = optuna.study.StudyDirection.MINIMIZE if lower else optuna.study.StudyDirection.MAXIMIZE
    return optuna.create_study(sampler=sampler, direction=direction)


def _default(every: Sequence[Arm], number: int, shares: Sequence[Any], share: Any) -> dict[str, Any]:
    """Return an arm's defaults in the names that a study uses."""
    drawn = {f"{number}:{name}": value for name, value in every[number].family.first(share).items()}
    return {"arm": number, "recent_share": shares.index(share), **drawn}


def _drawn(trial: optuna.Trial, every: Sequence[Arm], shares: Sequence[Any]) -> tuple[int, Candidate]:
    """Return which arm a trial is about, and the candidate that it draws."""
    number = trial.suggest_categorical("arm", range(len(every)))
    share = shares[trial.suggest_categorical("recent_share", range(len(shares)))]
    arm = every[number]
    params = arm.suggest(trial, f"{number}:")
    return number, Candidate(estimator=arm.family.name, params=params, recent_share=share)


def _sample(rows: Rows, most: int, seed: int) -> Rows:
    if len(rows) <= most:
        return rows
    return rows.take(np.sort(np.random.default_rng(seed).choice(len(rows), most, replace=False)))


def _history(tried: Sequence[Tried], metric: SelectionMetric) -> list[float]:
    best = [ranked(tried[: number + 1], metric)[0].metrics.get(metric) for number in range(len(tried))]
    return [value for value in best if value is not None]
