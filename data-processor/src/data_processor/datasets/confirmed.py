"""What a person says of a dataset's columns, as it is sent and as it is stored, and how it is found wrong."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from data_processor.features.numerals import Mark
from data_processor.features.preparation import DatasetPreparation
from data_processor.features.reading import LONGEST_MARK, MOST_MARKS, Reading
from data_processor.features.schema import Holdout, Kind
from data_processor.service.errors import FieldError


class ColumnConfirmation(BaseModel):
    """What one column is."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind | None = Field(None, description="If left out, as proposed.")
    name: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f]+$",
        description="A new name for the column.",
    )
    missing: list[Annotated[str, Field(max_length=LONGEST_MARK)]] | None = Field(
        None,
        max_length=MOST_MARKS,
        description="The texts that stand for a missing value, besides the empty one and nan; [] for none. "
        "If left out, as proposed.",
    )
    nullable: bool | None = Field(
        None, description="Whether predictions may leave it out. If left out: whether the file does."
    )
    decimal: Mark | None = Field(None, description="The decimal mark of its numbers, as one of `readings`.")
    format: str | None = Field(
        None, max_length=60, description="The format of its dates, as one of `readings`."
    )
    unreadable: Literal["refuse", "missing"] = Field(
        "refuse", description="What cells are that cannot be read as the others: a mistake, or missing."
    )


class SchemaConfirmation(BaseModel):
    """What a dataset's columns are, and which of them is to be predicted."""

    model_config = ConfigDict(extra="forbid")

    target: str = Field(max_length=200, description="The column to predict, by its old or its new name.")
    columns: dict[str, ColumnConfirmation] = Field(
        {}, max_length=1000, description="By the name in the proposal; columns left out stay as proposed."
    )
    task: str | None = Field(
        None, description="If left out, it follows from the target's values and the inputs' kinds."
    )
    preparation: DatasetPreparation = DatasetPreparation()
    holdout: Holdout = Field(
        Holdout(),
        description="What decides which rows are held out: single rows, the groups in a column (an engine, a "
        "patient), or the time in one. Columns go by their old or their new names. The group is no input "
        "unless its column's kind is given.",
    )


class ConfirmedColumn(BaseModel):
    """One column as it is stored."""

    name: str
    kind: Kind
    reading: Reading | None = None
    """How its cells are read; none where it was confirmed before there were readings."""
    nullable: bool | None = None
    """Whether predictions may leave it out; none: whether the file does."""
    unreadable: Literal["refuse", "missing"] = "refuse"


class Confirmed(BaseModel):
    """What is stored: every column of the file, by its name there."""

    target: str
    """By its new name."""
    task: str | None
    columns: dict[str, ConfirmedColumn]
    preparation: DatasetPreparation
    holdout: Holdout = Holdout()
    """With the columns' new names; what was confirmed before it could be chosen goes by rows."""


def field_error(message: str, *loc: str) -> FieldError:
    """Say what is wrong in a part of the body."""
    return {"loc": ["body", *loc], "message": message}


def unknown_column(name: str, known: Mapping[str, Any]) -> str:
    """Say that a file has no column of this name."""
    return f"There is no column {name!r}; there are {_listed(list(known))}."


def place_of(asked: str, columns: Mapping[str, ConfirmedColumn]) -> str | None:
    """Return the name in the file of a column that is called by its old or its new name."""
    if asked in columns:
        return asked
    return next((name for name, column in columns.items() if column.name == asked), None)


def _listed(names: list[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
