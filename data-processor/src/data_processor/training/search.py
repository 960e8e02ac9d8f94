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
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
from optuna.trial import Trial, TrialState

from data_processor.features.split import Split
from data_processor.models.policy import Policy
from data_processor.statistics.measures import LOWER_IS_BETTER, SelectionMetric
from data_processor.tasks.candidates import Candidate, TooFewRowsError
from data_processor.tasks.comparison import Tried
from data_processor.tasks.registry import row_task_of
from data_processor.tasks.space import Fitted, Flags, SearchRequest, Space, Trials
from data_processor.training.clock import Clock
from data_processor.training.leaderboard import LeaderboardRow, leaderboard
from data_processor.training.metrics import selection_metric
from data_processor.training.pool import Pool, local_pool

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
    space = row_task_of(task).learner.space(split, request)
    with nullcontext(pool) if pool is not None else local_pool(1) as fitting:
        return _Search(space, budget_s, fitting, progress).run()


class _Search:
    """One search: what is under way, and what was found."""

    def __init__(self, space: Space, budget_s: float, pool: Pool, progress: Progress | None) -> None:
        self._space, self._budget_s, self._pool, self._progress = space, budget_s, pool, progress
        self._study, self._metric = space.study, space.scorer.metric
        self._first = len(self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))
        """How many trials are still to come that the space begins with."""
        self._clock = Clock(space.fitting_s)
        self._shared = pool.share(space.trials)
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
            best=self._space.on_every_row(chosen.candidate),
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
        misses = 0
        while len(self._running) < self._pool.count():
            if self._first > 0:
                self._first -= 1
            elif self._clock.used >= self._clock.budget_s or misses >= self._space.misses:
                break
            else:
                misses += 1
            trial = self._study.ask()
            candidate, required = self._space.suggest(trial)
            nothing = not self._tried and not self._running
            attempt = _Attempt(trial, candidate, required, must=nothing or required not in {None, *self._met})
            if self._wanted(attempt):
                self._submit(attempt)
                misses = 0
            else:
                self._study.tell(trial, state=TrialState.FAIL)
        return bool(self._running)

    def _wanted(self, attempt: _Attempt) -> bool:
        """Say whether a candidate is new, and will probably end in time."""
        name = attempt.candidate.model_dump_json()
        wanted = name not in self._known and self._in_time(attempt)
        self._known |= {name} if wanted else set()
        return wanted

    def _in_time(self, attempt: _Attempt) -> bool:
        """Say whether a trial's next fits will probably end in time, or must be done anyway."""
        ahead = min(self._space.ahead, len(self._space.folds) - len(attempt.fitted))
        return attempt.must or self._clock.allows(self._space.cost(attempt.candidate), ahead)

    def _submit(self, attempt: _Attempt) -> None:
        fit = self._pool.executor.submit(try_fit, self._shared, attempt.candidate, len(attempt.fitted))
        self._running[fit] = attempt

    def _go_on(self, attempt: _Attempt, fitted: Fitted) -> None:
        """Take in what a fit answered: begin the next, or end the trial."""
        if fitted.outputs is None:
            self._why_not = fitted.why_not
            self._study.tell(attempt.trial, state=TrialState.FAIL)
            return
        attempt.fitted.append(fitted)
        self._places.add(fitted.where)
        self._clock.learn(self._space.cost(attempt.candidate), fitted.seconds)
        if fitted.settled:
            params = {**attempt.candidate.params, **fitted.settled}
            attempt.candidate = attempt.candidate.model_copy(update={"params": params})
        done, fits = len(attempt.fitted), len(self._space.folds)
        if done == fits or done in self._space.checkpoints:
            tried = self._measure(attempt)
            if done == fits or self._suffices(attempt, tried):
                self._finish(attempt, tried)
                return
            if self._is_behind(attempt, tried):
                self._pruned += 1
                self._study.tell(attempt.trial, state=TrialState.PRUNED)
                return
        if self._in_time(attempt):
            self._submit(attempt)
        else:
            self._study.tell(attempt.trial, state=TrialState.FAIL)

    def _suffices(self, attempt: _Attempt, tried: Tried) -> bool:
        """Say whether a trial that must be tried may stay at a checkpoint, now that the budget is over."""
        every_row = len(tried.outputs[0]) == len(self._space.scorer.truth)
        return attempt.must and every_row and self._clock.used > self._clock.budget_s

    def _is_behind(self, attempt: _Attempt, tried: Tried) -> bool:
        """Tell the study how good a trial is at a checkpoint; say whether it is to be pruned."""
        if self._metric not in tried.metrics:
            return False
        attempt.trial.report(tried.metrics[self._metric], len(attempt.fitted))
        return not attempt.must and attempt.trial.should_prune()

    def _finish(self, attempt: _Attempt, tried: Tried) -> None:
        self._tried.append(tried)
        self._met.add(attempt.required)
        value = tried.metrics.get(self._metric)
        self._study.tell(attempt.trial, value, TrialState.FAIL if value is None else None)
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
        seen: Flags = np.asarray(answered.all(axis=0), np.bool_)
        return scorer.some(seen).tried(
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
    """Return what a fit answered; one that was lost on its way answered nothing."""
    try:
        return future.result()
    except CancelledError:
        return Fitted(None, "the Dask cluster went away.", 0.0, 0.0, 0, "nowhere")
    except BrokenExecutor:
        return Fitted(None, "a process that fitted came to an end.", 0.0, 0.0, 0, "nowhere")


def _history(tried: Sequence[Tried], metric: SelectionMetric) -> list[float]:
    values = [one.metrics[metric] for one in tried if metric in one.metrics]
    return list(accumulate(values, min if metric in LOWER_IS_BETTER else max))
