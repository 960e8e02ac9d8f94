"""What the cells of an uploaded column can be read as: every way that fits, the likeliest first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_processor.datasets.reading.texts import typed, without_marks
from data_processor.features.dates import COMPACT, EPOCHS, FORMATS, ISO, date_parser
from data_processor.features.numerals import MINUS, UNITS, Grouping, Mark, number_parser
from data_processor.features.reading import LONGEST_MARK, USUAL_MARKS, Reading
from data_processor.features.schema import Column, Kind

FEW_UNREADABLE = 0.05
"""Of a column that is proposed as numbers or dates, at most this share cannot be read so …"""
FROM_CELLS = 20
"""… and only if it has so many cells that these few are likely to be mistakes."""
SHOWN = 20
"""Unreadable cells that are listed."""
COUNTED = 100
"""Different texts of theirs that are counted, if they are no longer than a mark of a missing value may be."""
_PROBED = 50
"""Texts from the start and from all over a column, which decide what it is worth trying on all of them."""
_PROBE_SHARE = 0.8
_GROUPINGS: tuple[tuple[Mark, Grouping], ...] = (
    *((".", ""), (".", ","), (".", " "), (".", "'"), (",", ""), (",", "."), (",", " "), (",", "'")),
)
_EITHER = r"^[+-]?[1-9][0-9]{0,2}([.,])[0-9]{3}$"
"""Numbers of which the mark may be a decimal mark as well as one between thousands."""
_NAMED = r"^([+-]?(0[0-9]|[0-9]{19,}$)|\+[0-9]{7,}$)"
"""Digits that are names: of zeros in front, longer than a number is, or of telephones."""
_EPOCH_FROM, _EPOCH_TO = 0.6e9, 2.2e9
"""Seconds from 1970: the years 1989 to 2039."""
_DAYS = (19000101, 22001231)


@dataclass(slots=True)
class Possible:
    """One way to read a column."""

    reading: Reading
    unreadable: int = 0
    """Cells that cannot be read so."""
    cells: list[dict[str, Any]] = field(default_factory=list)
    """The first of them: `row` counts from 1 below the header, `text` is what is written there."""
    texts: dict[str, int] = field(default_factory=dict)
    """How many of them hold each text, the most frequent ones first."""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "reading": self.reading.model_dump(mode="json"),
            "unreadable": self.unreadable,
            "cells": self.cells,
            "texts": self.texts,
        }


@dataclass(slots=True)
class Found:
    """The ways to read a column, and what is doubtful about the first, which is proposed."""

    possible: list[Possible]
    marks: dict[str, int] = field(default_factory=dict)
    """How many cells have each text that usually stands for a missing value."""
    doubts: list[str] = field(default_factory=list)
    """`decimal`: the mark may stand between thousands; `dates`: day and month may be swapped; `unit`;
    `zeros`: digits that are names rather than numbers; `epoch`: whole numbers that may be times; `changed`:
    the dataset's last file was read in another way, in which these cells cannot be read."""

    @property
    def first(self) -> Possible:
        """What is proposed."""
        return self.possible[0]


def find_readings(values: Any, decimal: Mark | None = None, known: Column | None = None) -> Found:
    """Return how a column can be read, texts or not.

    `decimal` is the mark of its file, if that has one; `known` is the column in its dataset's last file: this
    one is read alike if its cells can be.
    """
    if not pa.types.is_string(values.type):
        return _of_type(values)
    marks = {
        pair["values"]: pair["counts"]
        for pair in pc.value_counts(values.filter(pc.is_in(values, pa.array(USUAL_MARKS)))).to_pylist()
    }
    texts = without_marks(values, USUAL_MARKS)
    found = Found([], marks)
    probe = _probe(texts.drop_null() if texts.null_count else texts)
    if probe:
        found.possible += _booleans(texts, probe)
        found.possible += _numbers(values, texts, probe, decimal or ".")
        found.possible += _dates(values, probe)
    found.possible = sorted(found.possible, key=lambda one: one.unreadable) if found.possible else []
    found.possible = [*_likely(found.possible, texts), *found.possible]
    _doubt(found, texts, decimal)
    if known is not None and known.reading is not None:
        _prefer(found, known.reading, known.kind, values)
    found.possible = _each_once(found.possible)
    return found


def check(values: Any, reading: Reading) -> Possible:
    """Return which cells of a column cannot be read in a way."""
    read = typed(values, reading)
    wanted = without_marks(values, reading.missing)
    wrong = pc.and_(pc.is_null(read), pc.is_valid(wanted))
    count = pc.sum(wrong).as_py() or 0
    if not count:
        return Possible(reading)
    places = pc.indices_nonzero(wrong)[:SHOWN].to_pylist()
    cells = [{"row": at + 1, "text": _short(values[at].as_py())} for at in places]
    counted = pc.value_counts(values.filter(wrong))
    often = counted.take(pc.sort_indices(counted.field("counts"))[::-1][:COUNTED]).to_pylist()
    texts = {one["values"]: one["counts"] for one in often if len(one["values"]) <= LONGEST_MARK}
    return Possible(reading, count, cells, texts)


def unreadable_texts(values: Any, reading: Reading) -> list[str]:
    """Return the different texts of a column that cannot be read in a way."""
    wanted = without_marks(values, reading.missing)
    wrong = wanted.filter(pc.and_(pc.is_null(typed(values, reading)), pc.is_valid(wanted)))
    texts: list[str] = pc.unique(wrong).to_pylist()
    return texts


def _of_type(values: Any) -> Found:
    kind = values.type
    if pa.types.is_boolean(kind):
        return Found([Possible(Reading(values="boolean"))])
    if pa.types.is_timestamp(kind):
        return Found([Possible(Reading(values="datetime", format=ISO))])
    found = Found([_finite(values)])
    if pa.types.is_integer(kind) and len(values) > values.null_count:
        low, high = (pc.min_max(values).as_py()[end] for end in ("min", "max"))
        for form, scale in EPOCHS.items():
            if _EPOCH_FROM * scale <= low and high <= _EPOCH_TO * scale:
                found.possible.append(Possible(Reading(values="datetime", format=form)))
                found.doubts.append("epoch")
        if _DAYS[0] <= low and high <= _DAYS[1]:
            reading = Reading(values="datetime", format=COMPACT[0])
            if not check(pc.cast(values, pa.string()), reading).unreadable:
                found.possible.append(Possible(reading))
                found.doubts.append("epoch")
    return found


def _finite(values: Any) -> Possible:
    """Return numbers as they are; an infinite one is none that can be learnt from."""
    reading = Reading(values="number")
    if not pa.types.is_floating(values.type):
        return Possible(reading)
    places = pc.indices_nonzero(pc.is_inf(values))
    cells = [{"row": at + 1, "text": str(values[at].as_py())} for at in places[:SHOWN].to_pylist()]
    return Possible(reading, len(places), cells)


def _probe(known: Any) -> list[str]:
    """Return some texts from the start and some from all over a column, as often as they are there."""
    step = max(1, len(known) // _PROBED)
    places = pa.array(range(0, len(known), step)[:_PROBED], pa.int64())
    return [*known[:_PROBED].to_pylist(), *known.take(places).to_pylist()]


def _fits(probe: Sequence[str], parse: Callable[[str], Any]) -> bool:
    """Say whether most of some texts can be read in a way."""
    right = wrong = 0
    for text in probe:
        try:
            parse(text)
            right += 1
        except ValueError:
            wrong += 1
            if wrong > (1 - _PROBE_SHARE) * len(probe):
                return False
    return right > 0


def _booleans(texts: Any, probe: Sequence[str]) -> Iterator[Possible]:
    if not {text.casefold() for text in probe} <= {"true", "false"}:
        return
    counted = sorted(pc.value_counts(texts.drop_null()).to_pylist(), key=lambda pair: -pair["counts"])
    words = [pair["values"] for pair in counted]
    true, false = ([word for word in words if word.casefold() == one] for one in ("true", "false"))
    if len(true) + len(false) < len(words):
        return
    true, false = true or [_alike(false[0], "true")], false or [_alike(true[0], "false")]
    yield Possible(Reading(values="boolean", true=tuple(true), false=tuple(false)))


def _alike(word: str, other: str) -> str:
    """Return the other word in the letter case of a word."""
    return other.upper() if word.isupper() else other.capitalize() if word[:1].isupper() else other


def _numbers(values: Any, texts: Any, probe: Sequence[str], decimal: Mark) -> Iterator[Possible]:
    """Yield the best way to read numbers with each decimal mark, the file's first."""
    unit = _unit(probe)
    for mark in sorted((".", ","), key=lambda one: one != decimal):
        best: Possible | None = None
        for one, grouping in _GROUPINGS:
            if one != mark or not _fits(probe, number_parser(one, grouping, unit)):
                continue
            found = check(values, Reading(values="number", decimal=one, grouping=grouping, unit=unit))
            if best is None or found.unreadable < best.unreadable:
                best = found
            if not found.unreadable:
                break
        if best is not None and best.unreadable < len(texts) - texts.null_count:
            yield best


def _unit(probe: Sequence[str]) -> str:
    """Return what stands beside most numbers, if it is one thing."""
    beside: dict[str, int] = {}
    for text in probe:
        rest = text.strip("+-()0123456789.,' \u00a0\u202f\u2019" + MINUS)
        beside[rest] = beside.get(rest, 0) + 1
    likely = max(beside, key=lambda rest: (beside[rest], rest))
    return likely if likely in UNITS else ""


def _dates(values: Any, probe: Sequence[str]) -> Iterator[Possible]:
    if not any(character.isdigit() for character in probe[0]) or len(probe[0]) > 40:  # noqa: PLR2004  # no date is longer
        return
    timed = sum(":" in text for text in probe) * 2 > len(probe)
    for form in FORMATS:
        if (form == ISO or timed == (":" in form)) and _fits(probe, date_parser(form)):
            yield check(values, Reading(values="datetime", format=form))


def _likely(possible: list[Possible], texts: Any) -> list[Possible]:
    """Return the ways in the order in which they are proposed: texts come before what hardly fits."""
    cells = len(texts) - texts.null_count
    most = FEW_UNREADABLE * cells if cells >= FROM_CELLS else 0
    text = Possible(Reading(values="text"))
    named = cells and pc.any(pc.match_substring_regex(texts, _NAMED)).as_py()
    for values in ("boolean", "datetime", "number"):
        fitting = [one for one in possible if one.reading.values == values and one.unreadable <= most]
        if fitting and not (values == "number" and named):
            return [fitting[0], text]
    return [text]


def _doubt(found: Found, texts: Any, decimal: Mark | None) -> None:
    """Note what is doubtful about the first way."""
    first = found.first
    if first.reading.values == "number":
        either = pc.all(pc.match_substring_regex(texts, _EITHER)).as_py()
        if either:
            found.doubts.append("decimal")
            # Whoever separates columns by semicolons does so because commas are decimal marks.
            meant = Reading(values="number", decimal=decimal or ".")
            found.possible = [*(one for one in found.possible if one.reading == meant), *found.possible]
        if first.reading.unit:
            found.doubts.append("unit")
    elif first.reading.values == "datetime":
        rivals = [
            one
            for one in found.possible
            if one.reading.values == "datetime" and one.unreadable == first.unreadable
        ]
        if len({one.reading.format for one in rivals} - {ISO}) > 1 and first.reading.format != ISO:
            found.doubts.append("dates")
    elif first.reading.values == "text" and any(
        one.reading.values == "number" and not one.unreadable for one in found.possible
    ):
        found.doubts.append("zeros")


def _prefer(found: Found, known: Reading, kind: Kind, values: Any) -> None:
    """Propose what a person confirmed before, if the cells can be read so; else note that they cannot."""
    before = check(values, known)
    cells = len(values) - values.null_count
    if before.unreadable <= (FEW_UNREADABLE * cells if cells >= FROM_CELLS else 0):
        found.possible.insert(0, before)
        found.doubts = []
    elif kind not in ("numeric", "datetime"):
        # Its texts are values, whatever they are; what stands for a missing one is as a person said.
        found.possible.insert(0, Possible(Reading(values="text", missing=known.missing)))
        found.doubts = []
    else:
        found.doubts.append("changed")


def _each_once(possible: list[Possible]) -> list[Possible]:
    kept: dict[Reading, Possible] = {}
    for one in possible:
        kept.setdefault(one.reading, one)
    return list(kept.values())


def _short(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
