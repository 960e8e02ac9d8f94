"""What a search tries on texts.

How it differs from tables follows from how few texts people have. A candidate is measured by several
divisions into folds; one that is behind after the first is pruned. Terms are counted once for all fits
(`counting.py`), which makes a search some ten times as far-reaching. Each estimator is tried once whatever
the budget. Unless somebody asked for something, plain words and a logistic regression come first, and the
best few may answer together (`blending.py`). The best by a hair does not win (`one_standard_error.py`).
"""

from collections.abc import Hashable, Sequence
from typing import Any

import optuna

from data_processor.features.split import Split
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.comparison import Scorer, Tried
from data_processor.tasks.space import (
    Cost,
    SearchRequest,
    Space,
    make_study,
    recent_shares,
)
from data_processor.tasks.texts.blending import blend
from data_processor.tasks.texts.families import PLAIN, text_arms
from data_processor.tasks.texts.folds import divide
from data_processor.tasks.texts.one_standard_error import choose
from data_processor.tasks.texts.trials import TextTrials, vectorizer_of

ROWS_PER_SECOND = 200
"""Old texts that a search fits at most, per second of budget."""
FEWEST_ROWS = 1_000
"""Old texts that a search fits in any case."""
WARM_UP = 12
"""Random samples before the sampler learns; the defaults come first."""
UNPRUNED = 4
"""Trials that are measured by every division, before what is behind the others is pruned."""


class TextSpace(Space):
    """Estimators on vectorizers."""

    ahead = 1
    misses = 10

    def __init__(self, split: Split, request: SearchRequest) -> None:
        """Search as requested; raises `UnknownCandidateError` or `TooFewRowsError`."""
        self._arms, self._shares = text_arms(request.estimators), recent_shares(split, request)
        material = divide(split, max(FEWEST_ROWS, int(request.budget_s * ROWS_PER_SECOND)), request.seed)
        self.chosen_on = "recent" if material.by_recent else "cross-validation"
        self._blends = not request.estimators and not material.by_recent
        validation = material.rows.take(material.validation)
        self.scorer = Scorer(request.metric, validation.target, split.schema, validation.ties.groups)
        self.folds = material.folds
        self.checkpoints = {
            number
            for number, fold in enumerate(self.folds[1:], 1)
            if fold.division != self.folds[number - 1].division
        }
        self.fitting_s = request.budget_s
        self.trials = TextTrials(material, split.schema, request.seed)
        plain = [
            _parameters(arm.default(share, **PLAIN), number, place)
            for place, share in enumerate(self._shares)
            for number, arm in enumerate(self._arms)
            if arm.plain and not request.estimators
        ]
        first = plain + [
            _parameters(arm.default(share), number, place)
            for place, share in enumerate(self._shares)
            for number, arm in enumerate(self._arms)
        ]
        pruner = optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED)
        self.study = make_study(request, pruner, WARM_UP, first)

    def suggest(self, trial: optuna.Trial) -> tuple[Candidate, Hashable | None]:
        """Return what a trial's parameters stand for; every estimator is required once."""
        arm = self._arms[trial.suggest_categorical("arm", range(len(self._arms)))]
        share = self._shares[trial.suggest_categorical("recent_share", range(len(self._shares)))]
        return arm.suggest(trial, share), arm.estimator.name

    def cost(self, candidate: Candidate) -> Cost:
        """Return what a fit of a candidate takes: as long as the slowest of its estimator and vectorizer."""
        return Cost((candidate.estimator, vectorizer_of(candidate).name), 1.0)

    def blend(self, tried: Sequence[Tried]) -> Tried | None:
        """Return a blend of candidates that is better than each of them, if there is one."""
        return blend(tried, self.scorer) if self._blends else None

    def choose(self, tried: Sequence[Tried]) -> Tried:
        """Return the candidate that meets the gate, by the one-standard-error rule."""
        return choose(tried, self.scorer)


def _parameters(candidate: Candidate, arm: int, share: int) -> dict[str, Any]:
    """Return a candidate as the parameters of a trial."""
    vectorizer = vectorizer_of(candidate)
    parts = ((candidate.estimator, candidate.params), (vectorizer.name, vectorizer.params))
    values = {
        f"{part}:{name}": ("yes" if value else "no") if isinstance(value, bool) else value
        for part, params in parts
        for name, value in params.items()
    }
    return {"arm": arm, "recent_share": share, **values}
