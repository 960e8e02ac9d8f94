"""Tables as they come in and as they are stored: CSV and frames in, Parquet with two columns of provenance.

A stored table has one form: numbers as 64-bit floats or integers, everything else as text, missing as
missing. Two more columns say of each row whether it was uploaded (empty, 0) or is feedback: on which
prediction, and the number of that feedback. Later code tells old rows from recent ones by them alone.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow.parquet as pq

from data_processor.features.packing import MISSING, text
from data_processor.features.reading import ALWAYS_MISSING, USUAL_MARKS
from data_processor.features.schema import Kind, Schema
from data_processor.features.split import FEEDBACK_COLUMN, PREDICTION_COLUMN, PROVENANCE

_NOTHING = [*ALWAYS_MISSING, *USUAL_MARKS]


class UnreadableTableError(ValueError):
    """A file that is not a table, or a table that cannot be stored."""


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """One prediction whose truth is known."""

    feedback_seq: int
    """The number of the feedback that labelled it."""
    prediction: str
    inputs: Mapping[str, Any]
    target: str | float


def read_csv(source: Path | IO[bytes], names: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a CSV with UCI's conventions: `?` for missing, blanks around values, in UTF-8.

    With `names`, a file whose first line holds none of them has no header and gets these. Raises
    `UnreadableTableError`.
    """
    content = source.read_bytes() if isinstance(source, Path) else source.read()
    try:
        head = content.split(b"\n", 1)[0].decode("utf-8-sig")
        header = names is None or any(cell.strip().strip('"') in names for cell in head.split(","))
        frame = pd.read_csv(
            io.BytesIO(content),
            header=0 if header else None,
            names=None if header else list(names or ()),
            na_values=_NOTHING,
            keep_default_na=False,
            skipinitialspace=True,
            encoding="utf-8-sig",
            index_col=False,
        )
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UnreadableTableError(f"The file cannot be read as a CSV in UTF-8: {error}") from error
    frame.columns = [str(name).strip() for name in frame.columns]
    for name in frame.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]]:
        stripped = frame[name].astype("str").str.strip()
        frame[name] = stripped.mask(stripped.isin(_NOTHING))
    return frame


def check_keepable(frame: pd.DataFrame) -> None:
    """Raise `UnreadableTableError` if a table has no rows, or columns unnamed, repeated or named as ours."""
    names = [str(name) for name in frame.columns]
    if frame.empty:
        raise UnreadableTableError("The table has no rows.")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise UnreadableTableError(
            f"The table has more than one column named {', '.join(map(repr, repeated))}."
        )
    if any(not name or name.startswith("Unnamed: ") for name in names):
        raise UnreadableTableError("The table has a column without a name.")
    if taken := sorted(set(names) & set(PROVENANCE)):
        raise UnreadableTableError(
            f"The column name {', '.join(map(repr, taken))} is reserved for the platform."
        )


def keepable(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return an upload in the form that tables are stored in: the schema's columns and an empty provenance.

    Raises `UnreadableTableError` if a column of the schema is absent or a numeric one holds something else.
    """
    if absent := [c.name for c in schema.columns if c.name not in frame]:
        raise UnreadableTableError(f"The table has no column {', '.join(map(repr, absent))}.")
    table = pd.DataFrame({c.name: _kept(frame[c.name], c.kind) for c in schema.columns})
    table = table.reset_index(drop=True)
    table[PREDICTION_COLUMN] = pd.Series("", index=table.index, dtype="str")
    table[FEEDBACK_COLUMN] = pd.Series(0, index=table.index, dtype="int64")
    return table


def with_feedback(upload: pd.DataFrame, schema: Schema, labelled: Sequence[LabelledRow]) -> pd.DataFrame:
    """Return a stored table with labelled predictions behind its rows, in the order of their feedback.

    Columns that a prediction does not have (ignored ones) are missing in its row.
    """
    if not labelled:
        return upload
    ordered = sorted(labelled, key=lambda row: row.feedback_seq)
    rows = pd.DataFrame.from_records([{**row.inputs, schema.target: row.target} for row in ordered])
    feedback = keepable(rows.reindex(columns=[c.name for c in schema.columns]), schema)
    feedback = feedback.astype({name: dtype for name, dtype in upload.dtypes.items() if dtype == "str"})
    for (
        column
    ) in schema.columns:  # an id is not checked in a request: what is no number there is missing here
        if pd.api.types.is_numeric_dtype(upload[column.name].dtype) and feedback[column.name].dtype == "str":
            feedback[column.name] = pd.to_numeric(feedback[column.name], errors="coerce")
    feedback[PREDICTION_COLUMN] = pd.Series([row.prediction for row in ordered], dtype="str")
    feedback[FEEDBACK_COLUMN] = pd.Series([row.feedback_seq for row in ordered], dtype="int64")
    return pd.concat([upload, feedback], ignore_index=True)


class ParquetColumns:
    """The columns of a stored table in a Parquet file, each read when it is asked for."""

    def __init__(self, path: Path) -> None:
        """Open a file."""
        self._path = path
        with pq.ParquetFile(path) as file:
            self.rows: int = file.metadata.num_rows
            self.columns = [name for name in file.schema_arrow.names if name not in PROVENANCE]

    def __contains__(self, name: object) -> bool:
        """Say whether there is a column of this name."""
        return name in self.columns

    def __getitem__(self, name: str) -> "pd.Series[Any]":
        """Read a column."""
        column: pd.Series[Any] = pd.read_parquet(self._path, engine="pyarrow", columns=[name])[name]
        return column


def to_parquet(frame: pd.DataFrame) -> bytes:
    """Return a table as Parquet; the same table gives the same bytes."""
    return frame.to_parquet(None, engine="pyarrow", compression="zstd", index=False)


def from_parquet(content: bytes) -> pd.DataFrame:
    """Read a table back."""
    return pd.read_parquet(io.BytesIO(content), engine="pyarrow")


def _kept(values: "pd.Series[Any]", kind: Kind) -> "pd.Series[Any]":
    unused = kind in ("ignored", "identifier") and pd.api.types.is_numeric_dtype(values.dtype)
    return _numbers(values) if kind == "numeric" or unused else _texts(values)


def _numbers(values: "pd.Series[Any]") -> "pd.Series[Any]":
    try:
        numbers = pd.to_numeric(values)
    except (ValueError, TypeError) as error:
        raise UnreadableTableError(
            f"The numeric column {values.name!r} holds something else: {error}"
        ) from error
    # Whole numbers with a gap come as floats or as nullable integers, depending on who read them.
    whole = pd.api.types.is_integer_dtype(numbers.dtype) and not numbers.isna().any()
    return numbers.astype("int64") if whole else numbers.astype("float64")


def _texts(values: "pd.Series[Any]") -> "pd.Series[Any]":
    written = [None if (value := text(cell)) == MISSING else value for cell in values.tolist()]
    return pd.Series(written, index=values.index, dtype="str")
