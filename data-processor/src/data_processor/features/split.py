"""The train, validation, test and holdout split of a table: the one place where rows are divided.

    side of the hash      dataset rows              recent rows (feedback newer than the champion)
    ------------------    ----------------------    ----------------------------------------------
    u < 0.20              holdout: never fitted     test: scored by the gate, never fitted
    0.20 <= u < 0.70      fitting                   test: fitted on only after the gate has decided
    0.70 <= u             fitting                   validation

Without recent validation rows, the dataset rows with 0.20 <= u < 0.36 (a fifth of those that may be fitted)
are the validation split until the last fit. A search gets `fitting` and `validation` and nothing else, so it
never meets a row that the gate decides on. A recent row may repeat the inputs of an old one: whoever fits to
answer recent rows leaves those out first (`Rows.without`), so that equal inputs are never on two sides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_processor.features import holdout
from data_processor.features.packing import pack, unpack
from data_processor.features.schema import Schema

PREDICTION_COLUMN = "loopkeeper:prediction"
"""The id of the prediction a row of feedback belongs to; empty for a row of the upload."""
FEEDBACK_COLUMN = "loopkeeper:judgement"  # the name in tables that are stored under DVC already
"""The number of the feedback that labelled the row; 0 for a row of the upload."""
PROVENANCE = (PREDICTION_COLUMN, FEEDBACK_COLUMN)
VALIDATION = 0.36
"""Dataset rows on the fitting side below this position are the validation rows, if no recent rows are."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows ready to be fitted or scored; all fields have one entry per row."""

    frame: pd.DataFrame
    """The inputs as a pipeline takes them (`features/packing.py: unpack`)."""
    target: NDArray[Any]
    """Labels as texts, or values as 64-bit floats."""
    positions: NDArray[np.float64]
    """Where the row stands in its model's hash, in [0, 1)."""
    recent: NDArray[np.bool_]
    """Whether the row is feedback newer than the champion."""
    predictions: NDArray[np.object_]
    """The prediction a row of feedback belongs to; empty for a row of the upload."""

    def __len__(self) -> int:
        return len(self.target)

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Return some of the rows, by a mask or by their places."""
        return type(self)(
            self.frame.iloc[np.flatnonzero(which) if which.dtype == np.bool_ else which],
            self.target[which],
            self.positions[which],
            self.recent[which],
            self.predictions[which],
        )

    def without(self, others: Self) -> Self:
        """Return the rows whose inputs are not among those of `others`: equal inputs share a position."""
        known = np.isin(self.positions, others.positions)
        return self.take(~known) if known.any() else self

    def join(self, *others: Self) -> Self:
        """Return these rows and then the others."""
        every = (self, *others)
        return type(self)(
            pd.concat([rows.frame for rows in every], ignore_index=True),
            np.concatenate([rows.target for rows in every]),
            np.concatenate([rows.positions for rows in every]),
            np.concatenate([rows.recent for rows in every]),
            np.concatenate([rows.predictions for rows in every]),
        )


@dataclass(frozen=True, slots=True)
class Split:
    """A table divided by what each row is for; no row is in two parts."""

    schema: Schema
    fitting: Rows
    validation: Rows
    test: Rows
    holdout: Rows
    chosen_on: Literal["recent", "validation"]
    """Where the validation rows come from."""

    @property
    def allowed(self) -> Rows:
        """Every row that the last fit may use, the gate having decided."""
        return self.fitting.join(self.validation, self.test.take(~holdout.on_holdout(self.test.positions)))


def prepare_data(
    frame: pd.DataFrame,
    schema: Schema,
    salt: str,
    champion_feedback_seq: int | None,
    *,
    validate_on_recent: bool,
) -> Split:
    """Divide a snapshot's rows by the hash of their inputs.

    Feedback numbered above `champion_feedback_seq` is recent; without a champion none is.
    `validate_on_recent` is for runs that the score opened. Rows without a target are left out.
    """
    rows = _rows(frame, schema, salt, champion_feedback_seq)
    old, recent = rows.take(~rows.recent), rows.take(rows.recent)
    held_out = holdout.on_holdout(old.positions)
    validating = holdout.for_validation(recent.positions)
    test = recent.take(~validating)
    by_recent = validate_on_recent and bool(validating.any())
    fitting, validation = old.take(~held_out), recent.take(validating)
    if not by_recent:
        validating = fitting.positions < VALIDATION
        fitting, validation = fitting.take(~validating).join(validation), fitting.take(validating)
    return Split(
        schema=schema,
        fitting=fitting,
        validation=validation,
        test=test,
        holdout=old.take(held_out),
        chosen_on="recent" if by_recent else "validation",
    )


def _rows(frame: pd.DataFrame, schema: Schema, salt: str, champion_feedback_seq: int | None) -> Rows:
    frame = frame[frame[schema.target].notna()]
    target = frame[schema.target]
    classification = bool(schema.classes)
    feedback = FEEDBACK_COLUMN in frame
    seq = frame[FEEDBACK_COLUMN].to_numpy(np.int64) if feedback else np.zeros(len(frame), np.int64)
    recent = seq > champion_feedback_seq if champion_feedback_seq is not None else np.zeros(len(frame), bool)
    return Rows(
        frame=unpack(pack(frame, schema), schema),
        target=target.astype(str).to_numpy(object) if classification else target.to_numpy(np.float64),
        positions=holdout.positions(frame, schema.inputs, salt),
        recent=recent & (seq > 0),
        predictions=frame[PREDICTION_COLUMN].to_numpy(object)
        if feedback
        else np.full(len(frame), "", object),
    )


def summary(split: Split) -> Mapping[str, Any]:
    """Return how many rows each part has, for logs."""
    parts = ("fitting", "validation", "test", "holdout")
    return {**{name: len(getattr(split, name)) for name in parts}, "chosen_on": split.chosen_on}
