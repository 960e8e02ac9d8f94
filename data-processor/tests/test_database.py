from collections.abc import Iterator

import pytest
from sqlalchemy import inspect, text
from structlog.testing import capture_logs

from data_processor.database import Database
from data_processor.rows import RunResultRow, RunRow

LATER = {"runs": ["dataset"], "dataset_uploads": ["run"]}
"""Columns that came after their tables."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    opened.create_tables()
    yield opened
    opened.close()


def test_tables_of_an_earlier_release_are_migrated_once(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("DROP TABLE run_results"))
        for table, columns in LATER.items():
            for column in columns:
                connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        connection.execute(
            text(
                "INSERT INTO runs (id, kind, model, stage, trigger, status, progress, reason, subject,"
                " options, leaderboard, cancel_requested, created_at) VALUES ('old', 'training', 'census',"
                " 'main', 'manual', 'succeeded', 1.0, '', 'ada', '{}', '[]', false, '2026-01-01 00:00:00')"
            )
        )
    with capture_logs() as logged:
        database.create_tables()
        database.create_tables()
    assert [(line["event"], sorted(line["columns"])) for line in logged] == [
        ("schema_migrated", ["dataset_uploads.run", "runs.dataset"])
    ]
    with database.transaction() as session:
        row = session.get_one(RunRow, "old")
        assert (row.model, row.dataset) == ("census", None)
        row.dataset = "census"
        session.add(RunResultRow(run="old", result={"n": 1}))
    with database.reading() as session:
        assert session.get_one(RunRow, "old").dataset == "census"
        assert session.get_one(RunResultRow, "old").result == {"n": 1}


def test_every_declared_column_is_there(database: Database) -> None:
    present = inspect(database.engine)
    for table in RunRow.metadata.sorted_tables:
        assert {one["name"] for one in present.get_columns(table.name)} == set(table.columns.keys())
