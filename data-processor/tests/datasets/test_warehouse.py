"""What is written into the warehouse is read back the same, in SQLite and PostgreSQL."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect, text

from data_processor.datasets.warehouse import Warehouse, identifiers, table_name

SCHEMA = pa.schema(
    [
        ("Whole; DROP TABLE x", pa.int64()),
        ("number %(a)s", pa.float64()),
        ("Text", pa.string()),
        ("text", pa.large_string()),
        ("flag", pa.bool_()),
        ("timestamp", pa.timestamp("us")),
    ]
)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
TIMESTAMPS = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)).map(  # noqa: DTZ001  # as tables have them
    lambda timestamp: timestamp.replace(fold=0)
)
ROW = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False).map(lambda number: number + 0.0),
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.none() | st.booleans(),
    st.none() | TIMESTAMPS,
)


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'warehouse.db'}"


def write(url: str, rows: list[tuple[Any, ...]], dataset: str = "a-b") -> None:
    warehouse = Warehouse(url)
    try:
        columns = [(field.name, str(field.type)) for field in SCHEMA]
        batch = pa.record_batch(
            [
                pa.array(values, kind)
                for values, kind in zip(zip(*rows, strict=True), SCHEMA.types, strict=True)
            ],
            schema=SCHEMA,
        )
        assert warehouse.write(dataset, 1, "raw", columns, [batch, batch]) == table_name(dataset, 1, "raw")
    finally:
        warehouse.close()


def check_read_back(url: str, rows: list[tuple[Any, ...]]) -> None:
    write(url, rows)
    write(url, rows)  # in place of what was there
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            columns = inspect(connection).get_columns("a_b_v1_raw")
            found = [tuple(row) for row in connection.execute(text("SELECT * FROM a_b_v1_raw"))]
    finally:
        engine.dispose()
    assert [column["name"] for column in columns][2:4] == ["Text", "text_4"]
    if url.startswith("sqlite"):  # it has no types of its own for the last two
        timestamps = [row[5] and dt.datetime.fromisoformat(row[5]) for row in found]
        flags = [None if row[4] is None else bool(row[4]) for row in found]
        found = [
            (*row[:4], flag, timestamp) for row, flag, timestamp in zip(found, flags, timestamps, strict=True)
        ]
    assert sorted(map(repr, found)) == sorted(map(repr, rows * 2))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=20))
def test_sqlite_reads_back_what_was_written(sqlite: str, rows: list[tuple[Any, ...]]) -> None:
    check_read_back(sqlite, rows)


@pytest.mark.services
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=20))
def test_postgresql_reads_back_what_was_written(postgres_url: str, rows: list[tuple[Any, ...]]) -> None:
    check_read_back(postgres_url, rows)


def test_dropping_a_dataset_leaves_the_others(sqlite: str) -> None:
    row = (1, 1.0, "a", "b", True, None)
    write(sqlite, [row])
    write(sqlite, [row], "other")
    warehouse = Warehouse(sqlite)
    warehouse.drop("a-b", [1, 2])
    warehouse.drop("a-b", [1, 2])
    warehouse.close()
    engine = create_engine(sqlite)
    assert inspect(engine).get_table_names() == ["other_v1_raw"]
    engine.dispose()


@given(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=20, unique=True))
def test_identifiers_differ_in_any_case_and_fit(names: list[str]) -> None:
    found = identifiers(names)
    assert len({name.lower() for name in found}) == len(names)
    assert all(len(name.encode()) <= 63 for name in found)
