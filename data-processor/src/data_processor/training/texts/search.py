"""The search for a candidate on texts within a budget of seconds.

As `training/search.py`: defaults first, then Optuna. What is different follows from how few texts people
have. A candidate is measured by several divisions into folds; one that is behind after the first is given up
(Optuna's median pruner). And terms are counted once for all fits (`counting.py`), which makes a search some
ten times as far-reaching.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer
from threadpoolctl import threadpool_limits

from data_processor.models.policy import Policy, SelectionMetric
from data_processor.training.candidates import Candidate, RecentShare, Vectorizer
from data_processor.training.columns import TooFewRowsError
from data_processor.training.gate import selection_metric
from data_processor.training.leaderboard import Tried, as_answers, leaderboard, metrics, ranked
from data_processor.training.measures import LOWER_IS_BETTER
from data_processor.training.preparation import Split
from data_processor.training.search import Progress, Searched
from data_processor.training.texts.counting import Counted
from data_processor.training.texts.families import TextArm, make_estimator, text_arms
from data_processor.training.texts.folds import Fold, divide, shares_of
from data_processor.training.texts.pipeline import rows_of_rarest
from data_processor.training.texts.vectorizers import make_vectorizer, words_of

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
COUNTED = 12
"""Ways of counting that are kept."""
_SHAPING = ("ngrams", "lowercase", "stop_words", "lemmas")
"""What decides which terms there are; all else can be changed afterwards."""

Floats = NDArray[np.float64]


class _Late(Exception):
    """There is no time left for this trial."""


class _Behind(Exception):
    """This trial is not worth more fits."""


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
    trials = _Trials(split, metric, seed, budget_s)
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
    board = leaderboard(trials.tried, metric, trials.truth, split.schema)
    return Searched(
        best=board[0].candidate,
        metric=metric,
        leaderboard=board,
        chosen_on="recent" if split.chosen_on == "recent" else "cross-validation",
        trials=trials.begun,
        pruned=trials.pruned,
        seconds=trials.used,
        history=_history(trials.tried, metric),
        places=[],
    )


class _Trials:
    """Fits candidates to the folds and asks them about the rest."""

    def __init__(self, split: Split, metric: SelectionMetric, seed: int, budget_s: float) -> None:
        self._began, self._budget_s, self._seed = time.monotonic(), budget_s, seed
        self._metric, self._schema = metric, split.schema
        self._material = divide(split, max(FEWEST_ROWS, int(budget_s * ROWS_PER_SECOND)), seed)
        self._texts: list[str] = self._material.rows.frame[split.schema.strings[0].name].tolist()
        self._words = words_of(self._texts)
        self._counted: OrderedDict[str, Counted] = OrderedDict()
        self._slowest: dict[tuple[str, str], float] = {}
        self.truth = self._material.rows.target[self._material.asked]
        self.tried: list[Tried] = []
        self.begun = 0
        self.pruned = 0
        self.late = False
        self.why_not = "there is no row to choose by."

    @property
    def used(self) -> float:
        """Seconds since the search began."""
        return time.monotonic() - self._began

    def run(
        self, trial: optuna.Trial, study: optuna.Study, arm: TextArm, share: RecentShare, *, must: bool
    ) -> Tried | None:
        """Try what a trial draws; None if it cannot be fitted, is behind, or does not end in time."""
        candidate = arm.draw(trial, share)
        self.begun, self.late = self.begun + 1, False
        try:
            tried = self._try(trial, candidate, must=must)
        except TooFewRowsError as error:
            self.why_not = str(error)
        except _Behind:
            self.pruned += 1
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return None
        except _Late:
            self.late = True
        else:
            if self._metric in tried.metrics:
                study.tell(trial, tried.metrics[self._metric])
                self.tried.append(tried)
                return tried
            self.why_not = f"{self._metric} has no value on the rows to choose by."
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return None

    def _try(self, trial: optuna.Trial, candidate: Candidate, *, must: bool) -> Tried:
        chosen = _required(candidate.vectorizer)
        vectorizer = make_vectorizer(chosen, self._words)
        counted = self._count(chosen, vectorizer)
        key, divisions = (candidate.estimator, chosen.name), len(self._material.divisions)
        said = np.zeros((divisions, len(self._texts), len(self._schema.classes)))
        measured: list[dict[str, float]] = []
        seconds = []
        for division in range(divisions):
            if must and measured and self.used > self._budget_s:
                break
            for fold in self._material.fits(division, candidate.recent_share):
                if not must and self.used + self._slowest.get(key, 0.0) > self._budget_s:
                    raise _Late
                began = time.monotonic()
                features = counted.features(vectorizer, fold[0])
                said[division, fold[2]] = self._fit(candidate, features, fold)
                seconds.append(time.monotonic() - began)
                self._slowest[key] = max(seconds[-1], self._slowest.get(key, 0.0))
            answers = as_answers(said[division][self._material.asked], self._schema)
            measured.append(metrics(self.truth, answers, self._schema))
            if self._metric in measured[-1] and division < divisions - 1:
                trial.report(measured[-1][self._metric], division)
                if not must and trial.should_prune():
                    raise _Behind
        return Tried(
            candidate=candidate,
            answers=as_answers(said[: len(measured)].mean(axis=0)[self._material.asked], self._schema),
            metrics=_averages(measured),
            fit_seconds=float(np.mean(seconds)) + counted.seconds_per_text * len(fold[0]),
            ms_per_row=1000 * counted.seconds_per_text,
            bytes=8 * features.shape[1] * (len(self._schema.classes) + 1),
        )

    def _fit(self, candidate: Candidate, features: csr_matrix, fold: Fold) -> Floats:
        """Return what a candidate, fitted to some rows, says of others."""
        fitted, weights, asked = fold
        target = self._material.rows.target[fitted]
        model = make_estimator(candidate, self._seed, rows_of_rarest(target, self._schema))
        model.fit(features[fitted], target, sample_weight=weights)
        return np.asarray(model.predict_proba(features[asked]), np.float64)

    def _count(self, chosen: Vectorizer, vectorizer: CountVectorizer) -> Counted:
        shape = chosen.name == "character-tf-idf", *(chosen.params.get(name) for name in _SHAPING)
        key = repr(shape)
        if key not in self._counted:
            self._counted[key] = Counted(vectorizer, self._texts)
        self._counted.move_to_end(key)
        while len(self._counted) > COUNTED:
            self._counted.popitem(last=False)
        return self._counted[key]


def _averages(measured: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each metric that has a value in every division."""
    names = [name for name in measured[0] if all(name in one for one in measured)]
    return {name: float(np.mean([one[name] for one in measured])) for name in names}


def _required(vectorizer: Vectorizer | None) -> Vectorizer:
    if vectorizer is None:
        raise AssertionError("Every candidate for texts has a vectorizer.")
    return vectorizer


def _study(metric: SelectionMetric, seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=WARM_UP)
    lower = metric in LOWER_IS_BETTER
    direction = optuna.study.StudyDirection.MINIMIZE if lower else optuna.study.StudyDirection.MAXIMIZE
    pruner = optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED)
    return optuna.create_study(sampler=sampler, pruner=pruner, direction=direction)


def _named(candidate: Candidate, arm: int, share: int) -> dict[str, Any]:
    """Return a candidate in the names that a study uses."""
    vectorizer = _required(candidate.vectorizer)
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
