"""Choosing rows never meet gate rows, and equal inputs are never on two sides, whatever table and salt."""

import numpy as np
import pandas as pd

from data_processor.datasets.census import make_table, schema_of
from data_processor.datasets.holdout import canonical_row, folds
from data_processor.datasets.tables import JUDGEMENT_COLUMN, PREDICTION_COLUMN
from data_processor.training.preparation import Rows, Split, prepare_data

ROWS = 200


def _some(seeds: range) -> range:
    """Return every tenth seed: each divides a whole table, and there is no chance in it that could add up."""
    return seeds[::10]


def _snapshot(seed: int) -> tuple[pd.DataFrame, int]:
    """Return a table of which some rows are feedback, many of them inputs that were there before."""
    rng = np.random.default_rng(seed)
    table = make_table(ROWS, seed=seed)
    again = table.iloc[rng.integers(0, ROWS, ROWS)]
    frame = pd.concat([table, again, make_table(ROWS // 2, seed=seed + 1_000_000)], ignore_index=True)
    feedback = len(frame) - ROWS
    frame[PREDICTION_COLUMN] = ["", *["p"] * (len(frame) - 1)]
    frame[JUDGEMENT_COLUMN] = np.r_[np.zeros(ROWS, int), rng.permutation(feedback) + 1]
    return frame, feedback // 3


def _inputs(rows: Rows, split: Split) -> set[bytes]:
    return set(_written(rows, split))


def _written(rows: Rows, split: Split) -> list[bytes]:
    names = [str(name) for name in rows.frame.columns]
    values = rows.frame.to_numpy(object).tolist()
    return [canonical_row(dict(zip(names, row, strict=True)), split.schema.inputs) for row in values]


def test_no_input_is_on_two_sides(seeds: range) -> None:
    for seed in _some(seeds):
        frame, champion_seq = _snapshot(seed)
        split = prepare_data(frame, schema_of(frame), f"salt {seed}", champion_seq, choose_on_recent=True)
        fitting, choosing, gate, reference = (
            _inputs(rows, split) for rows in (split.fitting, split.choosing, split.gate, split.reference)
        )
        assert choosing.isdisjoint(gate)
        assert reference.isdisjoint(fitting | choosing | _inputs(split.allowed, split))
        assert len(choosing) > 10
        assert len(gate) > 30


def test_no_input_is_in_two_folds(seeds: range) -> None:
    for seed in _some(seeds):
        frame, champion_seq = _snapshot(seed)
        split = prepare_data(frame, schema_of(frame), f"salt {seed}", champion_seq, choose_on_recent=True)
        places = folds(split.gate.positions)
        found: dict[bytes, int] = {}
        for row, place in zip(_written(split.gate, split), places.tolist(), strict=True):
            assert found.setdefault(row, place) == place
