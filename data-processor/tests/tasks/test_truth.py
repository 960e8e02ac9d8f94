import pytest

from data_processor.service.errors import Invalid
from data_processor.tasks.truth import Said, understand

BINARY = ("no", "yes")
THREE = ("a", "b", "c")


def label(said: Said, answer: str | None, classes: tuple[str, ...] = BINARY) -> Said:
    return understand(said, {"label": answer}, task="tabular-classification", classes=classes, tolerance=0.0)


def value(said: Said, answer: float, tolerance: float = 0.5) -> Said:
    return understand(said, {"value": answer}, task="tabular-regression", classes=(), tolerance=tolerance)


def refused(error: Invalid) -> tuple[list[str | int], str]:
    assert error.errors is not None
    return list(error.errors[0]["loc"]), error.errors[0]["message"]


def test_a_right_answer_is_the_true_label() -> None:
    assert label(Said(correct=True), "no") == Said(correct=True, label="no")
    assert label(Said(correct=True, label="no"), "no") == Said(correct=True, label="no")


def test_of_two_classes_a_wrong_answer_means_the_other() -> None:
    assert label(Said(correct=False), "no") == Said(correct=False, label="yes")
    assert label(Said(correct=False, label="yes"), "no") == Said(correct=False, label="yes")


def test_of_more_classes_a_wrong_answer_without_a_label_leaves_the_truth_unknown() -> None:
    assert label(Said(correct=False), "a", THREE) == Said(correct=False, label=None)
    assert label(Said(correct=False, label="c"), "a", THREE) == Said(correct=False, label="c")


def test_a_label_outside_the_classes_is_refused() -> None:
    with pytest.raises(Invalid) as error:
        label(Said(correct=False, label="maybe"), "no")
    assert refused(error.value) == (["body", "label"], "'maybe' is not one of the model's classes, no, yes")


@pytest.mark.parametrize("said", [Said(correct=True, label="yes"), Said(correct=False, label="no")])
def test_a_label_that_contradicts_the_verdict_is_refused(said: Said) -> None:
    with pytest.raises(Invalid) as error:
        label(said, "no")
    assert refused(error.value)[0] == ["body", "label"]


def test_a_value_for_a_classification_is_refused() -> None:
    with pytest.raises(Invalid) as error:
        label(Said(correct=True, value=1.0), "no")
    assert refused(error.value)[0] == ["body", "value"]


def test_a_right_value_is_the_answer() -> None:
    assert value(Said(correct=True), 10.0) == Said(correct=True, value=10.0)


def test_a_value_counts_by_the_tolerance() -> None:
    assert value(Said(correct=False, value=12.0), 10.0) == Said(correct=False, value=12.0)
    assert value(Said(correct=False, value=10.4), 10.0) == Said(correct=True, value=10.4)
    assert value(Said(correct=True, value=10.4), 10.0) == Said(correct=True, value=10.4)


def test_a_wrong_value_needs_the_true_one() -> None:
    with pytest.raises(Invalid) as error:
        value(Said(correct=False), 10.0)
    assert refused(error.value)[0] == ["body", "value"]


def test_a_value_that_contradicts_the_verdict_is_refused() -> None:
    with pytest.raises(Invalid) as error:
        value(Said(correct=True, value=12.0), 10.0)
    assert "off by more than 0.5" in refused(error.value)[1]


def test_a_label_for_a_regression_is_refused() -> None:
    with pytest.raises(Invalid) as error:
        value(Said(correct=False, label="no", value=1.0), 10.0)
    assert refused(error.value)[0] == ["body", "label"]
