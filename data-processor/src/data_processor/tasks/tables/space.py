"""What a search tries on tables.

Every estimator with its defaults first, under every weight of the recent rows. In a cross-validation a trial
that is worse than three in four others were after as many folds is pruned, and the best candidates are
blended (`blending.py`). A search that the score opened is about few recent rows: there each of the quick
estimators is tried whatever the budget, and nothing is blended.
"""

from collections.abc import Hashable, Sequence

import optuna

from data_processor.features.split import Split
from data_processor.tasks.candidates import Candidate
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
from data_processor.tasks.tables.families import Arm, arms, family_of
from data_processor.tasks.tables.trials import Ground, make_ground

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
        self._arms = _affordable(
            request, ground, arms(self._task, request.estimators, core_only=self._recent)
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
        first = [
            {"arm": number, "recent_share": place}
            | {f"{number}:{name}": value for name, value in params.items()}
            for place, share in enumerate(self._shares)
            for number, arm in enumerate(self._arms)
            for params in arm.family.starts(share, patient=self._patient)
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
            params=arm.suggest(trial, f"{number}:", patient=self._patient),
            recent_share=share,
            preparation=self._preparation,
        )
        return candidate, number if self._recent else None

    def cost(self, candidate: Candidate) -> Cost:
        """Return what a fit of a candidate takes, as its family says."""
        kind = candidate.estimator, candidate.recent_share == "only", candidate.params.get("categories")
        return Cost(kind, family_of(candidate, self._task).cost(candidate.params))

    def blend(self, tried: Sequence[Tried]) -> Tried | None:
        """Return a blend of candidates that is better than each of them, if there is one."""
        return blend(tried, self.scorer) if self._crossed else None

    def choose(self, tried: Sequence[Tried]) -> Tried:
        """Return the best candidate."""
        return self.scorer.ranked(tried)[0]


def _affordable(request: SearchRequest, ground: Ground, found: Sequence[Arm]) -> list[Arm]:
    """Return what was asked for, else the quick ones and those whose first trial fits into the budget."""
    rows = len(ground.fitting) or len(ground.validation)
    fits = len(ground.folds) * rows / 10_000
    most = MOST_FOR_ONE * request.budget_s
    return [
        arm for arm in found if request.estimators or arm.family.core or fits * arm.family.seconds <= most
    ]
