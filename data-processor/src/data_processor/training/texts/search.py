"""The search for a candidate on texts within a budget of seconds.

As `training/search.py`: defaults first, then Optuna. What is different follows from how few texts people
have. A candidate is measured by several divisions into folds; one that is behind after the first is given up
(Optuna's median pruner). Terms are counted once for all fits (`counting.py`), which makes a search some ten
times as far-reaching. Unless somebody asked for something, the best few may answer together (`blending.py`).
And the best by a hair does not win (`choosing.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from threadpoolctl import threadpool_limits

from data_processor.features.split import Split
from data_processor.models.policy import Policy
from data_processor.statistics.measures import LOWER_IS_BETTER, SelectionMetric
from data_processor.tasks.candidates import Candidate, TooFewRowsError
from data_processor.tasks.texts.families import text_arms
from data_processor.training.leaderboard import Tried, leaderboard, ranked
from data_processor.training.metrics import selection_metric
from data_processor.training.search import Progress, Searched
from data_processor.training.texts.blending import blend
from data_processor.training.texts.choosing import choose
from data_processor.training.texts.folds import divide, shares_of
from data_processor.training.texts.trials import Trials, required

ROWS_PER_SECOND = 200
"""Old texts that a search fits at most, per second of budget."""
FEWEST_ROWS = 1_000
"""Old texts that a search fits in any case."""
WARM_UP = 12
"""Random draws before the drawing learns; the defaults come first."""
UNPRUNED = 4
"""Trials that are measured by every division, before what is behind the others is given up."""
MISSES = 10
"""Draws in a row that would take too long, after which nothing shorter is waited for."""


def search_texts(
    split: Split,
    policy: Policy,
    *,
    budget_s: float,
    seed: int,
    asked: Sequence[Mapping[str, Any]] | None = None,
    progress: Progress | None = None,
) -> Searched:
    """Find the best candidate within `budget_s` seconds; each estimator is tried once whatever the budget.

    `asked` are requests as `families.text_arms` takes them. Raises `UnknownCandidateError`, and
    `TooFewRowsError` if nothing at all can be fitted.
    """
    arms, shares = text_arms(asked), shares_of(split, policy)
    metric = selection_metric(policy, split.schema.task)
    material = divide(split, max(FEWEST_ROWS, int(budget_s * ROWS_PER_SECOND)), seed)
    trials = Trials(material, split.schema, metric, seed, budget_s)
    study = _study(metric, seed)
    due = [(number, place) for place in range(len(shares)) for number in range(len(arms))]
    for number, place in due:
        study.enqueue_trial(_named(arms[number].default(shares[place]), number, place))
    untried, misses, left = {arm.estimator.name for arm in arms}, 0, len(due)
    while left > 0 or (trials.used < budget_s and misses < MISSES):
        trial = study.ask()
        arm = arms[trial.suggest_categorical("arm", range(len(arms)))]
        share = shares[trial.suggest_categorical("recent_share", range(len(shares)))]
        with threadpool_limits(1):  # nothing here is large enough for threads to pay off
            tried = trials.run(trial, study, arm, share, must=arm.estimator.name in untried)
        left -= 1
        untried -= {arm.estimator.name} if tried else set()
        misses = misses + 1 if tried is None and left <= 0 and trials.late else 0
        if tried is not None and progress is not None:
            progress(min(1.0, trials.used / budget_s), tried)
    if not trials.tried:
        raise TooFewRowsError(f"No candidate can be fitted: {trials.why_not}")
    found = list(trials.tried)
    if not asked and not material.by_recent and (joint := blend(found, trials.said, trials.measured)):
        found.append(joint)
    chosen, truth = choose(found, trials.measured), trials.measured.truth
    board = leaderboard(found, metric, truth, split.schema)
    if all(row.candidate != chosen.candidate for row in board):  # too many were better by a hair
        board += leaderboard([chosen], metric, truth, split.schema)
    board.sort(key=lambda row: row.candidate != chosen.candidate)  # it goes on; the others are in their order
    return Searched(
        best=chosen.candidate,
        metric=metric,
        leaderboard=board,
        chosen_on="recent" if material.by_recent else "cross-validation",
        trials=trials.begun,
        pruned=trials.begun - len(trials.tried),
        seconds=trials.used,
        places=[],
        history=_history(found, metric),
    )


def _study(metric: SelectionMetric, seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=WARM_UP)
    lower = metric in LOWER_IS_BETTER
    direction = optuna.study.StudyDirection.MINIMIZE if lower else optuna.study.StudyDirection.MAXIMIZE
    pruner = optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED)
    return optuna.create_study(sampler=sampler, pruner=pruner, direction=direction)


def _named(candidate: Candidate, arm: int, share: int) -> dict[str, Any]:
    """Return a candidate in the names that a study uses."""
    vectorizer = required(candidate.vectorizer)
    spaces = ((candidate.estimator, candidate.params), (vectorizer.name, vectorizer.params))
    drawn = {
        f"{space}:{name}": ("yes" if value else "no") if isinstance(value, bool) else value
        for space, params in spaces
        for name, value in params.items()
    }
    return {"arm": arm, "recent_share": share, **drawn}


def _history(tried: Sequence[Tried], metric: SelectionMetric) -> list[float]:
    best = [ranked(tried[: number + 1], metric)[0].metrics.get(metric) for number in range(len(tried))]
    return [value for value in best if value is not None]
