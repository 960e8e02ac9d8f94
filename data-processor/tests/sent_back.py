"""Files as people upload them, stored as they are proposed, and their rows sent back to be predicted."""

import csv
import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data_processor.datasets.confirmation import confirm
from data_processor.datasets.confirmed import SchemaConfirmation
from data_processor.datasets.inference import infer_schema, observed
from data_processor.datasets.preparing import as_confirmed, final_readings, write_confirmed
from data_processor.datasets.profile import read_columns
from data_processor.datasets.reading.files import read_file
from data_processor.datasets.reading.source import Hints
from data_processor.datasets.tables import ParquetColumns, from_parquet
from data_processor.features.packing import MISSING, pack
from data_processor.features.schema import Column, Schema
from data_processor.models.policy import Policy
from data_processor.serving.diagnosis import Limits
from data_processor.serving.validation import Checked, Validator

LIMITS = Limits(max_rows=100_000, max_text_length=10_000)
QUIET = (": missing", ": blank", ": no input of the model, ignored")
"""Flags of rows that are as training saw them."""


@dataclass(frozen=True)
class Stored:
    """A file that was confirmed: what a model is trained on, and what checks the rows for it."""

    proposal: list[dict[str, Any]]
    schema: Schema
    table: pd.DataFrame
    validator: Validator

    def column(self, name: str) -> Column:
        """Return one column of the schema."""
        return next(column for column in self.schema.columns if column.name == name)

    def send(self, rows: Sequence[Mapping[str, Any]]) -> Checked:
        """Check rows as `serve` does."""
        return self.validator.check(json.dumps({"inputs": rows}).encode())

    def odd(self, rows: Sequence[Mapping[str, Any]]) -> set[str]:
        """Return what is flagged of rows besides missing values and columns that are ignored."""
        return {flag for odd in self.send(rows).flags for flag in odd if not flag.endswith(QUIET)}

    def assert_known(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Assert that all rows of the file are taken as training saw them, and flag nothing."""
        assert self.odd(rows) == set()
        asked, trained = self.send(rows).packed, pack(self.table, self.schema)
        np.testing.assert_array_equal(asked.numeric, trained.numeric)
        # A blank text is a text, but a table has nothing in its place.
        given = [[text.strip() or MISSING for text in row] for row in asked.strings.tolist()]
        assert given == trained.strings.tolist()


def store(content: bytes, filename: str, target: str, **columns: Mapping[str, Any]) -> Stored:
    """Upload a file and confirm its columns as proposed, but for what is said of some."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        source, raw, prepared = (folder / name for name in ("source", "raw.parquet", "prepared.parquet"))
        source.write_bytes(content)
        found = read_file(source, filename, raw, Hints())
        facts = read_columns(raw, found.decimal)
        proposal = [asdict(column) for column in facts]
        asked = SchemaConfirmation.model_validate({"target": target, "columns": columns})
        confirmed = confirm(asked, {"columns": proposal}, None)
        write_confirmed(raw, prepared, confirmed, facts, lambda _share: None)
        kinds = {column.name: column.kind for column in confirmed.columns.values()}
        inferred = infer_schema(ParquetColumns(prepared), confirmed.target, task=confirmed.task, kinds=kinds)
        schema = as_confirmed(inferred, confirmed, final_readings(raw, confirmed))
        table = from_parquet(prepared.read_bytes())
    schema = Schema.model_validate_json(observed(schema, table).model_dump_json())
    return Stored(proposal, schema, table, Validator(schema, Policy(), LIMITS))


def rows_of_csv(content: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    """Return the rows of a CSV as texts."""
    return list(csv.DictReader(io.StringIO(content.decode()), delimiter=delimiter))


def as_csv(rows: Sequence[Mapping[str, Any]], delimiter: str = ",") -> bytes:
    """Write rows as a CSV."""
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode()
