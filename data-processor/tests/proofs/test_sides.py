"""Validation rows never meet test rows, and equal inputs are never on two sides, whatever table and salt."""

from functools import cache

import numpy as np
import pandas as pd

from data_processor.datasets.census import make_table, schema_of
from data_processor.features.holdout import canonical_row, folds
from data_processor.features.schema import Schema
from data_processor.features.split import FEEDBACK_COLUMN, PREDICTION_COLUMN, Rows, Split, prepare_data
from data_processor.training.evaluation import FOLDS, fold_rows

ALL, ROWS = 1_000, 200

Inputs = dict[str, bytes]
"""What each row of a table puts into the model, by the row's id."""


def test_equal_inputs_are_never_on_two_sides(seeds: range) -> None:
    """Of a thousand seeds every fourth, of few every tenth: each divides a whole table."""
    for seed in seeds[:: 4 if len(seeds) == ALL else 10]:
        frame, champion_seq = _snapshot(seed)
        split = prepare_data(frame, _schema(), f"salt {seed}", champion_seq, validate_on_recent=True)
        inputs = _inputs(frame)
        _check_sides(split, inputs)
        _check_folds(split, inputs)
        _check_fits(split, inputs)


def _check_sides(split: Split, inputs: Inputs) -> None:
    fitting, validation, test, held_out = (
        _of(rows, inputs) for rows in (split.fitting, split.validation, split.test, split.holdout)
    )
    assert validation.isdisjoint(test)
    assert held_out.isdisjoint(fitting | validation | _of(split.allowed, inputs))
    assert len(validation) > 10
    assert len(test) > 30
    assert len(test & (fitting | held_out)) > 10  # else there were no equal inputs to be parted


def _check_folds(split: Split, inputs: Inputs) -> None:
    found: dict[bytes, int] = {}
    places = folds(split.test.positions, FOLDS).tolist()
    for row, place in zip(split.test.predictions, places, strict=True):
        assert found.setdefault(inputs[row], place) == place
    assert len(found) < len(places)


def _check_fits(split: Split, inputs: Inputs) -> None:
    """No test row is answered by a fit that saw its inputs: not in a recent row, and not in an old one."""
    at = folds(split.test.positions, FOLDS)
    for number in range(FOLDS):
        seen = _of(fold_rows(split, at == number), inputs)
        assert seen.isdisjoint(_of(split.test.take(at == number), inputs))
        assert seen


@cache
def _schema() -> Schema:
    return schema_of(make_table(ROWS, seed=0))


def _snapshot(seed: int) -> tuple[pd.DataFrame, int]:
    """Return a table of which some rows are feedback, many of them inputs that were there before.

    Every row has an id where feedback has its prediction's.
    """
    rng = np.random.default_rng(seed)
    table = make_table(ROWS, seed=seed)
    again = table.iloc[rng.integers(0, ROWS, ROWS)]
    frame = pd.concat([table, again, make_table(ROWS // 2, seed=seed + 1_000_000)], ignore_index=True)
    feedback = len(frame) - ROWS
    frame[PREDICTION_COLUMN] = [f"row {number}" for number in range(len(frame))]
    frame[FEEDBACK_COLUMN] = np.r_[np.zeros(ROWS, int), rng.permutation(feedback) + 1]
    return frame, feedback // 3


def _inputs(frame: pd.DataFrame) -> Inputs:
    names = [str(name) for name in frame.columns]
    rows = [dict(zip(names, row, strict=True)) for row in frame.to_numpy(object).tolist()]
    return {row[PREDICTION_COLUMN]: canonical_row(row, _schema().inputs) for row in rows}


def _of(rows: Rows, inputs: Inputs) -> set[bytes]:
    return {inputs[row] for row in rows.predictions}
