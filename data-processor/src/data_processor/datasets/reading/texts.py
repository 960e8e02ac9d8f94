"""Columns of texts: kept as they are, or in a type that loses none of their characters; read as a whole.

What `features/reading.py` reads one by one is read here as columns. Plain numbers go by Arrow; of all else
each different text is read once, there.
"""

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_processor.features.numerals import Mark
from data_processor.features.reading import ALWAYS_MISSING, USUAL_MARKS, Reading, parser

Texts = Any
"""Arrow strings, in one piece or in chunks."""
_MARKS: tuple[Mark, Mark] = (".", ",")
_USUALLY_NOTHING = pa.array((*USUAL_MARKS, *ALWAYS_MISSING))
_WHOLE = r"^(0|-?[1-9][0-9]{0,17})$"
_EXACT = (
    r"^(0|-?[1-9][0-9]{0,14}|-?(0|[1-9][0-9]{0,14})\.[0-9]{0,16}[1-9]"
    r"|-?[1-9](\.[0-9]{0,15}[1-9])?e-(0[5-9]|[1-9][0-9]))$"
)
_EXACT_DIGITS = 15
_SMALL = r"^-?0\.0000"
_POINT_ZERO = r"^(0|-?[1-9][0-9]{0,14})\.0$"
_TRUTH = pa.array(["True", "False"])
_EXPONENT = r"([eE][+-]?[0-9]{1,3})?"
_PLAIN = {mark: rf"^[+-]?([0-9]+{m}?[0-9]*|{m}[0-9]+){_EXPONENT}$" for mark, m in ((".", r"\."), (",", ","))}
_GROUPED = {
    ".": r"^[+-]?[0-9]{1,3}((,[0-9]{3})+|([ \x{A0}\x{202F}'][0-9]{3})+)(\.[0-9]+)?$",
    ",": r"^[+-]?[0-9]{1,3}((\.[0-9]{3})+|([ \x{A0}\x{202F}'][0-9]{3})+)(,[0-9]+)?$",
}
_TYPES = {"number": pa.float64(), "boolean": pa.bool_(), "datetime": pa.timestamp("us"), "text": pa.string()}


@dataclass(slots=True)
class Seen:
    """What a column of a CSV can be kept as, and how it votes on the file's decimal mark."""

    known: bool = False
    """There is at least one text."""
    whole: bool = True
    exact: bool = True
    """All are numbers that are written again as they are here."""
    point_zero: bool = True
    """All are whole numbers with `.0` behind them: what programs make of whole numbers with a gap."""
    truth: bool = True
    number: dict[Mark, bool] = field(default_factory=lambda: {".": True, ",": True})
    """All are numbers with this decimal mark."""

    def observe(self, texts: Texts) -> None:
        """Take some more trimmed texts into account; what is ruled out already is not checked again."""
        known = texts.drop_null()
        if len(known) == 0:
            return
        self.known = True
        self.whole = self.whole and _all(known, _WHOLE)
        if self.whole:
            self.point_zero = self.truth = False
            self.exact = self.exact and pc.max(pc.utf8_length(known)).as_py() <= _EXACT_DIGITS
            return
        self.exact = self.exact and _all(known, _EXACT) and not _any(known, _SMALL)
        self.point_zero = self.point_zero and _all(known, _POINT_ZERO)
        self.truth = self.truth and bool(pc.all(pc.is_in(known, _TRUTH)).as_py())
        if self.exact or self.point_zero:
            self.number[","] = False
            return
        numbers = known.filter(pc.invert(pc.is_in(known, _USUALLY_NOTHING)))
        for mark in _MARKS:
            if self.number[mark] and len(numbers):
                plain = pc.match_substring_regex(numbers, _PLAIN[mark])
                if not pc.all(plain).as_py():
                    grouped = pc.match_substring_regex(numbers, _GROUPED[mark])
                    self.number[mark] = bool(pc.all(pc.or_(plain, grouped)).as_py())

    def votes(self) -> tuple[int, int]:
        """Return whether the texts are numbers only with a point, and whether only with a comma: 0 or 1."""
        point, comma = (self.known and self.number[mark] for mark in _MARKS)
        return int(point and not comma), int(comma and not point)

    @property
    def either(self) -> bool:
        """Whether the texts are numbers with either mark, and not whole ones."""
        return self.known and not self.whole and all(self.number.values())

    @property
    def type(self) -> pa.DataType:
        """What the column is kept as: a type only if nothing is lost that a person may still want."""
        if not self.known:
            return pa.string()
        if self.whole:
            return pa.int64()
        if self.exact or self.point_zero:
            return pa.float64()
        return pa.bool_() if self.truth else pa.string()


def trimmed(texts: Texts) -> Texts:
    """Return texts without blanks around them; of nothing but blanks, null."""
    bare = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(bare, ""), None, bare)


def without_marks(texts: Texts, marks: tuple[str, ...]) -> Texts:
    """Return texts with null where they stand for a missing value."""
    nothing = pa.array((*marks, *ALWAYS_MISSING), pa.string())
    missing = pc.is_in(texts, nothing)
    # Long texts are not in memory twice without need.
    return pc.if_else(missing, pa.scalar(None, pa.string()), texts) if pc.any(missing).as_py() else texts


def typed(texts: Texts, reading: Reading) -> Texts:
    """Return trimmed texts as what they mean; null is what is missing, and what cannot be read so.

    Numbers come as 64-bit floats, dates as timestamps in UTC.
    """
    if isinstance(texts, pa.ChunkedArray):
        parts = [typed(part, reading) for part in texts.chunks]
        return pa.chunked_array(parts, _TYPES[reading.values])
    known = without_marks(texts, reading.missing)
    if reading.values == "text":
        return known
    if reading.values == "number" and (reading.decimal, reading.grouping, reading.unit) == (".", "", ""):
        quickly = _plain_numbers(known)
        if quickly is not None:
            return quickly
    coded = known.dictionary_encode()
    parse = parser(reading)
    values = [_parsed(parse, text) for text in coded.dictionary.to_pylist()]
    return pa.array(values, _TYPES[reading.values]).take(coded.indices)


def _parsed(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except ValueError:
        return None


def _plain_numbers(known: Texts) -> Texts | None:
    """Return texts as numbers if each of them is a plain one."""
    if not _all(known, _PLAIN["."]):
        return None
    if pc.any(pc.starts_with(known, "+")).as_py():
        known = pc.replace_substring_regex(known, r"^\+", "")
    numbers = pc.cast(known, pa.float64())
    return pc.if_else(pc.is_inf(numbers), None, numbers)


def _all(texts: Texts, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _any(texts: Texts, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())
