"""The search for a candidate within a budget of seconds, by what it answers on rows it was not fitted to.

What may be tried, and how, is said by the task's space (`tasks/space.py`): first what the space begins with,
then Optuna samples hyperparameters (tree-structured Parzen estimator) while there is time. A trial that would
not end within the budget is not begun, judged by how long others like it took so far, and given up between
two fits if it takes longer than that; what is still being fitted when the budget is over is not waited for.
At the checkpoints of the space a trial that is behind others is pruned.

Whatever the budget, one candidate is tried, and whatever the space requires. The rows that the gate decides
on are not even at hand here.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
from optuna.trial import Trial

from data_processor.features.split import Split
from data_processor.models.policy import Policy
from data_processor.statistics.measures import LOWER_IS_BETTER, SelectionMetric
from data_processor.tasks.candidates import Candidate, TooFewRowsError
from data_processor.tasks.comparison import Scorer, Tried
from data_processor.tasks.registry import task_of
from data_processor.tasks.space import Fitted, SearchRequest, Space, Trials
from data_processor.training.clock import Clock
from data_processor.training.leaderboard import LeaderboardRow, leaderboard
from data_processor.training.metrics import selection_metric
from data_processor.training.pool import Pool, local_pool
from data_processor.training.sampler import Sampler

Progress = Callable[[float, Tried], None]
"""Told after each trial: the share of the budget that is used, and what was tried."""

LATE = 1.03
"""The share of the budget after which nothing is waited for any more."""


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search found."""

    best: Candidate
    metric: SelectionMetric
    leaderboard: list[LeaderboardRow]
    chosen_on: str
    """`recent`, `validation` or `cross-validation`."""
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
    """A candidate on its way: what its fits answered so far."""

    trial: Trial
    candidate: Candidate
    required: Hashable | None
    must: bool
    """It is tried whatever the budget, and never pruned."""
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

    `asked` restricts the search to these estimators, with the hyperparameters that are given. `pool` does the
    fitting, by default one thread. Raises `UnknownCandidateError`, and `TooFewRowsError` if nothing at all
    can be fitted.
    """
    task = split.schema.task
    request = SearchRequest(
        metric=selection_metric(policy, task),
        budget_s=budget_s,
        seed=seed,
        estimators=asked,
        recent_share=policy.recent_share,
        preparation=policy.preparation,
    )
    space = task_of(task).learner.space(split, request)
    with nullcontext(pool) if pool is not None else local_pool(1) as fitting:
        return _Search(space, request, fitting, progress).run()


class _Search:
    """One search: what is under way, and what was found."""

    def __init__(self, space: Space, request: SearchRequest, pool: Pool, progress: Progress | None) -> None:
        self._space, self._pool, self._progress = space, pool, progress
        self._metric, self._budget_s = request.metric, request.budget_s
        self._clock = Clock(space.fitting_s)
        self._sampler = Sampler(space, request.seed)
        self._shared: Any = None
        self._known: set[str] = set()
        self._met: set[Hashable] = set()
        """What is required and was tried."""
        self._running: dict[Future[Fitted], _Attempt] = {}
        self._tried: list[Tried] = []
        self._places: set[str] = set()
        self._pruned = 0
        self._why_not = "there are no rows to choose by."

    def run(self) -> Searched:
        """Try candidates until the budget is used, and compare them."""
        self._shared = self._pool.share(self._space.trials)
        while self._begin():
            done, _ = wait(self._running, self._patience(), FIRST_COMPLETED)
            if not done and self._clock.used >= LATE * self._budget_s:
                break  # what is still being fitted comes too late
            for future in done:
                self._go_on(self._running.pop(future), _result(future))
        if not self._tried:
            raise TooFewRowsError(f"No candidate can be fitted: {self._why_not}")
        blend = self._space.blend(self._tried)
        found = self._tried if blend is None else [*self._tried, blend]
        chosen = self._space.choose(found)
        return Searched(
            best=chosen.candidate,
            metric=self._metric,
            leaderboard=leaderboard(found, self._space.scorer, chosen),
            chosen_on=self._space.chosen_on,
            trials=len(self._tried) + self._pruned,
            pruned=self._pruned,
            seconds=self._clock.used,
            history=_history(found, self._metric),
            places=sorted(self._places),
        )

    def _patience(self) -> float | None:
        """Return how many seconds a fit is waited for; None: for as long as it takes."""
        if not self._tried or any(attempt.must for attempt in self._running.values()):
            return None
        return max(0.0, LATE * self._budget_s - self._clock.used)

    def _begin(self) -> bool:
        """Begin as many trials as the pool can take; say whether one is under way."""
        misses, most = 0, self._space.sampling.misses
        while len(self._running) < self._pool.count():
            if not self._sampler.due and (self._clock.used >= self._clock.budget_s or misses >= most):
                break
            first = self._sampler.due > 0
            trial, (candidate, required) = self._sampler.sample()
            nothing = not self._tried and not self._running
            must = nothing or (required is not None and required not in self._met)
            if self._wanted(candidate, must=must):
                self._submit(_Attempt(trial, candidate, required, must))
                misses = 0
            else:
                self._sampler.failed(trial)
                misses += not first
        return bool(self._running)

    def _wanted(self, candidate: Candidate, *, must: bool) -> bool:
        """Say whether a candidate is new, and will probably end in time."""
        name = candidate.model_dump_json()
        if name in self._known or not (must or self._in_time(candidate, fits_done=0)):
            return False
        self._known.add(name)
        return True

    def _in_time(self, candidate: Candidate, fits_done: int) -> bool:
        ahead = min(self._space.ahead, len(self._space.folds) - fits_done)
        return self._clock.allows(self._space.cost(candidate), ahead)

    def _submit(self, attempt: _Attempt) -> None:
        fit = self._pool.executor.submit(try_fit, self._shared, attempt.candidate, len(attempt.fitted))
        self._running[fit] = attempt

    def _go_on(self, attempt: _Attempt, fitted: Fitted) -> None:
        """Take in what a fit answered: begin the next, give the trial up, or finish it."""
        if fitted.outputs is None:
            self._why_not = fitted.why_not
            self._sampler.failed(attempt.trial)
            return
        attempt.fitted.append(fitted)
        self._places.add(fitted.where)
        self._clock.learn(self._space.cost(attempt.candidate), fitted.seconds)
        done = len(attempt.fitted)
        if done == len(self._space.folds):
            self._finish(attempt, self._measure(attempt))
        elif done in self._space.checkpoints and self._ends(attempt, done):
            return
        elif attempt.must or self._in_time(attempt.candidate, done):
            self._submit(attempt)
        else:
            self._sampler.failed(attempt.trial)

    def _ends(self, attempt: _Attempt, done: int) -> bool:
        """Measure a trial at a checkpoint; prune it if it is behind, or leave it at that; say if either."""
        tried = self._measure(attempt)
        behind = self._sampler.behind(attempt.trial, done, tried.metrics.get(self._metric))
        if not attempt.must:
            if behind:
                self._pruned += 1
                self._sampler.pruned(attempt.trial)
            return behind
        enough = tried.outputs.shape[1] == len(self._space.scorer.truth)
        if enough and self._clock.used > self._clock.budget_s:
            self._finish(attempt, tried)
            return True
        return False

    def _finish(self, attempt: _Attempt, tried: Tried) -> None:
        self._tried.append(tried)
        self._met.add(attempt.required)
        self._sampler.finished(attempt.trial, tried.metrics.get(self._metric))
        if self._progress is not None:
            self._progress(min(1.0, self._clock.used / self._budget_s), tried)

    def _measure(self, attempt: _Attempt) -> Tried:
        """Return what was answered so far, measured on the rows that every division begun has answered."""
        scorer, done = self._space.scorer, self._space.folds[: len(attempt.fitted)]
        shape = done[-1].division + 1, len(scorer.truth)
        outputs = np.zeros((*shape, max(1, len(scorer.schema.classes))))
        answered = np.zeros(shape, np.bool_)
        for fold, fitted in zip(done, attempt.fitted, strict=True):
            outputs[fold.division, fold.rows] = fitted.outputs
            answered[fold.division] |= fold.rows
        seen = answered.all(axis=0)
        return Scorer(scorer.metric, scorer.truth[seen], scorer.schema).tried(
            attempt.candidate,
            outputs[:, seen],
            fit_seconds=float(np.mean([one.seconds + one.shared_seconds for one in attempt.fitted])),
            ms_per_row=float(np.median([one.ms_per_row for one in attempt.fitted])),
            bytes=max(one.bytes for one in attempt.fitted),
        )


def try_fit(trials: Trials, candidate: Candidate, fold: int) -> Fitted:
    """Fit a candidate and let it answer a fold: what a pool is given to do."""
    return trials.fit(candidate, fold)


def _result(future: Future[Fitted]) -> Fitted:
    """Return what a fit answered; one that a cluster lost on its way out answered nothing."""
    try:
        return future.result()
    except CancelledError:
        return Fitted(None, "the Dask cluster went away.", 0.0, 0.0, 0, "nowhere")


def _history(tried: Sequence[Tried], metric: SelectionMetric) -> list[float]:
    values = [one.metrics[metric] for one in tried if metric in one.metrics]
    return list(accumulate(values, min if metric in LOWER_IS_BETTER else max))
