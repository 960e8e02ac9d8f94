"""What the texts of a column mean: missing, numbers with a decimal mark, dates; decided by all of them.

A column becomes numbers only if nothing is lost: `007` is no 7, and a number of twenty digits is a name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

MISSING_MARKS = frozenset(
    ("", "?", "-", "--", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "<NA>")
)
"""What a cell says when it says nothing."""

Mark = Literal[".", ","]
_WHOLE = r"^[+-]?(0|[1-9]\d{0,17})$"
_ZEROS = r"^[+-]?0\d"
_LONG = r"^[+-]?\d{19,}$"
_EXPONENT = r"([eE][+-]?\d{1,3})?"
_PLAIN = {mark: rf"^[+-]?(\d+{m}?\d*|{m}\d+){_EXPONENT}$" for mark, m in ((".", r"\."), (",", ","))}
_GROUPED = {
    ".": r"^[+-]?\d{1,3}((,\d{3})+|([ \x{A0}\x{202F}']\d{3})+)(\.\d+)?$",
    ",": r"^[+-]?\d{1,3}((\.\d{3})+|([ \x{A0}\x{202F}']\d{3})+)(,\d+)?$",
}
DATE_FORMATS = (
    (r"^\d{4}-\d{2}-\d{2}$", "%Y-%m-%d"),
    (r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}$", "%Y-%m-%d %H:%M"),
    (r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$", "%Y-%m-%d %H:%M:%S"),
    (r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$", "%Y-%m-%dT%H:%M:%S"),
    (r"^\d{1,2}\.\d{1,2}\.\d{4}$", "%d.%m.%Y"),
    (r"^\d{1,2}/\d{1,2}/\d{4}$", "%d/%m/%Y"),
    (r"^\d{1,2}/\d{1,2}/\d{4}$", "%m/%d/%Y"),
    (r"^\d{4}/\d{1,2}/\d{1,2}$", "%Y/%m/%d"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How the texts of a column are read."""

    type: pa.DataType
    decimal: Mark = "."


def clean(texts: Any) -> Any:
    """Return texts without blanks around them, and null where they say nothing."""
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.is_in(trimmed, pa.array(sorted(MISSING_MARKS))), None, trimmed)


def decimal_votes(texts: Any) -> tuple[int, int]:
    """Return whether cleaned texts are numbers only with a point, and whether only with a comma: 0 or 1."""
    point, comma = _numbers(texts, "."), _numbers(texts, ",")
    return int(point and not comma), int(comma and not point)


def find_reading(texts: Any, decimal: Mark) -> Reading:
    """Return how cleaned texts are to be read; `decimal` is the mark of the rest of the file."""
    known = texts.drop_null()
    if len(known) == 0:
        return Reading(pa.string())
    if _all(known, _WHOLE):
        return Reading(pa.int64())
    if not _any(known, _ZEROS) and not _any(known, _LONG):
        other: Mark = "," if decimal == "." else "."
        for mark in (decimal, other):
            if _numbers(known, mark):
                return Reading(pa.float64(), mark)
    return Reading(pa.string())


def read_texts(texts: Any, reading: Reading) -> Any:
    """Return cleaned texts as what they mean."""
    if pa.types.is_string(reading.type):
        return pc.cast(texts, pa.string())
    if pa.types.is_integer(reading.type):
        return pc.cast(pc.replace_substring_regex(texts, r"^\+", ""), pa.int64())
    grouping = r"[ \x{A0}\x{202F}',]" if reading.decimal == "." else r"[ \x{A0}\x{202F}'.]"
    bare = pc.replace_substring_regex(texts, grouping, "")
    if reading.decimal == ",":
        bare = pc.replace_substring(bare, ",", ".")
    return pc.cast(pc.replace_substring_regex(bare, r"^\+", ""), pa.float64())


def date_format(values: Iterable[str]) -> tuple[str, bool] | None:
    """Return the format in which all texts are dates, and whether another one would do as well."""
    import pandas as pd  # noqa: PLC0415  # only columns of texts get here

    texts = pd.Series(list(values), dtype="str")
    fitting = []
    for pattern, form in DATE_FORMATS:
        if not texts.str.match(pattern).all():
            continue
        if pd.to_datetime(texts, format=form, errors="coerce").notna().all():
            fitting.append(form)
    return (fitting[0], len(fitting) > 1) if fitting else None


def _numbers(texts: Any, mark: Mark) -> bool:
    known = texts.drop_null()
    if len(known) == 0:
        return False
    plain = pc.match_substring_regex(known, _PLAIN[mark])
    if pc.all(plain).as_py():
        return True
    return bool(pc.all(pc.or_(plain, pc.match_substring_regex(known, _GROUPED[mark]))).as_py())


def _all(texts: Any, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _any(texts: Any, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())
