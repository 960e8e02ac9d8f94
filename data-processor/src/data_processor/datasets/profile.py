"""What the columns of a new table seem to be, and why: a proposal for a person to confirm.

One column is in memory at a time.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_processor.datasets.duplicates import count_different
from data_processor.datasets.inference import FREE_WORDS, are_categories, are_ids
from data_processor.datasets.reading.refusals import RefusedFileError, shown
from data_processor.datasets.reading.texts import typed
from data_processor.datasets.readings import Found, find_readings
from data_processor.features.cardinality import has_many_values
from data_processor.features.dates import month_first
from data_processor.features.numerals import Mark
from data_processor.features.packing import text as as_text
from data_processor.features.reading import Reading
from data_processor.features.schema import Column, Kind
from data_processor.tasks.labels import MAX_CLASSES
from data_processor.tasks.task import FEW

ColumnType = Literal["integer", "number", "boolean", "datetime", "text"]
EXAMPLES = 5
EXACT = 2.0**53
"""Whole numbers are exact as floats up to here."""
EXAMPLE_CHARACTERS = 120
MAX_COUNTED = 50
"""Values are not counted one by one in a column that has more: it is not a target with classes."""
_ID_NAME = re.compile(r"(^|[^a-z])(id|uuid|guid|key|nr|no|index)$", re.IGNORECASE)
_ID_CAMEL = re.compile(r"[a-z](Id|ID)$")
_SPACED = r"\S\s+\S"
_LEFT_OUT = ": it is left out, and predictions do not need it."
_FORMULA = r"^[=+@\-][^\d.,\s]"
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
    nullable: bool | None = None
    """Whether predictions may leave it out, as it was confirmed for the previous version."""
    readings: list[dict[str, Any]] = field(default_factory=list)
    """The ways to read its cells (`readings.py: Possible`), the proposed one first."""
    marks: dict[str, int] = field(default_factory=dict)
    """How many cells have each text that usually stands for a missing value."""
    doubts: list[str] = field(default_factory=list)
    """What is doubtful about the proposed reading (`readings.py: Found`)."""
    alike: int = 0
    """How many different texts are the same number or date as another one."""

    @property
    def reading(self) -> Reading | None:
        """How it is proposed to read its cells; none in proposals from before there were readings."""
        if self.readings:
            return Reading.model_validate(self.readings[0]["reading"])
        return Reading(values="datetime", format=self.date_format) if self.date_format else None


def read_columns(
    path: Path, decimal: Mark | None = None, known: Mapping[str, Column] | None = None
) -> list[ColumnFacts]:
    """Return what the columns of an uploaded table seem to be.

    `decimal` is the decimal mark of its file; `known` are the columns of the last one, by their names in it.
    """
    found = []
    with pq.ParquetFile(path) as file:
        for name in file.schema_arrow.names:
            # By name: Parquet takes `a` for a group that `a.b` is in, and reads both.
            values = file.read(columns=[name]).column(name)
            found.append(describe(name, values, decimal, (known or {}).get(name)))
            del values
            pa.default_memory_pool().release_unused()
    _agree_on_dates(found)
    return found


def _agree_on_dates(columns: Sequence[ColumnFacts]) -> None:
    """Read dates of which day and month may be swapped as the file's other dates are, if those are clear."""
    clear = {
        month_first(column.date_format)
        for column in columns
        if column.type == "datetime" and column.date_format and not column.ambiguous_dates
    } - {None}
    if len(clear) != 1:
        return
    for column in columns:
        if not column.ambiguous_dates:
            continue
        alike = [one for one in column.readings if month_first(one["reading"]["format"]) in clear]
        if alike:
            column.readings = [alike[0], *(one for one in column.readings if one is not alike[0])]
            column.date_format = alike[0]["reading"]["format"]
            column.reason = f"Every value is a date in the format {column.date_format}, as others here are."


def likely_target(columns: list[ColumnFacts]) -> str | None:
    """Return the column that is probably to be predicted: by its name, else the last that could be."""
    usable = [c for c in columns if c.distinct > 1 and (c.kind == "numeric" or _are_classes(c))]
    for column in usable:
        if column.name.lower() in _LIKELY_TARGETS:
            return column.name
    return usable[-1].name if usable else None


def _are_classes(column: ColumnFacts) -> bool:
    return column.kind == "categorical" and column.distinct <= MAX_CLASSES


def describe(name: str, values: Any, decimal: Mark | None = None, known: Column | None = None) -> ColumnFacts:
    """Return what one column seems to be."""
    is_text = pa.types.is_string(values.type)
    if is_text and pc.any(pc.match_substring(values, "\0")).as_py():
        raise RefusedFileError(
            f"Column {shown(name)} contains the character U+0000, which text cannot contain: remove it."
        )
    found = find_readings(values, decimal, known)
    reading = found.first.reading
    read = typed(values, reading) if is_text else finite(values)
    present = read.drop_null() if read.null_count else read
    written = values.filter(pc.is_valid(read)) if is_text and reading.values != "text" else present
    facts = ColumnFacts(
        name, _type(present, reading, is_text=is_text), "ignored", "", len(read) - len(present), 0
    )
    facts.distinct = _distinct(present)
    facts.alike = _distinct(written) - facts.distinct
    facts.readings = [one.as_json() for one in found.possible]
    facts.marks, facts.doubts = found.marks, found.doubts
    facts.date_format = reading.format if is_text else None
    facts.ambiguous_dates = "dates" in found.doubts
    facts.examples = [_shown(value) for value in pc.unique(written[:10_000])[:EXAMPLES].to_pylist()]
    if 0 < facts.distinct <= MAX_COUNTED:
        counted = [
            (_written(pair["values"]), pair["counts"]) for pair in pc.value_counts(written).to_pylist()
        ]
        facts.counts = dict(sorted(counted, key=lambda pair: (-pair[1], pair[0])))
    if facts.type in ("integer", "number") and len(present):
        ends = pc.min_max(present).as_py()
        facts.minimum, facts.maximum = float(ends["min"]), float(ends["max"])
        facts.mean = float(pc.mean(present).as_py())
    facts.kind, facts.reason = _propose(facts, present, found)
    return facts


def finite(values: Any) -> Any:
    """Return values without the infinite numbers among them, which are missing then."""
    if not pa.types.is_floating(values.type):
        return values
    return pc.if_else(pc.is_inf(values), pa.scalar(None, values.type), values)


def _distinct(values: Any) -> int:
    if pa.types.is_string(values.type):
        return count_different(values)
    return int(pc.count_distinct(values).as_py())


def _propose(facts: ColumnFacts, known: Any, found: Found) -> tuple[Kind, str]:
    if len(known) == 0:
        return "ignored", "Every value is missing."
    if facts.distinct == 1:
        value = repr(_shown(facts.examples[0]))
        if facts.missing:
            return "categorical", f"{value} or missing: which of them may tell something."
        return "ignored", f"Every value is the same, {value}."
    kind, reason = _by_type(facts, known)
    if unreadable := found.first.unreadable:
        besides = "one cell" if unreadable == 1 else f"{unreadable} cells"
        return kind, f"{reason[:-1]}, except in {besides}."
    return kind, reason


def _by_type(facts: ColumnFacts, known: Any) -> tuple[Kind, str]:
    match facts.type:
        case "boolean":
            return "categorical", "True or false."
        case "datetime":
            form = facts.date_format
            return "datetime", f"Every value is a date in the format {form}." if form else "Dates."
        case "integer" | "number":
            return _number(facts, known)
    return _text(facts, known)


def _number(facts: ColumnFacts, known: Any) -> tuple[Kind, str]:
    unique = facts.distinct == len(known) and len(known) > FEW
    whole = facts.type == "integer"
    if whole and _merge_as_floats(facts, known):
        facts.doubts.append("long")
        if are_categories(facts.distinct, len(known), 1.0):
            learnt = _learnt(facts.distinct, len(known))
            return (
                "categorical",
                f"{facts.distinct} distinct whole numbers, too long to compute with{learnt}.",
            )
        return "identifier", "Whole numbers too long to compute with."
    if whole and unique:
        span = (facts.maximum or 0) - (facts.minimum or 0) + 1
        if is_id_name(facts.name):
            return "identifier", "Unique whole numbers in a column named like an id."
        if span == len(known):
            return "identifier", "Unique whole numbers that number the rows."
    return "numeric", "Whole numbers." if whole else "Numbers."


def _merge_as_floats(facts: ColumnFacts, known: Any) -> bool:
    """Say whether different whole numbers would be the same one to a model."""
    if max(abs(facts.minimum or 0), abs(facts.maximum or 0)) <= EXACT:
        return False
    return int(pc.count_distinct(pc.cast(known, pa.float64(), safe=False)).as_py()) < facts.distinct


def _learnt(distinct: int, rows: int) -> str:
    """Say what a model learns from categories, if that is not which they are."""
    return ", learnt from by the mean of the target per value" if has_many_values(distinct, rows) else ""


def _text(facts: ColumnFacts, known: Any) -> tuple[Kind, str]:
    facts.formulas = int(pc.sum(pc.match_substring_regex(known, _FORMULA)).as_py())
    distinct, rows = facts.distinct, len(known)
    spaced = pc.mean(pc.cast(pc.match_substring_regex(known, _SPACED), pa.float64())).as_py()
    long = pc.mean(pc.utf8_length(known)).as_py()
    if distinct <= FEW and not (distinct == rows and spaced >= FREE_WORDS):
        return "categorical", f"{distinct} distinct values."
    few = are_categories(distinct, rows, 1.0)
    if few or (are_categories(distinct, rows, spaced) and not is_id_name(facts.name)):
        return "categorical", f"{distinct} distinct values in {rows} rows{_learnt(distinct, rows)}."
    if spaced >= FREE_WORDS:
        return "text", (
            f"Free text, learnt from by its words: {distinct} distinct values of {long:.0f} characters on "
            "average."
        )
    if are_ids(distinct, rows, spaced):
        return "identifier", f"Almost every value is unique, and most are a single word{_LEFT_OUT}"
    if is_id_name(facts.name):
        return "identifier", f"{distinct} distinct values in a column named like an id{_LEFT_OUT}"
    return "text", (
        f"Too many distinct values for categories, {distinct} in {rows} rows: learnt from by the words that "
        "repeat."
    )


def is_id_name(name: str) -> bool:
    """Tell whether a column is named like an id."""
    return bool(_ID_NAME.search(name) or _ID_CAMEL.search(name))


def _type(read: Any, reading: Reading, *, is_text: bool) -> ColumnType:
    if reading.values != "number":
        return reading.values
    if not is_text:
        return "integer" if pa.types.is_integer(read.type) else "number"
    whole = len(read) > 0 and pc.all(pc.equal(pc.floor(read), read)).as_py()
    return "integer" if whole and pc.max(pc.abs(read)).as_py() < EXACT else "number"


def _shown(value: Any) -> Any:
    """Return an example as JSON can say it."""
    if isinstance(value, bool | int | float):
        return value
    text = _written(value)
    return text if len(text) <= EXAMPLE_CHARACTERS else f"{text[: EXAMPLE_CHARACTERS - 1]}…"


def _written(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else as_text(value)
