"""What the columns of a new table seem to be, and why: a proposal for a person to confirm.

One column is in memory at a time.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_processor.datasets.duplicates import count_different
from data_processor.datasets.inference import MAX_CATEGORIES, MAX_CATEGORY_SHARE
from data_processor.datasets.reading.cells import date_format
from data_processor.datasets.reading.refusals import RefusedFileError, shown
from data_processor.features.packing import text as as_text
from data_processor.features.schema import Kind
from data_processor.tasks.task import FEW

ColumnType = Literal["integer", "number", "boolean", "datetime", "text"]
EXAMPLES = 5
EXAMPLE_CHARACTERS = 120
MAX_COUNTED = 50
"""Values are not counted one by one in a column that has more: it is not a target with classes."""
_ID_NAME = re.compile(r"(^|[^a-z])(id|uuid|guid|key|nr|no|index)$", re.IGNORECASE)
_ID_CAMEL = re.compile(r"[a-z](Id|ID)$")
_SPACED = r"\S\s+\S"
_FREE_WORDS = 0.5
"""Texts of which more than this share have a second word are written by people."""
_FORMULA = r"^[=+@\-][^\d.,\s]"
_PROBED = 100
"""If one of the first texts is not a date, the column holds none: the others need not be in memory twice."""
_LIKELY_TARGETS = ("target", "label", "class", "y", "outcome", "toxic", "income-per-year")


@dataclass(slots=True)
class ColumnFacts:
    """What is known of one column, and what it seems to be."""

    name: str
    type: ColumnType
    kind: Kind
    reason: str
    missing: int
    distinct: int
    examples: list[Any] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    """How often each value occurs, the most frequent first; empty if there are many."""
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    date_format: str | None = None
    """How the dates are written, if they are texts."""
    ambiguous_dates: bool = False
    formulas: int = 0
    """Texts that a spreadsheet would execute."""
    renamed: str | None = None
    """What the previous version calls it, if that is another name."""


def read_columns(path: Path) -> list[ColumnFacts]:
    """Return what the columns of a typed Parquet file seem to be."""
    found = []
    with pq.ParquetFile(path) as file:
        for name in file.schema_arrow.names:
            # By name: Parquet takes `a` for a group that `a.b` is in, and reads both.
            found.append(describe(name, file.read(columns=[name]).column(name)))
            pa.default_memory_pool().release_unused()
    return found


def likely_target(columns: list[ColumnFacts]) -> str | None:
    """Return the column that is probably to be predicted: by its name, else the last that could be."""
    usable = [c for c in columns if c.kind in ("categorical", "numeric") and c.distinct > 1]
    for column in usable:
        if column.name.lower() in _LIKELY_TARGETS:
            return column.name
    return usable[-1].name if usable else None


def describe(name: str, values: Any) -> ColumnFacts:
    """Return what one column seems to be."""
    known = values.drop_null() if values.null_count else values
    if pa.types.is_string(values.type) and pc.any(pc.match_substring(known, "\0")).as_py():
        raise RefusedFileError(
            f"Column {shown(name)} contains the character U+0000, which text cannot contain: remove it."
        )
    missing = len(values) - len(known)
    distinct = count_different(known) if pa.types.is_string(known.type) else pc.count_distinct(known).as_py()
    facts = ColumnFacts(name, _type(values.type), "ignored", "", missing, distinct)
    facts.examples = [_shown(value) for value in pc.unique(known[:10_000])[:EXAMPLES].to_pylist()]
    if 0 < distinct <= MAX_COUNTED:
        counted = [(_written(pair["values"]), pair["counts"]) for pair in pc.value_counts(known).to_pylist()]
        facts.counts = dict(sorted(counted, key=lambda pair: (-pair[1], pair[0])))
    if facts.type in ("integer", "number") and len(known):
        ends = pc.min_max(known).as_py()
        facts.minimum, facts.maximum = float(ends["min"]), float(ends["max"])
        facts.mean = float(pc.mean(known).as_py())
    facts.kind, facts.reason = _propose(facts, known)
    return facts


def _propose(facts: ColumnFacts, known: Any) -> tuple[Kind, str]:
    if len(known) == 0:
        return "ignored", "Every value is missing."
    if facts.distinct == 1:
        return "ignored", f"Every value is the same, {_shown(facts.examples[0])!r}."
    match facts.type:
        case "boolean":
            return "categorical", "True or false."
        case "datetime":
            return "datetime", "Dates."
        case "integer" | "number":
            return _number(facts, known)
    return _text(facts, known)


def _number(facts: ColumnFacts, known: Any) -> tuple[Kind, str]:
    unique = facts.distinct == len(known) and len(known) > FEW
    whole = facts.type == "integer"
    if whole and unique:
        span = (facts.maximum or 0) - (facts.minimum or 0) + 1
        if is_id_name(facts.name):
            return "identifier", "Unique whole numbers in a column named like an id."
        if span == len(known):
            return "identifier", "Unique whole numbers that number the rows."
    return "numeric", "Whole numbers." if whole else "Numbers."


def _text(facts: ColumnFacts, known: Any) -> tuple[Kind, str]:
    facts.formulas = int(pc.sum(pc.match_substring_regex(known, _FORMULA)).as_py())
    likely = pc.all(_may_be_date(known[:_PROBED])).as_py()
    found = date_format(pc.unique(known).to_pylist()) if likely else None
    if found is not None:
        facts.date_format, facts.ambiguous_dates = found
        facts.type = "datetime"
        return "datetime", f"Every value is a date in the format {facts.date_format}."
    distinct, rows = facts.distinct, len(known)
    spaced = pc.mean(pc.cast(pc.match_substring_regex(known, _SPACED), pa.float64())).as_py()
    long = pc.mean(pc.utf8_length(known)).as_py()
    if distinct <= FEW and not (distinct == rows and spaced >= _FREE_WORDS):
        return "categorical", f"{distinct} distinct values."
    if distinct <= min(MAX_CATEGORIES, MAX_CATEGORY_SHARE * rows):
        return "categorical", f"{distinct} distinct values in {rows} rows."
    if spaced >= _FREE_WORDS:
        return "text", f"Free text: {distinct} distinct values of {long:.0f} characters on average."
    if distinct == rows or is_id_name(facts.name):
        return "identifier", "Almost every value is unique, and most are a single word."
    return "text", f"Too many distinct values for categories: {distinct} in {rows} rows."


def is_id_name(name: str) -> bool:
    """Tell whether a column is named like an id."""
    return bool(_ID_NAME.search(name) or _ID_CAMEL.search(name))


def _may_be_date(texts: Any) -> Any:
    return pc.match_substring_regex(texts, r"^\d{1,4}[-./]\d{1,2}[-./]\d{1,4}")


def _type(kind: pa.DataType) -> ColumnType:
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "number"
    return "datetime" if pa.types.is_timestamp(kind) else "text"


def _shown(value: Any) -> Any:
    """Return an example as JSON can say it."""
    if isinstance(value, bool | int | float):
        return value
    text = _written(value)
    return text if len(text) <= EXAMPLE_CHARACTERS else f"{text[: EXAMPLE_CHARACTERS - 1]}…"


def _written(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else as_text(value)
