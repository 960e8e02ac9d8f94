import pytest

from data_processor.tasks.task import FeedbackRefusedError, Said
from data_processor.tasks.values import ValueAnswers


def value(said: Said, answer: float, tolerance: float = 0.5) -> Said:
    return ValueAnswers().understand(said, {"value": answer}, classes=(), tolerance=tolerance)


def test_a_right_value_is_the_answer() -> None:
    assert value(Said(correct=True), 10.0) == Said(correct=True, value=10.0)


def test_a_value_counts_by_the_tolerance() -> None:
    assert value(Said(correct=False, value=12.0), 10.0) == Said(correct=False, value=12.0)
    assert value(Said(correct=False, value=10.4), 10.0) == Said(correct=True, value=10.4)
    assert value(Said(correct=True, value=10.4), 10.0) == Said(correct=True, value=10.4)


def test_a_wrong_value_needs_the_true_one() -> None:
    with pytest.raises(FeedbackRefusedError) as error:
        value(Said(correct=False), 10.0)
    assert error.value.field == "value"


def test_a_value_that_contradicts_what_was_said_is_refused() -> None:
    with pytest.raises(FeedbackRefusedError) as error:
        value(Said(correct=True, value=12.0), 10.0)
    assert "off by more than 0.5" in str(error.value)


def test_a_label_for_a_regression_is_refused() -> None:
    with pytest.raises(FeedbackRefusedError) as error:
        value(Said(correct=False, label="no", value=1.0), 10.0)
    assert error.value.field == "label"
