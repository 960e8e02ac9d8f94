"""Which columns of an uploaded table may tie its rows together: groups that repeat, and what says when.

A group is a column of ids, whole numbers or words of which each value is in several rows: an engine, a
patient, a customer. A time is a column of dates, or one of whole numbers that rises steadily from row to row.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_processor.datasets.profile import ColumnFacts, finite, is_id_name
from data_processor.datasets.reading.texts import typed
from data_processor.statistics.clusters import FEWEST_GROUPS
from data_processor.statistics.growth import Growth

ROWS_PER_VALUE = 2
"""So many rows has every other value of a group at least."""
ROWS_OF_ALL = 5
"""So many rows there are for each value at least."""
LARGEST_SHARE = 0.2
"""A value in more than this share of the rows is no group: the others would be all there is to fit to."""
FEWEST_TIMES = 50
STEADY = 0.9
"""So many of the steps of a column that rises steadily are alike."""
MOST = 6
"""Candidates that are measured; those that are named like ids first."""
_NO_GROUP = re.compile(
    r"(^|[^a-z])(age|year|yr|quarter|season|month|mnth|week|weekday|day|hour|hr|minute|second)s?([^a-z]|$)",
    re.IGNORECASE,
)
"""Parts of the calendar repeat, and so do ages; but what is asked later has the same ones."""


class Candidate(NamedTuple):
    """A column that may tie rows together."""

    by: Literal["group", "time"]
    column: str


class Measured(NamedTuple):
    """What holding out by a column does to the loss of a quick model."""

    candidate: Candidate
    metric: str
    growth: Growth


def find_candidates(raw: Path, columns: Sequence[ColumnFacts], target: str, rows: int) -> list[Candidate]:
    """Return the columns that may tie rows together, in the order in which they are to be measured."""
    found = [
        Candidate(by, one.name)
        for one in columns
        if one.name != target and (by := _kind(raw, one, rows)) is not None
    ]
    found.sort(key=lambda one: not is_id_name(one.column))
    return found[:MOST]


def read_column(raw: Path, facts: ColumnFacts) -> Any:
    """Return a column of an uploaded table as it is proposed to read its cells."""
    with pq.ParquetFile(raw) as file:
        values = file.read(columns=[facts.name]).column(facts.name)
    reading = facts.reading
    if reading is not None and pa.types.is_string(values.type):
        return typed(values, reading)
    return finite(values)


def _kind(raw: Path, facts: ColumnFacts, rows: int) -> Literal["group", "time"] | None:
    if facts.type == "datetime":
        return "time" if facts.distinct >= FEWEST_TIMES else None
    if facts.type not in ("integer", "text") or _NO_GROUP.search(facts.name):
        return None
    if facts.type == "text" and facts.kind not in ("categorical", "identifier", "text"):
        return None
    values = read_column(raw, facts)
    if FEWEST_GROUPS <= facts.distinct <= rows / ROWS_OF_ALL and _repeats(values):
        return "group"
    steady = facts.type == "integer" and not facts.missing and facts.distinct >= FEWEST_TIMES
    return "time" if steady and _rises(values) else None


def _repeats(values: Any) -> bool:
    counts = pc.value_counts(values.drop_null()).field("counts")
    median = pc.quantile(counts, 0.5)[0].as_py()
    return bool(median >= ROWS_PER_VALUE and pc.max(counts).as_py() <= LARGEST_SHARE * len(values))


def _rises(values: Any) -> bool:
    """Say whether whole numbers never fall from row to row, and rise by the same step."""
    numbers = values.to_numpy()
    steps = numbers[1:] - numbers[:-1]
    up = steps[steps > 0]
    if not len(up) or (steps < 0).any():
        return False
    _, times = np.unique(up, return_counts=True)
    return bool(times.max() >= STEADY * len(up))
