import json

import numpy as np
import pytest

from data_processor.features.schema import Column, Schema
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


def written(values: list[float], middle: float) -> list[float]:
    target = Column(name="y", kind="numeric", default_value=middle)
    schema = Schema(task="tabular-regression", target="y", columns=(target,))
    outputs = np.array(values, np.float64)[:, None]
    return [json.loads(answer)["value"] for answer in ValueAnswers().answers(outputs, schema)]


def test_a_value_is_written_without_what_32_bits_leave_behind() -> None:
    assert written([float(np.float32(1.3)), 12.3456789012], 0.0) == [1.3, 12.345679]


def test_a_large_value_keeps_the_digits_that_tell_it_from_the_others() -> None:
    values = [2_000_000_012.25, 2_000_000_012.75, 2_000_013_000.5, 0.5]
    assert written(values, 2_000_010_000.0) == values


def test_what_contradicts_a_large_answer_is_named_in_full() -> None:
    with pytest.raises(FeedbackRefusedError, match="the answer was 2000000012; if the truth is 2000000020"):
        value(Said(correct=True, value=2_000_000_020), 2_000_000_012)
