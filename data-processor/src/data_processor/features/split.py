"""The train, validation, test and holdout split of a table: the one place where rows are divided.

    side of the hash      dataset rows              recent rows (feedback newer than the champion)
    ------------------    ----------------------    ----------------------------------------------
    u < 0.20              holdout: never fitted     test: scored by the gate, never fitted
    0.20 <= u < 0.70      fitting                   test: fitted on only after the gate has decided
    0.70 <= u             fitting                   validation

Without recent validation rows, the dataset rows with 0.20 <= u < 0.36 (a fifth of those that may be fitted)
are the validation split until the last fit. A search gets `fitting` and `validation` and nothing else, so it
never meets a row that the gate decides on. A recent row may repeat the inputs of an old one: whoever fits to
answer recent rows leaves those out first (`Rows.apart_from`), so that equal inputs are never on two sides.

By group u is the position of the group, so all of this holds for whole groups. By time the newest fifth of
the times is held out, and the newest fifth of the times before it are the validation rows; only recent rows,
which are later by nature, are divided by the hash of their inputs (`features/ties.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_processor.features import holdout, ties
from data_processor.features.packing import pack, unpack
from data_processor.features.schema import Schema
from data_processor.features.ties import Cutoff, Fitted, Ties, Timeline

PREDICTION_COLUMN = "loopkeeper:prediction"
"""The id of the prediction a row of feedback belongs to; empty for a row of the upload."""
FEEDBACK_COLUMN = "loopkeeper:judgement"  # the name in tables that are stored under DVC already
"""The number of the feedback that labelled the row; 0 for a row of the upload."""
PROVENANCE = (PREDICTION_COLUMN, FEEDBACK_COLUMN)
VALIDATION = 0.36
"""Dataset rows on the fitting side below this position are the validation rows, if no recent rows are."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows ready to be fitted or scored; all fields have one entry per row."""

    frame: pd.DataFrame
    """The inputs as a pipeline takes them (`features/packing.py: unpack`)."""
    target: NDArray[Any]
    """Labels as texts, or values as 64-bit floats."""
    positions: NDArray[np.float64]
    """Where the row stands in its model's hash, in [0, 1): equal inputs, or a whole group, share it."""
    recent: NDArray[np.bool_]
    """Whether the row is feedback newer than the champion."""
    predictions: NDArray[np.object_]
    """The prediction a row of feedback belongs to; empty for a row of the upload."""
    ties: Ties = field(default_factory=Ties)
    """The rows' groups and times, if those decide what is held out."""

    def __len__(self) -> int:
        return len(self.target)

    @property
    def times(self) -> NDArray[np.int64]:
        """The rows' places in the order of time; raises `ValueError` if that does not decide."""
        if self.ties.times is None:
            raise ValueError("These rows have no order of time.")
        return self.ties.times

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Return some of the rows, by a mask or by their places."""
        return type(self)(
            self.frame.iloc[np.flatnonzero(which) if which.dtype == np.bool_ else which],
            self.target[which],
            self.positions[which],
            self.recent[which],
            self.predictions[which],
            self.ties.take(which),
        )

    def apart(self, asked: Self) -> Flags:
        """Say which of these rows a fit may see that answers others.

        None that has inputs of theirs or is of a group of theirs; by time, none that is not earlier than all
        of them, with a gap between.
        """
        apart = np.ones(len(self), np.bool_)
        if self.ties.times is None or self.ties.groups is not None:
            apart &= ~np.isin(self.positions, asked.positions)
        if self.ties.times is not None and len(asked):
            apart &= self.times < asked.times.min() - ties.GAP
        return apart

    def apart_from(self, asked: Self) -> Self:
        """Return those of these rows that a fit may see which answers others."""
        apart = self.apart(asked)
        return self if apart.all() else self.take(apart)

    def unseen(self) -> Self:
        """Return the rows on which the champion may be compared: it saw nothing that is tied to them."""
        seen = self.ties.seen
        return self if seen is None or not seen.any() else self.take(~seen)

    def join(self, *others: Self) -> Self:
        """Return these rows and then the others."""
        every = (self, *others)
        return type(self)(
            pd.concat([rows.frame for rows in every], ignore_index=True),
            np.concatenate([rows.target for rows in every]),
            np.concatenate([rows.positions for rows in every]),
            np.concatenate([rows.recent for rows in every]),
            np.concatenate([rows.predictions for rows in every]),
            ties.joined([rows.ties for rows in every]),
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
    timeline: Timeline | None = None
    """By time: the times that the rows' places in it are."""
    left_out: int = 0
    """Rows that are in no part: those without a time, and groups that are both before and after the cut."""

    def __len__(self) -> int:
        """Return how many rows there are in all parts."""
        return len(self.fitting) + len(self.validation) + len(self.test) + len(self.holdout)

    @property
    def allowed(self) -> Rows:
        """Every row that the last fit may use, the gate having decided."""
        return self.fitting.join(self.validation, self.test.take(~self.never_fitted(self.test)))

    @property
    def before_holdout(self) -> Rows:
        """The rows that a fit may use which answers the holdout rows: by time, not those that come later."""
        allowed, held_out = self.allowed, self.holdout.ties.times
        if held_out is None or not len(held_out):
            return allowed
        early = allowed.times < held_out.min()
        return allowed if early.all() else allowed.take(early)

    @property
    def cutoff(self) -> Cutoff | None:
        """By time: the last that the last fit sees."""
        return self.timeline.cutoff(self.allowed.times) if self.timeline is not None else None

    def never_fitted(self, rows: Rows) -> Flags:
        """Say of each row whether no version is ever fitted to it: by time there is no such row."""
        if self.schema.holdout.by == "time":
            return np.zeros(len(rows), np.bool_)
        return holdout.on_holdout(rows.positions)


def prepare_data(
    frame: pd.DataFrame,
    schema: Schema,
    salt: str,
    champion_feedback_seq: int | None,
    *,
    validate_on_recent: bool,
    champion: Fitted | None = None,
) -> Split:
    """Divide a snapshot's rows by the hash of their inputs or groups, or by their time.

    Feedback numbered above `champion_feedback_seq` is recent; without a champion none is. `champion` is what
    it may have been fitted to, by default what this schema allows. `validate_on_recent` is for runs that the
    score opened. Rows without a target are left out.
    """
    frame = frame[frame[schema.target].notna()]
    feedback = FEEDBACK_COLUMN in frame
    seq = frame[FEEDBACK_COLUMN].to_numpy(np.int64) if feedback else np.zeros(len(frame), np.int64)
    recent = (seq > champion_feedback_seq) & (seq > 0) if champion_feedback_seq is not None else seq < 0
    rows, timeline = _rows(frame, schema, salt, seq, recent)
    champion = champion or Fitted(schema.holdout)
    # What is held out by rows always was: no champion by rows has seen a row that is compared by rows.
    if champion_feedback_seq is not None and {schema.holdout.by, champion.by.by} != {"row"}:
        seen = _seen(rows, ~recent & champion.among(frame, schema, salt, seq))
        rows = replace(rows, ties=replace(rows.ties, seen=seen))
    if timeline is not None:
        return _by_time(rows, schema, timeline, validate_on_recent=validate_on_recent)
    old, recent_rows = rows.take(~recent), rows.take(recent)
    held_out = holdout.on_holdout(old.positions)
    validating = holdout.for_validation(recent_rows.positions)
    test = recent_rows.take(~validating)
    by_recent = validate_on_recent and bool(validating.any())
    fitting, validation = old.take(~held_out), recent_rows.take(validating)
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


def _by_time(rows: Rows, schema: Schema, timeline: Timeline, *, validate_on_recent: bool) -> Split:
    """Divide rows that follow each other: the newest times are held out, and those before them are fitted.

    If the score opened the run, recent rows choose and decide, which are later than all others; else they are
    rows like any other. By group, a group is fitted or held out as its hash says, and one that is both before
    and after the cut is not fitted.
    """
    total = len(rows)
    rows = rows.take(rows.times >= 0)
    recent = rows.recent if validate_on_recent else np.zeros(len(rows), np.bool_)
    old, recent_rows = rows.take(~recent), rows.take(recent)
    late = old.times >= ties.newest_from(old.times)
    fitted, held = ~late, late
    if old.ties.groups is not None:
        never = holdout.on_holdout(old.positions)
        fitted = fitted & ~never & ~ties.spanning(old.ties.groups, late)
        held = held & never
    fitting, held_out = old.take(fitted), old.take(held)
    validating = holdout.for_validation(recent_rows.positions)
    validation, test = recent_rows.take(validating), recent_rows.take(~validating)
    by_recent = bool(validating.any())
    if not by_recent:
        newest = fitting.times >= ties.newest_from(fitting.times)
        fitting, validation = fitting.take(~newest), fitting.take(newest)
    return Split(
        schema=schema,
        fitting=fitting,
        validation=validation,
        test=test,
        holdout=held_out,
        chosen_on="recent" if by_recent else "validation",
        timeline=timeline,
        left_out=total - sum(map(len, (fitting, validation, test, held_out))),
    )


def _rows(
    frame: pd.DataFrame, schema: Schema, salt: str, seq: NDArray[np.int64], recent: Flags
) -> tuple[Rows, Timeline | None]:
    """Return a snapshot's rows, and their times if those decide; `seq` are the numbers of their feedback."""
    target = frame[schema.target]
    positions = ties.positions(frame, schema, salt)
    places, timeline = None, None
    if (column := schema.holdout.times) is not None:
        places, timeline = ties.order(ties.moments(frame[column]), seq)
    rows = Rows(
        frame=unpack(pack(frame, schema), schema),
        target=target.astype(str).to_numpy(object) if schema.classes else target.to_numpy(np.float64),
        positions=positions,
        recent=recent,
        predictions=frame[PREDICTION_COLUMN].to_numpy(object)
        if PREDICTION_COLUMN in frame
        else np.full(len(frame), "", object),
        ties=Ties(groups=None if schema.holdout.groups is None else positions, times=places),
    )
    return rows, timeline


def _seen(rows: Rows, fitted: Flags) -> Flags:
    """Say of each row whether the champion, fitted to some of them, saw it or what is tied to it."""
    seen = fitted.copy()
    if rows.ties.groups is not None:
        seen |= np.isin(rows.ties.groups, rows.ties.groups[fitted])
    if rows.ties.times is not None:
        seen |= rows.ties.times <= rows.ties.times[fitted].max(initial=-1)
    return seen


def summary(split: Split) -> Mapping[str, Any]:
    """Return how many rows each part has, for logs."""
    parts = ("fitting", "validation", "test", "holdout")
    left_out = {"left_out": split.left_out} if split.left_out else {}
    return {
        **{name: len(getattr(split, name)) for name in parts},
        **left_out,
        "chosen_on": split.chosen_on,
    }
