"""What a search tries on tables.

Every estimator with its defaults first, under every weight of the recent rows. In a cross-validation a trial
that is worse than three in four others were after as many folds is pruned, and the best candidates are
blended (`blending.py`). A search that the score opened is about few recent rows: there each of the quick
estimators is tried whatever the budget, and nothing is blended.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray

from data_processor.features.split import Split
from data_processor.tasks.candidates import BLEND, Candidate, RecentShare
from data_processor.tasks.comparison import Scorer, Tried
from data_processor.tasks.space import (
    Cost,
    Fold,
    SearchRequest,
    Space,
    make_study,
    recent_shares,
)
from data_processor.tasks.tables.blending import blend
from data_processor.tasks.tables.families import (
    MOST_LEAVES,
    MOST_STAGES,
    STAGES,
    Arm,
    Params,
    arms,
    family_of,
)
from data_processor.tasks.tables.trials import Ground, make_ground

MANY_ROWS = 3_000
"""Of so many rows, boosting with its defaults is tried before what is cheaper."""
SKEWED = 0.5
"""Values of less skewness are learnt as they are."""
PATIENT_S = 45.0
"""With such a budget a cross-validation looks at larger models too."""
BLENDING = 0.04
"""The share of the budget that is left for blending."""
MOST_FOR_ONE = 0.2
"""The share of the budget that the first trial of an estimator may want that is not one of the quick ones."""
WARM_UP = 8
"""Random samples before the sampler learns; the defaults come first."""
KEPT_PERCENT = 75.0
"""A trial that is worse than so many of the others after as many folds is pruned. The first fold says little:
what three in four do better is seldom worth another, what half do better often is."""


class TabularSpace(Space):
    """Estimators on prepared columns."""

    misses = 20

    def __init__(self, split: Split, request: SearchRequest) -> None:
        """Search as requested; raises `UnknownCandidateError`."""
        self._task, self._preparation = split.schema.task, request.preparation
        self._recent = split.chosen_on == "recent"
        ground = make_ground(split, request.budget_s, request.seed)
        self._crossed = ground.chosen_on == "cross-validation"
        self._patient = self._crossed and request.budget_s >= PATIENT_S
        self._arms = _suitable(
            _affordable(request, ground, arms(self._task, request.estimators, core_only=self._recent)),
            ground,
        )
        self._shares = recent_shares(split, request)
        self.chosen_on = ground.chosen_on
        validation = ground.validation
        self.scorer = Scorer(request.metric, validation.target, split.schema, validation.ties.groups)
        self.folds = [Fold(0, rows) for rows in ground.folds]
        self.checkpoints = range(1, len(self.folds)) if self._crossed else ()
        self.ahead = len(self.folds)
        self.fitting_s = request.budget_s * (1 - BLENDING) if self._crossed else request.budget_s
        self.trials = ground
        self._finds, self._growth = ground.finds_stages, ground.growth
        first = [
            {"arm": number, "recent_share": place}
            | {f"{number}:{name}": value for name, value in params.items()}
            for place, share in enumerate(self._shares)
            for number, params in self._starts(share, many=_fitted(ground) >= MANY_ROWS)
        ]
        pruner = optuna.pruners.PercentilePruner(KEPT_PERCENT, n_startup_trials=len(first))
        self.study = make_study(request, pruner, WARM_UP, first)

    def suggest(self, trial: optuna.Trial) -> tuple[Candidate, Hashable | None]:
        """Return what a trial's parameters stand for; of recent rows every estimator is required once."""
        number = trial.suggest_categorical("arm", range(len(self._arms)))
        share = self._shares[trial.suggest_categorical("recent_share", range(len(self._shares)))]
        arm = self._arms[number]
        candidate = Candidate(
            estimator=arm.family.name,
            params=arm.suggest(trial, f"{number}:", patient=self._patient, finds_stages=self._finds),
            recent_share=share,
            preparation=self._preparation,
        )
        return candidate, number if self._recent else None

    def cost(self, candidate: Candidate) -> Cost:
        """Return what a fit of a candidate takes, as its family says."""
        params = candidate.params
        kind = (
            candidate.estimator,
            candidate.recent_share == "only",
            params.get("categories"),
            STAGES in params,
        )
        return Cost(kind, family_of(candidate, self._task).cost(params))

    def _starts(self, share: RecentShare, *, many: bool) -> list[tuple[int, Params]]:
        """Return what is tried first, by its arm: the cheapest; of many rows the usual best before it."""
        starts = [
            (number, place, params)
            for number, arm in enumerate(self._arms)
            for place, params in enumerate(arm.family.starts(share, patient=self._patient))
        ]
        if many:
            starts.sort(key=lambda start: start[1] > 0 or not self._arms[start[0]].family.watching)
        return [(number, params) for number, _, params in starts]

    def blend(self, tried: Sequence[Tried]) -> Tried | None:
        """Return a blend of candidates that is better than each of them, if there is one."""
        return blend(tried, self.scorer) if self._crossed else None

    def choose(self, tried: Sequence[Tried]) -> Tried:
        """Return the best candidate."""
        return self.scorer.ranked(tried)[0]

    def on_every_row(self, candidate: Candidate) -> Candidate:
        """Return a regression with as many more stages, where fits found their number, as it has more rows.

        Classes are another matter: there more stages make answers surer than they are right.
        """
        fixed = any(STAGES in arm.fixed for arm in self._arms)
        if not self._finds or fixed or self.scorer.schema.classes:
            return candidate
        params = candidate.params
        if candidate.estimator != BLEND:
            return candidate.model_copy(update={"params": self._grown(params)})
        members = [{**one, "params": self._grown(one["params"])} for one in params["members"]]
        return candidate.model_copy(update={"params": {**params, "members": members}})

    def _grown(self, params: Params) -> dict[str, Any]:
        if STAGES not in params or not params.get("max_leaf_nodes"):
            return dict(params)
        stages, most = params[STAGES], min(MOST_STAGES, MOST_LEAVES // params["max_leaf_nodes"])
        return {**params, STAGES: max(stages, min(int(self._growth * stages), most))}


def _affordable(request: SearchRequest, ground: Ground, found: Sequence[Arm]) -> list[Arm]:
    """Return what was asked for, else the quick ones and those whose first trial fits into the budget."""
    fits = len(ground.folds) * _fitted(ground) / 10_000
    most = MOST_FOR_ONE * request.budget_s
    return [
        arm for arm in found if request.estimators or arm.family.core or fits * arm.family.seconds <= most
    ]


def _suitable(found: Sequence[Arm], ground: Ground) -> list[Arm]:
    """Return arms that learn values as they are, unless some are far above the others."""
    target = ground.validation.target
    if ground.schema.classes or (float(target.min()) >= 0 and _skewness(target) > SKEWED):
        return list(found)
    return [
        Arm(arm.family, {"target": "plain", **arm.fixed})
        if any(one.name == "target" for one in arm.family.space)
        else arm
        for arm in found
    ]


def _skewness(values: NDArray[np.float64]) -> float:
    """Return the third standardised moment; 0 of values that are all the same."""
    spread = float(values.std())
    return float((((values - values.mean()) / spread) ** 3).mean()) if spread else 0.0


def _fitted(ground: Ground) -> int:
    """Return how many rows there are to fit, roughly."""
    return len(ground.fitting) or len(ground.validation)
