import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from data_processor.statistics.measures import Answers, SelectionMetric, gain, prepare, right, value

CLASSES = ("a", "b", "c")
ROWS = 400


def _classified(seed: int, classes: tuple[str, ...]) -> tuple[NDArray[np.object_], Answers]:
    rng = np.random.default_rng(seed)
    truth = rng.choice(
        np.array(classes, object), ROWS, p=np.arange(1, len(classes) + 1) / sum(range(len(classes) + 1))
    )
    strength = (truth[:, None] == np.array(classes, object)) + rng.normal(0, 0.7, (ROWS, len(classes)))
    odds = np.exp(np.round(2 * strength, 1))  # rounded: ties must count half
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    labels = np.array(classes, object)[probabilities.argmax(axis=1)]
    return truth, Answers(labels=labels, probabilities=probabilities)


def _plain(
    metric: SelectionMetric, truth: NDArray[np.object_], answers: Answers, classes: tuple[str, ...]
) -> float:
    return value(prepare(metric, truth, answers, classes), len(truth))


@pytest.mark.parametrize("classes", [CLASSES[:2], CLASSES])
def test_classification_metrics_are_those_of_scikit_learn(classes: tuple[str, ...]) -> None:
    truth, answers = _classified(1, classes)
    labels, given = answers.labels, answers.probabilities
    assert labels is not None
    assert given is not None
    said = (list(truth), list(labels))
    ranked = given[:, 1] if len(classes) == 2 else given
    expected: dict[SelectionMetric, float] = {
        "accuracy": metrics.accuracy_score(*said),
        "balanced_accuracy": metrics.balanced_accuracy_score(*said),
        "f1": metrics.f1_score(*said, average="macro"),
        "roc_auc": metrics.roc_auc_score(list(truth), ranked, multi_class="ovr"),
        "log_loss": metrics.log_loss(list(truth), given),
    }
    for metric, number in expected.items():
        assert _plain(metric, truth, answers, classes) == pytest.approx(number, abs=1e-12), metric


def test_regression_metrics_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(50, 10, ROWS)
    values = truth + rng.normal(1, 5, ROWS)
    expected: dict[SelectionMetric, float] = {
        "mae": metrics.mean_absolute_error(truth, values),
        "rmse": metrics.root_mean_squared_error(truth, values),
        "r2": metrics.r2_score(truth, values),
    }
    for metric, number in expected.items():
        measured = value(prepare(metric, truth, Answers(values=values)), ROWS)
        assert measured == pytest.approx(number, abs=1e-12), metric


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss"])
def test_a_weight_counts_a_row_as_often_as_it_was_drawn(metric: SelectionMetric) -> None:
    truth, answers = _classified(3, CLASSES)
    drawn = np.random.default_rng(4).integers(0, ROWS, (5, ROWS))
    weights = np.stack([np.bincount(one, minlength=ROWS) for one in drawn]).astype(float)
    measured = prepare(metric, truth, answers, CLASSES)(weights)
    labels, given = answers.labels, answers.probabilities
    assert labels is not None
    assert given is not None
    for got, one in zip(measured, drawn, strict=True):
        again = Answers(labels=labels[one], probabilities=given[one])
        assert got == pytest.approx(_plain(metric, truth[one], again, CLASSES), abs=1e-12)


def test_a_value_within_the_tolerance_is_right() -> None:
    answers = Answers(values=np.array([1.0, 2.0, 3.5]))
    assert right(np.array([1.5, 2.6, 3.5]), answers, 0.5).tolist() == [True, False, True]


def test_a_gain_is_positive_when_the_challenger_is_better() -> None:
    one, two = np.array([1.0]), np.array([2.0])
    assert gain("accuracy", two, one) == 1
    assert gain("rmse", one, two) == 1


def test_a_metric_without_a_value_is_no_number() -> None:
    truth = np.array(["a", "a"], object)
    answers = Answers(labels=truth, probabilities=np.array([[0.9, 0.1], [0.8, 0.2]]))
    assert np.isnan(_plain("roc_auc", truth, answers, ("a", "b")))


def test_a_metric_for_the_other_task_is_refused() -> None:
    with pytest.raises(ValueError, match="'rmse' is for regression"):
        prepare("rmse", np.array(["a"]), Answers(labels=np.array(["a"])))
    with pytest.raises(ValueError, match="'f1' is for classification"):
        prepare("f1", np.array([1.0]), Answers(values=np.array([1.0])))
    with pytest.raises(ValueError, match="needs a probability for each of 2 classes"):
        prepare("log_loss", np.array(["a"]), Answers(labels=np.array(["a"])), ("a", "b"))
