"""What a live run learnt meets only a champion that can be asked about its rows."""

from types import SimpleNamespace
from typing import Any

import pytest

from data_processor.datasets.census import make_table, schema_of
from data_processor.features.schema import Schema
from data_processor.runs.context import TaskError
from data_processor.training.live import kept
from data_processor.training.plan import Plan


def plan(schema: Schema, champion: str | None) -> Plan:
    """Return the part of a plan that names champion and columns."""
    known: dict[str, Any] = {"run": "r", "model": "m", "champion": champion, "schema_": schema}
    return Plan.model_construct(**known)


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> Schema:
    """Return the columns of the champion of every model."""
    schema = schema_of(make_table(50, 1))
    manifest = SimpleNamespace(table=schema)
    registry = SimpleNamespace(manifest=lambda _model, _version: manifest)
    monkeypatch.setattr(kept, "registry_of", lambda _context: registry)
    return schema


def without(schema: Schema, name: str) -> Schema:
    return schema.model_copy(
        update={"columns": tuple(column for column in schema.columns if column.name != name)}
    )


def test_a_champion_that_answers_by_a_column_of_later_rows_is_named(whole: Schema) -> None:
    context: Any = None
    gone = whole.inputs[0].name
    older = without(whole, gone)
    with pytest.raises(TaskError, match=f"Champion 7 answers by column '{gone}'"):
        kept._require_columns(context, plan(older, "7"), plan(older, "7"))


def test_one_that_knows_its_rows_or_none_is_met(whole: Schema) -> None:
    context: Any = None
    kept._require_columns(context, plan(whole, "7"), plan(whole, "7"))
    kept._require_columns(context, plan(whole, None), plan(without(whole, whole.inputs[0].name), None))
