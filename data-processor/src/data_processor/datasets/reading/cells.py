"""What the texts of a column mean: missing, numbers with a decimal mark, dates; decided by all of them.

A column becomes numbers only if nothing is lost: `007` is not 7, and twenty digits are a name.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

MISSING_MARKS = frozenset(
    ("", "?", "-", "--", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "<NA>")
)
"""How cells write a missing value."""

Mark = Literal[".", ","]
_MARKS: tuple[Mark, Mark] = (".", ",")
_NOTHING = pa.array(sorted(MISSING_MARKS))
_WHOLE = r"^[+-]?(0|[1-9]\d{0,17})$"
_ZEROS = r"^[+-]?0\d"
_LONG = r"^[+-]?\d{19,}$"
_EXPONENT = r"([eE][+-]?\d{1,3})?"
_PLAIN = {mark: rf"^[+-]?(\d+{m}?\d*|{m}\d+){_EXPONENT}$" for mark, m in ((".", r"\."), (",", ","))}
_GROUPED = {
    ".": r"^[+-]?\d{1,3}((,\d{3})+|([ \x{A0}\x{202F}']\d{3})+)(\.\d+)?$",
    ",": r"^[+-]?\d{1,3}((\.\d{3})+|([ \x{A0}\x{202F}']\d{3})+)(,\d+)?$",
}
_USUAL = {
    mark: rf"^[+-]?((0|[1-9]\d{{0,17}})({m}\d*)?|{m}\d+){_EXPONENT}$"
    for mark, m in ((".", r"\."), (",", ","))
}
"""How almost every number is written: plain, without zeros in front, and not too long."""
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
    grouped: bool = False
    """Some numbers have thousands separators."""


@dataclass(slots=True)
class Seen:
    """What the texts of a column can be, by those that were observed so far."""

    known: bool = False
    """There is at least one text."""
    whole: bool = True
    """All are whole numbers."""
    named: bool = False
    """Some are names made of digits: of zeros in front, or longer than a number is."""
    number: dict[Mark, bool] = field(default_factory=lambda: {".": True, ",": True})
    """All are numbers with this decimal mark."""
    grouped: dict[Mark, bool] = field(default_factory=lambda: {".": False, ",": False})

    def observe(self, texts: Any) -> None:
        """Take some more cleaned texts into account; what is ruled out already is not checked again."""
        known = texts.drop_null()
        if len(known) == 0:
            return
        self.known = True
        self.whole = self.whole and _all(known, _WHOLE)
        if self.whole:
            return
        usual = [_all(known, _USUAL[mark]) for mark in _MARKS if self.number[mark]]
        if usual and not any(usual):
            self.named = self.named or _any(known, _ZEROS) or _any(known, _LONG)
        for mark, is_usual in zip([m for m in _MARKS if self.number[m]], usual, strict=True):
            if not is_usual:
                self._check_numbers(known, mark)

    def votes(self) -> tuple[int, int]:
        """Return whether the texts are numbers only with a point, and whether only with a comma: 0 or 1."""
        point, comma = (self.known and self.number[mark] for mark in _MARKS)
        return int(point and not comma), int(comma and not point)

    def reading(self, decimal: Mark) -> Reading:
        """Return how the texts are to be read; `decimal` is the mark of the rest of the file."""
        if not self.known:
            return Reading(pa.string())
        if self.whole:
            return Reading(pa.int64())
        for mark in (decimal, *_MARKS):
            if self.number[mark] and not self.named:
                return Reading(pa.float64(), mark, self.grouped[mark])
        return Reading(pa.string())

    def _check_numbers(self, known: Any, mark: Mark) -> None:
        plain = pc.match_substring_regex(known, _PLAIN[mark])
        if not pc.all(plain).as_py():
            self.grouped[mark] = True
            grouped = pc.match_substring_regex(known, _GROUPED[mark])
            self.number[mark] = bool(pc.all(pc.or_(plain, grouped)).as_py())


def clean(texts: Any) -> Any:
    """Return texts without blanks around them, and null where they mean a missing value."""
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.is_in(trimmed, _NOTHING), None, trimmed)


def read_texts(texts: Any, reading: Reading) -> Any:
    """Return cleaned texts as what they mean."""
    if pa.types.is_string(reading.type):
        return pc.cast(texts, pa.string())
    bare = texts
    if reading.grouped:
        grouping = r"[ \x{A0}\x{202F}',]" if reading.decimal == "." else r"[ \x{A0}\x{202F}'.]"
        bare = pc.replace_substring_regex(bare, grouping, "")
    if reading.decimal == ",":
        bare = pc.replace_substring(bare, ",", ".")
    if pc.any(pc.starts_with(bare, "+")).as_py():
        bare = pc.replace_substring_regex(bare, r"^\+", "")
    return pc.cast(bare, reading.type)


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


def _all(texts: Any, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _any(texts: Any, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())
