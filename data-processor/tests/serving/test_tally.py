import numpy as np
import pytest

from data_processor.features.schema import Column, Schema
from data_processor.serving.tally import Tally

INPUTS = tuple(Column(name=f"c{place}", kind="numeric") for place in range(60))


def classifier(classes: int) -> Tally:
    names = tuple(f"k{place}" for place in range(classes))
    columns = (*INPUTS, Column(name="y", kind="categorical"))
    return Tally(Schema(task="tabular-classification", target="y", columns=columns, classes=names))


def regression(**seen: float) -> Tally:
    columns = (*INPUTS, Column(name="y", kind="numeric", **seen))
    return Tally(Schema(task="tabular-regression", target="y", columns=columns))


def test_labels_are_counted_by_class_and_those_beyond_twenty_together() -> None:
    outputs = np.eye(30, dtype=np.float32)[[0, 0, 19, 20, 29]]

    assert classifier(30).answers(outputs) == [("k0", 2), ("k19", 1), ("other", 2)]


def test_confidences_are_those_of_the_first_answers_and_values_have_none() -> None:
    outputs = np.array([[0.25, 0.75]] * 100)

    assert classifier(2).confidences(outputs) == [0.75] * 64
    assert regression().confidences(np.array([[1.0]])) == []


def test_values_are_counted_by_tenth_of_the_range_of_training() -> None:
    outputs = np.array([[-1.0], [0.0], [5.0], [99.0], [100.0], [100.5]])

    assert regression(minimum=0, maximum=100).answers(outputs) == [
        ("below 0", 2),
        ("0 to 10", 1),
        ("90 to 100", 2),
        ("above 100", 1),
    ]


@pytest.mark.parametrize("seen", [{}, {"minimum": 3.0, "maximum": 3.0}])
def test_values_without_a_range_are_counted_together(seen: dict[str, float]) -> None:
    assert regression(**seen).answers(np.array([[1.0], [9.0]])) == [("any", 2)]


@pytest.mark.parametrize(
    ("flag", "counted"),
    [
        ("c0: missing", ("c0", "missing")),
        ("c1: blank", ("c1", "missing")),
        ("c2: unseen category 'a: missing'", ("c2", "unseen")),
        ("c3: out of range (9; training saw 0 to 5)", ("c3", "out_of_range")),
        ("c4: no whole number (9.5; training saw whole ones only)", ("c4", "out_of_range")),
        ("sent by whoever: no input of the model, ignored", ("other", "ignored")),
        ("c55: missing", ("other", "missing")),
    ],
)
def test_a_flag_is_counted_for_its_feature_and_only_for_the_first_fifty(
    flag: str, counted: tuple[str, str]
) -> None:
    assert classifier(2).flag(flag) == counted
