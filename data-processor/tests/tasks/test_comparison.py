import numpy as np
import pytest
from numpy.typing import NDArray

from data_processor.features.schema import Schema
from data_processor.statistics.measures import SelectionMetric
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.comparison import Scorer, Tried, as_answers, metrics, tied

SCHEMA = Schema(task="tabular-classification", target="answer", columns=(), classes=("no", "yes"))
DRAW = np.random.default_rng(0)
TRUTH = np.where(DRAW.random(400) < 0.4, "yes", "no").astype(object)
SCORER = Scorer("log_loss", TRUTH, SCHEMA)
METRICS: tuple[SelectionMetric, ...] = ("log_loss", "roc_auc", "accuracy")


def answered(quality: float, estimator: str = "some", noise: int = 0) -> Tried:
    """Return a candidate that knows the truth as well as `quality` says."""
    draw = np.random.default_rng(noise)
    yes = np.clip(0.5 + quality * np.where(TRUTH == "yes", 0.4, -0.4) + draw.normal(0, 0.1, 400), 0.01, 0.99)
    candidate = Candidate(estimator=estimator, params={"quality": quality, "noise": noise})
    outputs = np.stack([1 - yes, yes], axis=1)[None]
    return SCORER.tried(candidate, outputs, fit_seconds=0.1, ms_per_row=0.01, bytes=100)


def test_the_best_comes_first_by_metrics_of_either_direction() -> None:
    tried = [answered(0.2), answered(0.8), answered(0.5)]

    for metric in METRICS:
        order = [one.candidate.params["quality"] for one in Scorer(metric, TRUTH, SCHEMA).ranked(tried)]
        assert order == [0.8, 0.5, 0.2]


def test_every_metric_of_a_classification_is_measured() -> None:
    assert set(answered(0.5).metrics) == {"accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss"}


def test_a_metric_without_a_value_is_left_out_and_ranks_last() -> None:
    one_class = metrics(
        TRUTH[TRUTH == "no"], as_answers(np.tile([0.7, 0.3], ((TRUTH == "no").sum(), 1)), SCHEMA), SCHEMA
    )
    good = answered(0.1)
    unmeasured = Tried(good.candidate, good.outputs, good.answers, {}, 0.1, 0.1, 1)

    assert "roc_auc" not in one_class
    assert Scorer("roc_auc", TRUTH, SCHEMA).ranked([unmeasured, good]) == [good, unmeasured]


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "balanced_accuracy"])
def test_the_losses_of_rows_add_up_to_the_metric(metric: str) -> None:
    one = answered(0.3)
    losses = Scorer(metric, TRUTH, SCHEMA).losses(one.answers)  # type: ignore[arg-type]  # parametrize gives str
    expected = one.metrics[metric]

    assert losses.mean() == pytest.approx(expected if metric == "log_loss" else 1 - expected)


def test_a_regression_is_compared_by_its_errors() -> None:
    schema = Schema(task="tabular-regression", target="price", columns=())
    truth = np.array([1.0, 2.0, 3.0])
    answers = as_answers(np.array([[1.0], [4.0], [2.0]]), schema)

    assert Scorer("mae", truth, schema).losses(answers).tolist() == [0, 2, 1]
    assert Scorer("rmse", truth, schema).losses(answers).tolist() == [0, 4, 1]
    assert metrics(truth, answers, schema)["mae"] == 1


def test_equal_losses_are_tied_and_a_steady_difference_is_not() -> None:
    losses: NDArray[np.float64] = DRAW.random(200)

    assert tied(losses, losses)
    assert not tied(losses + 0.1, losses)
    assert tied(losses[:1], losses[:1] + 1)


def test_what_several_divisions_answered_is_measured_by_its_mean() -> None:
    one, other = answered(0.3, noise=1), answered(0.3, noise=2)
    both = SCORER.tried(
        one.candidate, np.concatenate([one.outputs, other.outputs]), fit_seconds=1, ms_per_row=1, bytes=1
    )

    assert both.metrics["log_loss"] == pytest.approx(
        (one.metrics["log_loss"] + other.metrics["log_loss"]) / 2
    )
    assert both.answers.probabilities == pytest.approx((one.outputs[0] + other.outputs[0]) / 2)
