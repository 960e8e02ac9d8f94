"""What a search tries next: every estimator's defaults first, then what Optuna draws from what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import Trial, TrialState

from data_processor.models.policy import Policy
from data_processor.statistics.measures import LOWER_IS_BETTER, SelectionMetric
from data_processor.tasks.candidates import Candidate, RecentShare
from data_processor.tasks.tables.families import Arm, Params, arms

WARM_UP = 8
"""Random draws before the drawing learns; the defaults come first."""
KEPT_PERCENT = 75.0
"""A trial that is worse than so many of the others after as many folds is given up. The first fold says
little: what three in four do better is seldom worth another, what half do better often is."""


@dataclass(frozen=True, eq=False, slots=True)
class Drawn:
    """One candidate to try."""

    trial: Trial
    number: int
    """Which arm it is of."""
    arm: Arm
    candidate: Candidate


class Sampler:
    """A study of one search. It is used by one thread."""

    def __init__(
        self,
        task: str,
        policy: Policy,
        metric: SelectionMetric,
        seed: int,
        asked: Sequence[Mapping[str, Any]] | None,
        *,
        recent: bool,
        patient: bool,
        prunes: bool,
    ) -> None:
        """Draw for a task; `recent` weighs recent rows in every way, `patient` looks at large models too.

        Raises `UnknownCandidateError`.
        """
        self.arms = arms(task, asked, core_only=recent)
        self._shares: list[RecentShare] = _shares(policy) if recent else ["natural"]
        self._preparation = policy.preparation
        self._patient, self._prunes = patient, prunes
        first: list[tuple[int, RecentShare, Params]] = []
        for share in self._shares:
            for number, arm in enumerate(self.arms):
                first.append((number, share, arm.family.first(share)))
                if patient:
                    starts = [{**arm.family.defaults, **start} for start in arm.family.patience]
                    first += [(number, share, params) for params in starts]
        self._study = _study(metric, seed, len(first) if prunes else None)
        for number, share, params in first:
            drawn = {f"{number}:{name}": value for name, value in params.items()}
            self._study.enqueue_trial({"arm": number, "recent_share": self._shares.index(share), **drawn})
        self.due = len(first)
        """How many of the defaults are still to be drawn."""

    def draw(self) -> Drawn:
        """Return what is to be tried next; whoever draws it says what became of it."""
        self.due = max(0, self.due - 1)
        trial = self._study.ask()
        number = trial.suggest_categorical("arm", range(len(self.arms)))
        share = self._shares[trial.suggest_categorical("recent_share", range(len(self._shares)))]
        arm = self.arms[number]
        candidate = Candidate(
            estimator=arm.family.name,
            params=arm.suggest(trial, f"{number}:", patient=self._patient),
            recent_share=share,
            preparation=self._preparation,
        )
        return Drawn(trial, number, arm, candidate)

    def hopeless(self, drawn: Drawn, folds: int, found: float | None) -> bool:
        """Take in the metric after so many folds; say whether most others were better by then."""
        if not self._prunes or found is None:
            return False
        drawn.trial.report(found, folds)
        return drawn.trial.should_prune()

    def finished(self, drawn: Drawn, found: float | None) -> None:
        """Take in the metric after all folds, if it has a value."""
        if found is None:
            self.failed(drawn)
        else:
            self._study.tell(drawn.trial, found)

    def failed(self, drawn: Drawn) -> None:
        """Take in that a candidate was not or could not be tried."""
        self._study.tell(drawn.trial, state=TrialState.FAIL)

    def pruned(self, drawn: Drawn) -> None:
        """Take in that a candidate was given up."""
        self._study.tell(drawn.trial, state=TrialState.PRUNED)


def _shares(policy: Policy) -> list[RecentShare]:
    """Return the weights that recent rows may have, the likeliest first: it is tried whatever the budget."""
    fixed: list[RecentShare] = [policy.recent_share] if 0 < policy.recent_share < 1 else []
    return [*fixed, "only", "natural"]


def _study(metric: SelectionMetric, seed: int, unpruned: int | None) -> optuna.Study:
    """Return a study that gives up trials once so many were finished; None: never."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner: optuna.pruners.BasePruner = optuna.pruners.NopPruner()
    if unpruned is not None:
        pruner = optuna.pruners.PercentilePruner(KEPT_PERCENT, n_startup_trials=unpruned)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=WARM_UP)
    lower = metric in LOWER_IS_BETTER
    direction = optuna.study.StudyDirection.MINIMIZE if lower else optuna.study.StudyDirection.MAXIMIZE
    return optuna.create_study(sampler=sampler, pruner=pruner, direction=direction)
