"""What a search tries next: what its space begins with, then what Optuna samples by what was found."""

import optuna
from optuna.trial import Trial, TrialState

from data_processor.statistics.measures import LOWER_IS_BETTER
from data_processor.tasks.space import Space, Suggestion


class Sampler:
    """A study of one search, by a tree-structured Parzen estimator. It is used by one thread."""

    def __init__(self, space: Space, seed: int) -> None:
        """Begin with the space's first trials."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampling, lower = space.sampling, space.scorer.metric in LOWER_IS_BETTER
        self._space = space
        self._study = optuna.create_study(
            sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=sampling.warm_up),
            pruner=sampling.pruner,
            direction="minimize" if lower else "maximize",
        )
        for parameters in sampling.first:
            self._study.enqueue_trial(dict(parameters))
        self.due = len(sampling.first)
        """How many of the first trials are still to come."""

    def sample(self) -> tuple[Trial, Suggestion]:
        """Return what is to be tried next; whoever takes it says what became of it."""
        self.due = max(0, self.due - 1)
        trial = self._study.ask()
        return trial, self._space.suggest(trial)

    def behind(self, trial: Trial, fits: int, value: float | None) -> bool:
        """Take in the metric after so many fits; say whether the pruner would give the trial up."""
        if value is None:
            return False
        trial.report(value, fits)
        return trial.should_prune()

    def finished(self, trial: Trial, value: float | None) -> None:
        """Take in the metric after all fits, if it has a value."""
        if value is None:
            self.failed(trial)
        else:
            self._study.tell(trial, value)

    def failed(self, trial: Trial) -> None:
        """Take in that a candidate was not or could not be tried."""
        self._study.tell(trial, state=TrialState.FAIL)

    def pruned(self, trial: Trial) -> None:
        """Take in that a candidate was given up."""
        self._study.tell(trial, state=TrialState.PRUNED)
