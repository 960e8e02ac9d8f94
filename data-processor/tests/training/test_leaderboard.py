import numpy as np
import pytest
from numpy.typing import NDArray

from data_processor.features.schema import Schema
from data_processor.features.split import Split
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.fitting import fit
from data_processor.training.leaderboard import (
    LENGTH,
    Tried,
    as_answers,
    leaderboard,
    metrics,
    ranked,
    row_losses,
    size,
    tied,
)

SCHEMA = Schema(task="tabular-classification", target="answer", columns=(), classes=("no", "yes"))
DRAW = np.random.default_rng(0)
TRUTH = np.where(DRAW.random(400) < 0.4, "yes", "no").astype(object)


def answered(quality: float, estimator: str = "some", noise: int = 0) -> Tried:
    """Return a candidate that knows the truth as well as `quality` says."""
    draw = np.random.default_rng(noise)
    yes = np.clip(0.5 + quality * np.where(TRUTH == "yes", 0.4, -0.4) + draw.normal(0, 0.1, 400), 0.01, 0.99)
    answers = as_answers(np.stack([1 - yes, yes], axis=1), SCHEMA)
    return Tried(
        candidate=Candidate(estimator=estimator, params={"quality": quality, "noise": noise}),
        answers=answers,
        metrics=metrics(TRUTH, answers, SCHEMA),
        fit_seconds=0.1,
        ms_per_row=0.01,
        bytes=100,
    )


def test_the_best_comes_first_by_metrics_of_either_direction() -> None:
    tried = [answered(0.2), answered(0.8), answered(0.5)]

    for metric in ("log_loss", "roc_auc", "accuracy"):
        order = [one.candidate.params["quality"] for one in ranked(tried, metric)]
        assert order == [0.8, 0.5, 0.2]


def test_every_metric_of_a_classification_is_measured() -> None:
    assert set(answered(0.5).metrics) == {"accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss"}


def test_a_metric_without_a_value_is_left_out_and_ranks_last() -> None:
    one_class = metrics(
        TRUTH[TRUTH == "no"], as_answers(np.tile([0.7, 0.3], ((TRUTH == "no").sum(), 1)), SCHEMA), SCHEMA
    )
    good = answered(0.1)
    unmeasured = Tried(good.candidate, good.answers, {}, 0.1, 0.1, 1)

    assert "roc_auc" not in one_class
    assert ranked([unmeasured, good], "roc_auc") == [good, unmeasured]


def test_a_candidate_that_cannot_be_told_from_the_best_is_tied() -> None:
    tried = [answered(0.8, noise=1), answered(0.8, noise=2), answered(0.1, noise=3)]
    rows = leaderboard(tried, "log_loss", TRUTH, SCHEMA)

    assert [row.tied for row in rows] == [True, True, False]


def test_a_long_leaderboard_keeps_the_best_of_each_estimator() -> None:
    tried = [answered(0.8, "first", noise) for noise in range(LENGTH + 5)] + [answered(0.1, "last")]
    rows = leaderboard(tried, "log_loss", TRUTH, SCHEMA)

    assert len(rows) == LENGTH + 1
    assert rows[-1].candidate.estimator == "last"


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "balanced_accuracy"])
def test_the_losses_of_rows_add_up_to_the_metric(metric: str) -> None:
    one = answered(0.3)
    losses = row_losses(metric, TRUTH, one.answers, SCHEMA)  # type: ignore[arg-type]  # parametrize gives str
    expected = one.metrics[metric]

    assert losses.mean() == pytest.approx(expected if metric == "log_loss" else 1 - expected)


def test_a_regression_is_compared_by_its_errors() -> None:
    schema = Schema(task="tabular-regression", target="price", columns=())
    truth = np.array([1.0, 2.0, 3.0])
    answers = as_answers(np.array([[1.0], [4.0], [2.0]]), schema)

    assert row_losses("mae", truth, answers, schema).tolist() == [0, 2, 1]
    assert row_losses("rmse", truth, answers, schema).tolist() == [0, 4, 1]
    assert metrics(truth, answers, schema)["mae"] == 1


def test_equal_losses_are_tied_and_a_steady_difference_is_not() -> None:
    losses: NDArray[np.float64] = DRAW.random(200)

    assert tied(losses, losses)
    assert not tied(losses + 0.1, losses)
    assert tied(losses[:1], losses[:1] + 1)


@pytest.mark.parametrize("estimator", ["logistic-regression", "hist-gradient-boosting", "random-forest"])
def test_the_size_of_a_model_is_that_of_its_numbers(census_split: Split, estimator: str) -> None:
    params = {"random-forest": {"n_estimators": 5}, "hist-gradient-boosting": {"max_iter": 5}}.get(
        estimator, {}
    )
    candidate = Candidate(estimator=estimator, params=params)
    measured = size(fit(candidate, census_split.fitting, census_split.schema, seed=1))

    assert 100 < measured < 3_000_000
