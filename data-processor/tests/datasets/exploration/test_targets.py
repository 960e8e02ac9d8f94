import numpy as np
import pandas as pd
import pytest

from data_processor.datasets.exploration.distributions import counts, histogram
from data_processor.datasets.exploration.schemas import Counts
from data_processor.datasets.exploration.targets import MOST_CLASSES, by_target, target_of
from data_processor.datasets.inference import infer_schema


def test_the_rows_of_each_class_are_counted_in_each_bar() -> None:
    frame = pd.DataFrame(
        {"city": ["Bern", "Bern", "Rom", "Rom", None], "y": ["no", "yes", "no", "no", "no"]}, dtype="str"
    )
    target = target_of(frame, infer_schema(frame, "y"))
    placed = counts(frame["city"])
    assert placed is not None
    assert isinstance(placed.distribution, Counts)
    assert target.classes == ["no", "yes"]
    assert placed.distribution.labels == ["Bern", "Rom"]
    assert by_target(placed, target).counts == [[1, 2], [1, 0]]


def test_the_mean_of_a_target_is_told_with_its_error() -> None:
    n = np.repeat([1.0, 2.0, 3.0], 40)
    noise = np.tile([-1.0, 1.0], 60)
    frame = pd.DataFrame({"n": n, "price": 10 * n + noise})
    frame.loc[0, "price"] = np.nan
    target = target_of(frame, infer_schema(frame, "price", task="tabular-regression"))
    placed = histogram(frame["n"].to_numpy())
    assert placed is not None
    found = by_target(placed, target)
    assert found.rows == [39, 40, 40]
    assert found.means[1:] == pytest.approx([20.0, 30.0])
    assert found.errors[1] == pytest.approx(np.std(noise[:40], ddof=1) / np.sqrt(40))
    assert found.counts == []


def test_one_row_has_a_mean_but_no_error() -> None:
    frame = pd.DataFrame({"n": [1.0, 2.0, 2.0], "price": [5.0, 1.0, 3.0]})
    target = target_of(frame, infer_schema(frame, "price", task="tabular-regression"))
    placed = histogram(frame["n"].to_numpy())
    assert placed is not None
    found = by_target(placed, target)
    assert found.means == [5.0, 2.0]
    assert found.errors[0] is None


def test_of_many_classes_the_most_frequent_are_told_apart() -> None:
    frame = pd.DataFrame({"y": [f"c{n % 11:02}" for n in range(105)]}, dtype="str")
    target = target_of(frame, infer_schema(frame, "y"))
    assert (len(target.classes), target.left_out) == (MOST_CLASSES, 3)
    assert target.classes[0] == "c00"
    assert (target.codes < 0).sum() == 27
