import time

import numpy as np
import pytest

from data_processor.models.policy import Policy
from data_processor.training.candidates import Candidate
from data_processor.training.leaderboard import Tried
from data_processor.training.pipelines import TooFewRowsError, fit
from data_processor.training.preparation import Split
from data_processor.training.search import search

ESTIMATORS = {"logistic-regression", "hist-gradient-boosting", "random-forest"}
QUICK = [{"estimator": "logistic-regression"}, {"estimator": "hist-gradient-boosting"}]


def test_every_estimator_is_tried_however_small_the_budget(census_split: Split) -> None:
    found = search(census_split, Policy(), budget_s=0.01, seed=1)

    assert {row.candidate.estimator for row in found.leaderboard} == ESTIMATORS
    assert found.trials == 3
    assert found.best == found.leaderboard[0].candidate
    assert found.metric == "log_loss"
    assert found.leaderboard[0].tied


def test_the_budget_is_used_and_kept(census_split: Split) -> None:
    began = time.monotonic()
    found = search(census_split, Policy(), budget_s=4, seed=1, asked=QUICK)

    # A trial that has begun may end late on a busy machine, and is bounded by what its like took.
    assert time.monotonic() - began < 4 * 1.1 + 1
    assert found.trials > 3
    assert found.seconds <= time.monotonic() - began


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

    def watched(candidate: Candidate, rows: object, *rest: object) -> object:
        seen.append(set(rows.predictions))  # type: ignore[attr-defined]  # Rows
        assert rows.positions.min() >= 0.2  # type: ignore[attr-defined]  # Rows
        return fit(candidate, rows, *rest)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr("data_processor.training.search.fit", watched)
    search(drifted_split, Policy(), budget_s=0.01, seed=1, asked=QUICK)

    assert seen
    assert all(not ids & set(drifted_split.gate.predictions) for ids in seen)


def test_fixed_hyperparameters_stay_fixed(census_split: Split) -> None:
    asked = [{"estimator": "hist-gradient-boosting", "params": {"max_iter": 13, "max_leaf_nodes": None}}]
    found = search(census_split, Policy(), budget_s=1, seed=1, asked=asked)

    assert {row.candidate.params["max_iter"] for row in found.leaderboard} == {13}
    assert {row.candidate.params["max_leaf_nodes"] for row in found.leaderboard} == {None}


def test_the_same_seed_finds_the_same(census_split: Split) -> None:
    first, second = (search(census_split, Policy(), budget_s=0.01, seed=4) for _ in range(2))

    assert first.best == second.best
    assert [row.metrics for row in first.leaderboard] == [row.metrics for row in second.leaderboard]


def test_a_regression_is_searched_by_its_errors(price_split: Split) -> None:
    found = search(price_split, Policy(), budget_s=0.01, seed=1)

    assert found.metric == "rmse"
    assert {row.candidate.estimator for row in found.leaderboard} == {
        "ridge",
        "hist-gradient-boosting",
        "random-forest",
    }
    assert found.leaderboard[0].metrics["r2"] > 0.8


def test_rows_of_one_class_cannot_be_searched(census_split: Split) -> None:
    poor = census_split.fitting.take(np.flatnonzero(census_split.fitting.target == "<=50K"))
    split = Split(
        census_split.schema,
        poor,
        census_split.choosing,
        census_split.gate,
        census_split.reference,
        census_split.chosen_on,
    )

    with pytest.raises(
        TooFewRowsError, match="No candidate can be fitted: No row to fit on has the class '>50K'"
    ):
        search(split, Policy(), budget_s=0.2, seed=1)
