import threading
import time

import numpy as np
import pytest

from data_processor.features.preparation import Preparation
from data_processor.features.split import Split
from data_processor.models.policy import Policy
from data_processor.tasks.candidates import Candidate, TooFewRowsError
from data_processor.tasks.comparison import Tried
from data_processor.tasks.space import Fitted, Trials
from data_processor.tasks.tables.fitting import fit_table
from data_processor.tasks.tables.trials import Ground
from data_processor.training.search import LATE, search, try_fit

ESTIMATORS = {
    "logistic-regression",
    "hist-gradient-boosting",
    "random-forest",
    "extra-trees",
}
QUICK = [{"estimator": "logistic-regression"}, {"estimator": "hist-gradient-boosting"}]


@pytest.fixture(autouse=True)
def own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let budgets be seconds of this process's own: a busy machine takes nothing of them."""
    monkeypatch.setattr("data_processor.training.clock.monotonic", time.process_time)
    monkeypatch.setattr("data_processor.tasks.tables.trials.monotonic", time.thread_time)
    monkeypatch.setattr("data_processor.training.search.LATE", 5)  # and nothing is late because of it


class Pretended:
    """Fits that take so long on a clock of their own, and answer as well as their learning rate says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        """Stand in for the fits of a search and for its clock."""
        self.now, self.seconds = 0.0, seconds
        self.fits: list[Candidate] = []
        monkeypatch.setattr("data_processor.training.clock.monotonic", lambda: self.now)
        monkeypatch.setattr("data_processor.training.search.try_fit", self.try_fit)

    def try_fit(self, ground: Ground, candidate: Candidate, fold: int) -> Fitted:
        """Take as long as the hyperparameters say; what is slow to learn knows little."""
        self.fits.append(candidate)
        seconds = self.seconds * candidate.params.get("max_iter", 100) / 100
        self.now += seconds
        truth = ground.validation.target[ground.folds[fold]]
        if not ground.schema.classes:
            return Fitted(truth[:, None] * (1 + len(candidate.estimator)), "", seconds, 0.01, 100, "here:1")
        knows = 0.4 if candidate.params.get("learning_rate", 0.1) > 0.05 else 0.1
        draw = np.random.default_rng(len(self.fits)).random(len(truth)) / 10
        yes = 0.5 + knows * np.where(truth == ground.schema.classes[1], 1, -1) - draw
        return Fitted(np.stack([1 - yes, yes], axis=1), "", seconds, 0.01, 100, "here:1")


@pytest.mark.parametrize(("budget_s", "seconds"), [(10.0, 0.2), (10.0, 0.5), (60.0, 0.5), (60.0, 2.0)])
def test_the_budget_is_used_and_kept_within_a_tenth(
    census_split: Split, monkeypatch: pytest.MonkeyPatch, budget_s: float, seconds: float
) -> None:
    pretended = Pretended(monkeypatch, seconds)
    found = search(census_split, Policy(), budget_s=budget_s, seed=1, asked=QUICK[1:])

    assert 0.5 * budget_s < pretended.now < 1.1 * budget_s
    assert found.seconds == pretended.now
    assert found.trials > 1


def test_trials_that_fall_behind_are_given_up(census_split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    pretended = Pretended(monkeypatch, 0.3)
    found = search(census_split, Policy(), budget_s=60, seed=1, asked=QUICK[1:])

    assert found.pruned > 3
    assert found.best.params["learning_rate"] > 0.05
    slow = [fit for fit in pretended.fits if fit.params["learning_rate"] < 0.05]
    assert len(slow) < 2 * len({fit.model_dump_json() for fit in slow})


def test_every_estimator_is_tried_given_time(census_split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    Pretended(monkeypatch, 0.1)
    found = search(census_split, Policy(), budget_s=10, seed=1)

    assert {row.candidate.estimator for row in found.leaderboard} - {"blend"} == ESTIMATORS
    assert found.chosen_on == "cross-validation"
    assert found.best == found.leaderboard[0].candidate
    assert found.metric == "log_loss"
    assert found.leaderboard[0].tied


def test_one_candidate_is_tried_however_small_the_budget(census_split: Split) -> None:
    found = search(census_split, Policy(), budget_s=0.01, seed=1)

    assert (found.trials, found.chosen_on) == (1, "validation")
    assert [row.candidate.estimator for row in found.leaderboard] == ["logistic-regression"]


def test_of_recent_rows_every_quick_estimator_is_tried_and_nothing_is_blended(drifted_split: Split) -> None:
    found = search(drifted_split, Policy(), budget_s=0.01, seed=1)

    assert {row.candidate.estimator for row in found.leaderboard} == {
        "logistic-regression",
        "hist-gradient-boosting",
        "random-forest",
    }
    assert (found.chosen_on, found.pruned) == ("recent", 0)


def test_what_takes_longer_than_the_budget_is_not_waited_for(
    census_split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def slow(trials: Trials, candidate: Candidate, fold: int) -> Fitted:
        if candidate.estimator != "logistic-regression":
            release.wait(200)
        return try_fit(trials, candidate, fold)

    monkeypatch.setattr("data_processor.training.search.try_fit", slow)
    monkeypatch.setattr("data_processor.training.search.LATE", LATE)
    monkeypatch.setattr("data_processor.training.clock.monotonic", time.monotonic)
    began = time.monotonic()
    found = search(census_split, Policy(), budget_s=6, seed=1, asked=QUICK)
    took = time.monotonic() - began
    release.set()

    assert took < 150  # six seconds, and whatever else the machine is doing; not the 200 of the slow fit
    assert {row.candidate.estimator for row in found.leaderboard} == {"logistic-regression"}


def test_what_cannot_be_varied_is_tried_once(census_split: Split) -> None:
    fixed = [{"estimator": "logistic-regression", "params": {"C": 1.0}}]
    began = time.monotonic()
    found = search(census_split, Policy(), budget_s=120, seed=1, asked=fixed)

    assert found.trials == 1
    assert time.monotonic() - began < 60


def test_the_cheapest_of_a_tie_is_recommended(census_split: Split) -> None:
    rows = search(census_split, Policy(), budget_s=2, seed=1, asked=QUICK).leaderboard
    tied = [row for row in rows if row.tied]

    (recommended,) = [row for row in rows if row.recommended]
    assert recommended in tied
    assert recommended.ms_per_row == min(row.ms_per_row for row in tied)


def test_rows_are_prepared_as_the_policy_says(price_split: Split) -> None:
    preparation = Preparation(numeric_missing="mean", scaling="min_max")
    found = search(
        price_split, Policy(preparation=preparation), budget_s=1, seed=1, asked=[{"estimator": "ridge"}]
    )

    assert found.best.preparation == preparation


def test_progress_is_told_after_every_trial(census_split: Split) -> None:
    told: list[tuple[float, Tried]] = []
    found = search(
        census_split, Policy(), budget_s=1, seed=1, asked=QUICK, progress=lambda *news: told.append(news)
    )

    assert len(told) == found.trials
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


def test_the_history_never_gets_worse(census_split: Split) -> None:
    found = search(census_split, Policy(selection_metric="roc_auc"), budget_s=1.5, seed=1, asked=QUICK)

    assert found.metric == "roc_auc"
    assert found.history == sorted(found.history)
    assert found.history[-1] == found.leaderboard[0].metrics["roc_auc"]


def test_after_a_drift_every_weight_of_the_recent_rows_is_tried(drifted_split: Split) -> None:
    found = search(drifted_split, Policy(), budget_s=4, seed=1, asked=QUICK[:1])
    shares = {row.candidate.recent_share for row in found.leaderboard}

    assert shares == {"natural", "only", 0.9}
    assert found.best.recent_share != "natural"


def test_the_first_default_gives_recent_rows_the_share_of_the_policy(drifted_split: Split) -> None:
    found = search(drifted_split, Policy(recent_share=0.7), budget_s=0.01, seed=1, asked=QUICK[:1])

    assert [row.candidate.recent_share for row in found.leaderboard] == [0.7]


def test_without_recent_rows_there_is_nothing_to_weigh(census_split: Split) -> None:
    found = search(census_split, Policy(), budget_s=1, seed=1, asked=QUICK)

    assert {row.candidate.recent_share for row in found.leaderboard} == {"natural"}


def test_the_rows_of_the_gate_and_of_reference_are_never_looked_at(
    drifted_split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []

    def watched(candidate: Candidate, rows: object, *rest: object, **named: object) -> object:
        seen.append(set(rows.predictions))  # type: ignore[attr-defined]  # Rows
        assert rows.positions.min() >= 0.2  # type: ignore[attr-defined]  # Rows
        return fit_table(candidate, rows, *rest, **named)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr("data_processor.tasks.tables.trials.fit_table", watched)
    search(drifted_split, Policy(), budget_s=0.01, seed=1, asked=QUICK)

    assert seen
    assert all(not ids & set(drifted_split.test.predictions) for ids in seen)


def test_boosting_has_as_many_trees_as_the_rows_of_a_fold_say(
    census_split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: list[Candidate] = []

    def watched(trials: Trials, candidate: Candidate, fold: int) -> Fitted:
        fits.append(candidate)
        return try_fit(trials, candidate, fold)

    monkeypatch.setattr("data_processor.training.search.try_fit", watched)
    found = search(census_split, Policy(), budget_s=2, seed=1, asked=QUICK[1:])
    first, *others = [fit.params.get("max_iter") for fit in fits[:3]]

    assert first is None
    assert len(set(others)) == 1
    assert others[0] in {row.candidate.params["max_iter"] for row in found.leaderboard}


def test_fixed_hyperparameters_stay_fixed(census_split: Split) -> None:
    asked = [{"estimator": "hist-gradient-boosting", "params": {"max_iter": 13, "max_leaf_nodes": None}}]
    found = search(census_split, Policy(), budget_s=1, seed=1, asked=asked)

    assert {row.candidate.params["max_iter"] for row in found.leaderboard} == {13}
    assert {row.candidate.params["max_leaf_nodes"] for row in found.leaderboard} == {None}


def test_the_same_seed_finds_the_same(census_split: Split) -> None:
    first, second = (search(census_split, Policy(), budget_s=0.01, seed=4) for _ in range(2))

    assert first.best == second.best
    assert [row.metrics for row in first.leaderboard] == [row.metrics for row in second.leaderboard]


def test_a_regression_is_searched_by_its_errors(price_split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    Pretended(monkeypatch, 0.1)
    found = search(price_split, Policy(), budget_s=10, seed=1)

    assert found.metric == "rmse"
    assert {row.candidate.estimator for row in found.leaderboard} - {"blend"} == {
        "ridge",
        "hist-gradient-boosting",
        "random-forest",
        "extra-trees",
    }
    assert found.best.estimator == "ridge"
    assert found.leaderboard[0].metrics["rmse"] == min(row.metrics["rmse"] for row in found.leaderboard)


def test_rows_of_one_class_cannot_be_searched(census_split: Split) -> None:
    poor = census_split.fitting.take(np.flatnonzero(census_split.fitting.target == "<=50K"))
    split = Split(
        census_split.schema,
        poor,
        census_split.validation,
        census_split.test,
        census_split.holdout,
        census_split.chosen_on,
    )

    with pytest.raises(
        TooFewRowsError, match="No candidate can be fitted: No row to fit on has the class '>50K'"
    ):
        search(split, Policy(), budget_s=0.2, seed=1)
