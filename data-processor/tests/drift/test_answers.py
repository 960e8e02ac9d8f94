from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from data_processor.datasets.census import make_table
from data_processor.drift.answers import compare_answers, held_out_rows
from data_processor.features.holdout import on_holdout, positions
from data_processor.features.packing import Numbers as Outputs
from data_processor.features.schema import Column, Schema
from data_processor.features.split import FEEDBACK_COLUMN
from data_processor.statistics.drift import find_drift

PRICE = Schema(
    task="tabular-regression",
    target="price",
    columns=(Column(name="size", kind="numeric"), Column(name="price", kind="numeric")),
)
YES = Schema(
    task="tabular-classification",
    target="y",
    columns=(Column(name="size", kind="numeric"), Column(name="y", kind="categorical")),
    classes=("no", "yes"),
)


class Doubling:
    """Answers twice the size."""

    def predict(self, numeric: Outputs, _strings: NDArray[np.object_]) -> Outputs:
        return 2 * numeric


class AboveZero:
    """Answers yes to sizes above zero."""

    def predict(self, numeric: Outputs, _strings: NDArray[np.object_]) -> Outputs:
        return np.column_stack([numeric[:, 0] <= 0, numeric[:, 0] > 0]).astype(np.float32)


@pytest.fixture
def manifest(tiny_versions: Any) -> Any:
    return tiny_versions["1"].manifest


def census(rows: int) -> pd.DataFrame:
    frame = make_table(rows, seed=7)
    frame[FEEDBACK_COLUMN] = 0
    return frame


def test_the_reference_are_rows_that_no_version_is_fitted_to(manifest: Any) -> None:
    frame = census(1_000)
    drawn = held_out_rows(frame, manifest, "salt", None, 0)
    assert drawn is not None
    assert 150 < len(drawn) < 250
    assert on_holdout(positions(drawn, manifest.table.inputs, "salt")).all()


def test_of_fewer_than_a_hundred_such_rows_there_is_no_reference(manifest: Any) -> None:
    assert held_out_rows(census(400), manifest, "salt", None, 0) is None


@pytest.mark.parametrize(("recent", "enough"), [(100, False), (700, True)])
def test_what_was_fitted_to_recent_rows_above_all_needs_recent_ones_to_compare_with(
    manifest: Any, recent: int, *, enough: bool
) -> None:
    frame = census(2_000)
    frame[FEEDBACK_COLUMN] = np.where(np.arange(2_000) >= 2_000 - recent, np.arange(2_000), 0)
    weighted = manifest.model_copy(update={"candidate": {**manifest.candidate, "recent_share": 0.9}})
    drawn = held_out_rows(frame, weighted, "salt", 0, 0)
    assert (drawn is not None) is enough
    if drawn is not None:
        assert (drawn[FEEDBACK_COLUMN] > 0).mean() == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize(("moved", "direction"), [(0.0, None), (2.0, "higher"), (-2.0, "lower")])
def test_values_that_moved_are_drift_of_the_answers(moved: float, direction: str | None) -> None:
    rng = np.random.default_rng(2)
    held_out = pd.DataFrame({"size": rng.normal(size=500)})
    recent = [{"value": value} for value in (2 * rng.normal(size=300) + moved).tolist()]
    feature = compare_answers(Doubling(), PRICE, held_out, recent)
    (found,) = find_drift([feature], reference_rows=500, rows=300, seed=0).features
    assert (found.feature, found.drifted) == ("price (answered)", direction is not None)
    assert direction in (None, found.direction)


@pytest.mark.parametrize(("yes", "drifted"), [(150, False), (240, True)])
def test_answers_that_are_given_more_often_are_drift_of_the_answers(yes: int, *, drifted: bool) -> None:
    held_out = pd.DataFrame({"size": np.random.default_rng(1).normal(size=500)})
    recent = [{"label": "yes"}] * yes + [{"label": "no"}] * (300 - yes)
    feature = compare_answers(AboveZero(), YES, held_out, recent)
    (found,) = find_drift([feature], reference_rows=500, rows=300, seed=0).features
    assert found.drifted is drifted
    if drifted:
        assert found.change.startswith(("'no' in 20.0 %", "'yes' in 80.0 %"))
