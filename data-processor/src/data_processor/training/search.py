"""The search for a candidate within a budget of seconds, by what it says on rows it was not fitted to.

First every estimator with its defaults, under every weight of the recent rows; then Optuna draws
hyperparameters (tree-structured Parzen estimator) while there is time. A trial that would not end within the
budget is not begun, judged by how long its estimator took so far, and given up between two folds if it takes
longer than that; what is still being fitted when the budget is over is not waited for. In a cross-validation
a trial that is worse than three in four others were after as many folds is given up too.

Where there was time to cross-validate, the best candidates are blended (`blending.py`). A search that the
score opened is about few recent rows: there the quick estimators are tried one after the other, and nothing
is blended. The rows that the gate decides on are not even at hand here.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data_processor.features.split import Split
from data_processor.models.policy import Policy
from data_processor.statistics.measures import Answers, SelectionMetric
from data_processor.tasks.candidates import Candidate, TooFewRowsError
from data_processor.training.blending import blend
from data_processor.training.clock import Clock
from data_processor.training.leaderboard import (
    LeaderboardRow,
    Tried,
    as_answers,
    leaderboard,
    metrics,
    ranked,
)
from data_processor.training.metrics import selection_metric
from data_processor.training.pool import Pool, local_pool
from data_processor.training.sampler import Drawn, Sampler
from data_processor.training.trials import Fitted, make_ground, try_fold

Progress = Callable[[float, Tried], None]
"""Told after each trial: the share of the budget that is used, and what was tried."""

PATIENT_S = 45.0
"""With such a budget a cross-validation looks at larger models too."""
BLENDING = 0.04
"""The share of the budget that is left for blending."""
LATE = 1.03
"""The share of the budget after which nothing is waited for any more."""
MOST_FOR_ONE = 0.2
"""The share of the budget that the first trial of an estimator may want that is none of the quick ones."""
MISSES = 20
"""Draws in a row that would take too long, or are known, after which no other is waited for."""


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search found."""

    best: Candidate
    metric: SelectionMetric
    leaderboard: list[LeaderboardRow]
    chosen_on: str
    """`recent`, `validation` or `cross-validation` (`trials.py`)."""
    trials: int
    pruned: int
    """Trials that were given up as no better than others."""
    seconds: float
    history: list[float]
    """The best value of the metric after each trial."""
    places: list[str]
    """The machines and processes that fitted."""


@dataclass(eq=False, slots=True)
class _Attempt:
    """A candidate on its way: what its folds said so far."""

    drawn: Drawn
    must: bool
    """It is tried whatever the budget."""
    fitted: list[Fitted] = field(default_factory=list)


def search(
    split: Split,
    policy: Policy,
    *,
    budget_s: float,
    seed: int,
    asked: Sequence[Mapping[str, Any]] | None = None,
    pool: Pool | None = None,
    progress: Progress | None = None,
) -> Searched:
    """Find the best candidate on the validation rows within `budget_s` seconds.

    One candidate is tried whatever the budget; in a run that the score opened, each estimator. `asked`
    restricts the search to these estimators, with the hyperparameters that are given. `pool` is who fits, by
    default one thread. Raises `UnknownCandidateError`, and `TooFewRowsError` if nothing at all can be fitted.
    """
    with nullcontext(pool) if pool is not None else local_pool(1) as fitting:
        return _Search(
            split, policy, budget_s=budget_s, seed=seed, asked=asked, pool=fitting, progress=progress
        ).run()


class _Search:
    """One search: what is under way, and what was found."""

    def __init__(
        self,
        split: Split,
        policy: Policy,
        *,
        budget_s: float,
        seed: int,
        asked: Sequence[Mapping[str, Any]] | None,
        pool: Pool,
        progress: Progress | None,
    ) -> None:
        self._schema = split.schema
        self._recent = split.chosen_on == "recent"
        self._metric = selection_metric(policy, split.schema.task)
        self._ground = make_ground(split, budget_s, seed)
        self._crossed = self._ground.chosen_on == "cross-validation"
        self._asked = bool(asked)
        self._budget_s = budget_s
        self._clock = Clock(budget_s * (1 - BLENDING) if self._crossed else budget_s)
        self._sampler = Sampler(
            split.schema.task,
            policy,
            self._metric,
            seed,
            asked,
            recent=self._recent,
            patient=self._crossed and budget_s >= PATIENT_S,
            prunes=self._crossed,
        )
        self._pool, self._progress = pool, progress
        self._shared: Any = None
        self._untried = set(range(len(self._sampler.arms)))
        self._known: set[str] = set()
        self._running: dict[Future[Fitted], _Attempt] = {}
        self._tried: list[Tried] = []
        self._places: set[str] = set()
        self._pruned = 0
        self._why_not = "there is no row to choose by."

    def run(self) -> Searched:
        """Try candidates until the budget is used, and compare them."""
        self._shared = self._pool.share(self._ground)
        while self._begin():
            done, _ = wait(self._running, self._patience(), FIRST_COMPLETED)
            if not done and self._clock.used >= LATE * self._budget_s:
                break  # what is still being fitted comes too late
            for future in done:
                self._go_on(self._running.pop(future), _result(future))
        if not self._tried:
            raise TooFewRowsError(f"No candidate can be fitted: {self._why_not}")
        trials, truth = len(self._tried) + self._pruned, self._ground.validation.target
        if self._crossed and (joint := blend(self._tried, self._metric, truth, self._schema)) is not None:
            self._tried.append(joint)
        board = leaderboard(self._tried, self._metric, truth, self._schema)
        return Searched(
            best=board[0].candidate,
            metric=self._metric,
            leaderboard=board,
            chosen_on=self._ground.chosen_on,
            trials=trials,
            pruned=self._pruned,
            seconds=self._clock.used,
            history=_history(self._tried, self._metric),
            places=sorted(self._places),
        )

    def _patience(self) -> float | None:
        """Return how many seconds a fit is waited for; None: for as long as it takes."""
        if not self._tried or any(attempt.must for attempt in self._running.values()):
            return None
        return max(0.0, LATE * self._budget_s - self._clock.used)

    def _begin(self) -> bool:
        """Begin as many trials as there are hands for them; say whether one is under way."""
        misses = 0
        while len(self._running) < self._pool.count():
            if not self._sampler.due and (self._clock.used >= self._clock.budget_s or misses >= MISSES):
                break
            first = self._sampler.due > 0
            drawn = self._sampler.draw()
            nothing = not self._tried and not self._running
            attempt = _Attempt(drawn, must=drawn.number in self._untried if self._recent else nothing)
            if self._wanted(attempt):
                self._submit(attempt)
                misses = 0
            else:
                self._sampler.failed(drawn)
                misses += not first
        return bool(self._running)

    def _wanted(self, attempt: _Attempt) -> bool:
        """Say whether a candidate is new, and will probably end in time."""
        arm, candidate = attempt.drawn.arm, attempt.drawn.candidate
        name = candidate.model_dump_json()
        if name in self._known:
            return False
        folds = len(self._ground.folds)
        if not attempt.must:
            if not self._clock.allows(arm, candidate, folds):
                return False
            rows = len(self._ground.fitting) or len(self._ground.validation)
            first = folds * arm.family.seconds * rows / 10_000
            if not self._asked and not arm.family.core and first > MOST_FOR_ONE * self._budget_s:
                return False
        self._known.add(name)
        return True

    def _submit(self, attempt: _Attempt) -> None:
        candidate, fold = attempt.drawn.candidate, len(attempt.fitted)
        self._running[self._pool.executor.submit(try_fold, self._shared, candidate, fold)] = attempt

    def _go_on(self, attempt: _Attempt, fitted: Fitted) -> None:
        """Take in what a fold said: begin the next, give the trial up, or finish it."""
        drawn = attempt.drawn
        if fitted.said is None:
            self._why_not = fitted.why_not
            self._sampler.failed(drawn)
            return
        attempt.fitted.append(fitted)
        self._places.add(fitted.where)
        self._clock.learn(drawn.arm, drawn.candidate, fitted.seconds)
        left = len(self._ground.folds) - len(attempt.fitted)
        answers, found = self._measure(attempt)
        if not left:
            self._finish(attempt, answers, found)
        elif self._sampler.hopeless(drawn, len(attempt.fitted), found.get(self._metric)):
            self._pruned += 1
            self._sampler.pruned(drawn)
        elif attempt.must or self._clock.allows(drawn.arm, drawn.candidate, left):
            self._submit(attempt)
        else:
            self._sampler.failed(drawn)

    def _finish(self, attempt: _Attempt, answers: Answers, found: dict[str, float]) -> None:
        tried = Tried(
            candidate=attempt.drawn.candidate,
            answers=answers,
            metrics=found,
            fit_seconds=float(np.mean([fitted.seconds for fitted in attempt.fitted])),
            ms_per_row=float(np.median([fitted.ms_per_row for fitted in attempt.fitted])),
            bytes=max(fitted.bytes for fitted in attempt.fitted),
        )
        self._tried.append(tried)
        self._untried.discard(attempt.drawn.number)
        self._sampler.finished(attempt.drawn, found.get(self._metric))
        if self._progress is not None:
            self._progress(min(1.0, self._clock.used / self._budget_s), tried)

    def _measure(self, attempt: _Attempt) -> tuple[Answers, dict[str, float]]:
        """Return what the folds so far answered, and every metric of it."""
        done = self._ground.folds[: len(attempt.fitted)]
        said = np.zeros((len(self._ground.validation), max(1, len(self._schema.classes))))
        for fold, fitted in zip(done, attempt.fitted, strict=True):
            said[fold] = fitted.said
        seen = np.logical_or.reduce(done)
        answers = as_answers(said[seen], self._schema)
        return answers, metrics(self._ground.validation.target[seen], answers, self._schema)


def _result(future: Future[Fitted]) -> Fitted:
    """Return what a fit said; one that a cluster lost on its way out said nothing."""
    try:
        return future.result()
    except CancelledError:
        return Fitted(None, "the Dask cluster went away.", 0.0, 0.0, 0, "nowhere")


def _history(tried: Sequence[Tried], metric: SelectionMetric) -> list[float]:
    best = [ranked(tried[: number + 1], metric)[0].metrics.get(metric) for number in range(len(tried))]
    return [value for value in best if value is not None]
