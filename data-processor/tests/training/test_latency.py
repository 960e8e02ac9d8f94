import time

import numpy as np
import pytest

from data_processor.features.packing import Packed
from data_processor.training.latency import SIZES, compare_latency


class Sleeper:
    """An engine that takes its time: for a request, and for each row of it."""

    def __init__(self, fixed_s: float, per_row_s: float) -> None:
        self.fixed_s, self.per_row_s = fixed_s, per_row_s

    def predict(self, numeric: np.ndarray, strings: np.ndarray) -> np.ndarray:
        time.sleep(self.fixed_s + self.per_row_s * len(strings))
        return np.full((len(numeric), 2), 0.5, np.float32)


QUICK_FOR_ONE = Sleeper(0.0, 0.0003)
QUICK_FOR_MANY = Sleeper(0.001, 0.0)


@pytest.mark.parametrize(
    ("compiled", "trained", "wins"),
    [(QUICK_FOR_ONE, QUICK_FOR_MANY, True), (QUICK_FOR_MANY, QUICK_FOR_ONE, False)],
)
def test_the_form_that_is_faster_on_the_whole_wins(compiled: Sleeper, trained: Sleeper, wins: bool) -> None:
    rows = Packed(np.empty((5, 0), np.float32), np.array([["some text"]] * 5, object))
    times = compare_latency(compiled, trained, rows)

    assert times.trained_wins is wins
    assert str(times).startswith("One row takes ")
    assert f"{SIZES[1]} rows" in str(times)
