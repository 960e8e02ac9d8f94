"""How a cell becomes a value: what a person's file writes, and what is meant by it.

The reading of a column is proposed at upload, confirmed by a person, and kept in the dataset's schema. Every
cell that comes later is read with it: of predictions, of feedback, of the next file. Texts are read here one
at a time; `datasets/reading/texts.py` reads whole columns and calls this for each text that is not plain.
"""

import datetime as dt
from collections.abc import Callable
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from data_processor.features.dates import date_parser, is_format
from data_processor.features.numerals import Grouping, Mark, number_parser

Values = Literal["number", "text", "boolean", "datetime"]
ALWAYS_MISSING = ("", "nan")
"""An empty cell, and what stands for a missing text in a model (`packing.py: MISSING`)."""
USUAL_MARKS = (
    *("?", "-", "--", "NA", "N/A", "n/a", "#N/A", "NaN", "NULL", "null", "<NA>"),
    *("#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!"),
)
"""How cells write a missing value, unless a person says otherwise: the last ones are spreadsheets' errors."""
MOST_MARKS, LONGEST_MARK = 1000, 200
Scalar = float | bool | str | dt.datetime


class UnreadableError(ValueError):
    """A cell is not what its column's reading says; the message completes `<column> …`."""


class Reading(BaseModel):
    """How the cells of one column are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    values: Values = Field(description="What the cells hold.")
    missing: tuple[str, ...] = Field(
        USUAL_MARKS,
        max_length=MOST_MARKS,
        description="Texts that stand for a missing value, besides the empty one and nan.",
    )
    decimal: Mark = Field(".", description="Numbers: the decimal mark.")
    grouping: Grouping = Field("", description="Numbers: what may stand between thousands.")
    unit: str = Field("", max_length=20, description="Numbers: what may stand before or behind them.")
    format: str | None = Field(
        None,
        max_length=60,
        description="Dates: ISO 8601, epoch seconds, epoch milliseconds, or codes such as %d.%m.%Y %H:%M.",
    )
    true: tuple[str, ...] = Field(("True",), min_length=1, description="Booleans: the words for true.")
    false: tuple[str, ...] = Field(("False",), min_length=1, description="Booleans: the words for false.")

    @field_validator("format")
    @classmethod
    def _known(cls, form: str | None) -> str | None:
        if form is not None and not is_format(form):
            raise ValueError(
                f"{form!r} is not a format of dates: write ISO 8601, epoch seconds, epoch milliseconds, or a "
                "day, a month and a year such as %d.%m.%Y"
            )
        return form

    @property
    def marks(self) -> frozenset[str]:
        """Every text that means a missing value."""
        return frozenset((*self.missing, *ALWAYS_MISSING))

    def also_missing(self, texts: tuple[str, ...]) -> Self:
        """Return the same reading, with more texts that mean a missing value."""
        return self.model_copy(update={"missing": tuple(dict.fromkeys((*self.missing, *texts)))})

    def words(self) -> dict[str, bool]:
        """Return what booleans are written as, folded: `TRUE` is `true` unless only the other is a word."""
        return {
            **{word.casefold(): True for word in (*self.true, "true")},
            **{word.casefold(): False for word in (*self.false, "false")},
        }


def parser(reading: Reading) -> Callable[[str], Scalar]:
    """Return what reads a trimmed text that is not missing; it raises `ValueError` for what it is not."""
    if reading.values == "number":
        return number_parser(reading.decimal, reading.grouping, reading.unit)
    if reading.values == "datetime":
        return date_parser(reading.format or "ISO 8601")
    if reading.values == "boolean":
        return _boolean(reading.words())
    return lambda text: text


def _boolean(words: dict[str, bool]) -> Callable[[str], bool]:
    def parse(text: str) -> bool:
        try:
            return words[text.casefold()]
        except KeyError:
            raise ValueError(f"{text!r} is none of the words {', '.join(words)}.") from None

    return parse
