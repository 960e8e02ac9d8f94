"""What ties rows of a table together: the group they share, the time in which they follow each other.

Rows of one engine, patient or customer resemble each other, and so do rows of one hour: a model that was
fitted to some of them answers the others from memory. So a group is whole on one side, and what is fitted is
earlier than what is answered.

| holdout | held out | a fit that answers rows sees |
|---|---|---|
| by row | a fifth of the inputs, for ever | no row with their inputs |
| by group | a fifth of the groups, for ever | no row of their groups |
| by time | the newest fifth of the times, of this version | rows before them, but for those just before |
| by group, with a time | of a fifth of the groups, for ever, the newest fifth of the times | neither |

What is just before is one time of the table: what happens at one often shows at the next already.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from data_processor.features import holdout
from data_processor.features.calendar import parse_timestamp
from data_processor.features.schema import Holdout, Schema

if TYPE_CHECKING:
    import pandas as pd

NEWEST = holdout.HOLDOUT
"""The share of the different times that is held out; of those before them, the share to choose by."""
GAP = 1
"""So many of the table's times between what is fitted and what is answered are left out."""

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Order = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ties:
    """What ties each of some rows to others; None where nothing of the kind does."""

    groups: Floats | None = None
    """The position of each row's group in the model's hash: equal for the rows of one group."""
    times: Order | None = None
    """How many different times of the whole table are earlier than each row's."""
    seen: Flags | None = None
    """Whether the champion was fitted to the row, to another one of its group, or to a later one."""

    def take(self, which: Flags | Order) -> "Ties":
        """Return the ties of some of the rows."""
        return Ties(
            None if self.groups is None else self.groups[which],
            None if self.times is None else self.times[which],
            None if self.seen is None else self.seen[which],
        )


def joined(every: Sequence[Ties]) -> Ties:
    """Return the ties of several parts of one table, one after the other."""
    return Ties(
        _concatenated([one.groups for one in every]),
        _concatenated([one.times for one in every]),
        _concatenated([one.seen for one in every]),
    )


class Cutoff(BaseModel):
    """The last that a version was fitted to, in order of time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time: float | None
    """Seconds since 1970 for dates, else in the column's own numbers; none if no row had a time."""
    feedback: int
    """The number of the last feedback that carried no time; 0 if there was none."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The different times of a table, in order: each has its place."""

    times: Floats
    """Those that rows carry, in ascending order."""
    feedback: Order
    """The numbers of the feedback that carries none: later than all others, in the order it came in."""

    def cutoff(self, places: Order) -> Cutoff | None:
        """Return the last of some rows' places, if there are any."""
        known, later = places[places < len(self.times)], places[places >= len(self.times)]
        if not len(places):
            return None
        return Cutoff(
            time=float(self.times[known.max()]) if len(known) else None,
            feedback=int(self.feedback[later.max() - len(self.times)]) if len(later) else 0,
        )


@dataclass(frozen=True, slots=True)
class Fitted:
    """What an earlier version may have been fitted to: all but what was held out from it."""

    by: Holdout = field(default_factory=Holdout)
    cutoff: Cutoff | None = None

    def among(self, frame: "pd.DataFrame", schema: Schema, salt: str, feedback: Order) -> Flags:
        """Say of each row of a table whether it may have been; `feedback` numbers the rows of feedback."""
        could = np.ones(len(frame), np.bool_)
        if self.by.by != "time":
            theirs = positions(frame, schema.model_copy(update={"holdout": self.by}), salt)
            could &= ~holdout.on_holdout(theirs)
        if self.by.times is not None and self.by.times in frame and self.cutoff is not None:
            at, last = moments(frame[self.by.times]), self.cutoff.time
            waiting = (feedback > 0) & (feedback <= self.cutoff.feedback)
            could &= np.where(np.isnan(at), waiting, False if last is None else at <= last)
        return could


def positions(frame: "pd.DataFrame", schema: Schema, salt: str) -> Floats:
    """Return where each row stands in a model's hash, shape (rows,): by its inputs, or by its group.

    A row without a group is of the group of a row with its inputs, else on its own.
    """
    alone = holdout.positions(frame, schema.inputs, salt)
    column = schema.holdout.groups
    if column is None:
        return alone
    if column not in frame:
        return alone
    shared = holdout.group_positions(frame[column], salt)
    missing = np.isnan(shared)
    if missing.any():
        known = dict(zip(alone[~missing].tolist(), shared[~missing].tolist(), strict=True))
        shared[missing] = [known.get(at, at) for at in alone[missing].tolist()]
    return shared


def moments(values: "pd.Series[Any]") -> Floats:
    """Return times as numbers, shape (rows,): dates as seconds since 1970 in UTC; NaN where there is none."""
    if values.dtype.kind in "iuf":
        return values.to_numpy(np.float64, na_value=np.nan)
    cells = values.astype(object).tolist()
    known = {cell: _moment(cell) for cell in set(cells)}
    return np.fromiter((known[cell] for cell in cells), np.float64, len(cells))


def order(at: Floats, feedback: Order) -> tuple[Order, Timeline]:
    """Return each row's place among the different times of its table, and these; -1 is no place.

    `feedback` numbers the rows of feedback; it is 0 for rows of the upload, which have no place without a
    time.
    """
    places = np.full(len(at), -1, np.int64)
    known = ~np.isnan(at)
    times, places[known] = np.unique(at[known], return_inverse=True)
    waiting = ~known & (feedback > 0)
    came, later = np.unique(feedback[waiting], return_inverse=True)
    places[waiting] = len(times) + later
    return places, Timeline(times, came)


def newest_from(times: Order) -> int:
    """Return the place of the first of the newest fifth of some rows' different times."""
    distinct = np.unique(times)
    return int(distinct[-max(1, round(NEWEST * len(distinct)))]) if len(distinct) else 0


def windows(times: Order, count: int) -> Order:
    """Return the window that each row is in, 0 … count, each of as many different times.

    Each is answered by a fit on those before it, so window 0 is only fitted to.
    """
    distinct, which = np.unique(times, return_inverse=True)
    return np.asarray(which * (count + 1) // max(1, len(distinct)), np.int64)


def spanning(groups: Floats, late: Flags) -> Flags:
    """Say of each row whether its group has both early and late rows."""
    return np.isin(groups, groups[late]) & np.isin(groups, groups[~late])


def _moment(value: Any) -> float:
    if isinstance(value, str):
        try:
            return parse_timestamp(value).timestamp()
        except ValueError:
            pass
    try:
        number = float(value)
    except (TypeError, ValueError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _concatenated(parts: Sequence[Any]) -> Any:
    return None if any(part is None for part in parts) else np.concatenate(parts)
