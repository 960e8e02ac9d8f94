"""Choosing rows never meet gate rows, and equal inputs are never on two sides, whatever table and salt."""

import numpy as np
import pandas as pd

from data_processor.datasets.census import make_table, schema_of
from data_processor.datasets.holdout import canonical_row, folds
from data_processor.datasets.schema import Schema
from data_processor.datasets.tables import JUDGEMENT_COLUMN, PREDICTION_COLUMN
from data_processor.training.evaluation import FOLDS, fold_rows
from data_processor.training.preparation import Rows, Split, prepare_data

ALL, ROWS = 1_000, 200


def _snapshot(seed: int) -> tuple[pd.DataFrame, Schema, int]:
    """Return a table of which some rows are feedback, many of them inputs that were there before."""
    rng = np.random.default_rng(seed)
    table = make_table(ROWS, seed=seed)
    again = table.iloc[rng.integers(0, ROWS, ROWS)]
    frame = pd.concat([table, again, make_table(ROWS // 2, seed=seed + 1_000_000)], ignore_index=True)
    feedback = len(frame) - ROWS
    frame[PREDICTION_COLUMN] = ["", *["p"] * (len(frame) - 1)]
    frame[JUDGEMENT_COLUMN] = np.r_[np.zeros(ROWS, int), rng.permutation(feedback) + 1]
    # The table's schema, not the frame's: whose feedback a row is must be no input, or no two were equal.
    return frame, schema_of(table), feedback // 3


def _some(seeds: range) -> range:
    """Return all of a thousand seeds, of few every tenth: each divides a whole table."""
    return seeds if len(seeds) == ALL else seeds[::10]


def _divided(seed: int) -> Split:
    frame, schema, champion_seq = _snapshot(seed)
    return prepare_data(frame, schema, f"salt {seed}", champion_seq, choose_on_recent=True)


def _inputs(rows: Rows, split: Split) -> set[bytes]:
    return set(_written(rows, split))


def _written(rows: Rows, split: Split) -> list[bytes]:
    names = [str(name) for name in rows.frame.columns]
    values = rows.frame.to_numpy(object).tolist()
    return [canonical_row(dict(zip(names, row, strict=True)), split.schema.inputs) for row in values]


def test_no_input_is_on_two_sides(seeds: range) -> None:
    for seed in _some(seeds):
        split = _divided(seed)
        fitting, choosing, gate, reference = (
            _inputs(rows, split) for rows in (split.fitting, split.choosing, split.gate, split.reference)
        )
        assert choosing.isdisjoint(gate)
        assert reference.isdisjoint(fitting | choosing | _inputs(split.allowed, split))
        assert len(choosing) > 10
        assert len(gate) > 30
        assert len(gate & (fitting | reference)) > 10  # there are equal inputs to be parted


def test_no_input_is_in_two_folds(seeds: range) -> None:
    for seed in _some(seeds):
        split = _divided(seed)
        places = folds(split.gate.positions)
        found: dict[bytes, int] = {}
        for row, place in zip(_written(split.gate, split), places.tolist(), strict=True):
            assert found.setdefault(row, place) == place
        assert len(found) < len(places)


def test_no_gate_row_is_answered_by_a_fit_that_saw_its_inputs(seeds: range) -> None:
    """Not among the recent rows, and not among the old ones, which people often send again."""
    repeated = 0
    for seed in _some(seeds):
        split = _divided(seed)
        gate, at = np.array(_written(split.gate, split), object), folds(split.gate.positions)
        for fold in range(FOLDS):
            seen, asked = _inputs(fold_rows(split, at == fold), split), set(gate[at == fold])
            assert seen.isdisjoint(asked)
            repeated += len(asked & _inputs(split.fitting, split))
    assert repeated > 10 * len(_some(seeds))
