import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import data_processor
from data_processor.database import Database
from data_processor.rows import RunRow
from data_processor.runs.repository import open_run, open_runs, open_training_run

START = datetime(2026, 1, 1, tzinfo=UTC)
RUNS = [
    ("late", "training", "m", None, "running"),
    ("early", "profile", "", "d", "queued"),
    ("over", "training", "n", None, "failed"),
]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    database.create_tables()
    with database.transaction() as session:
        for age, (name, kind, model, dataset, status) in enumerate(RUNS):
            row = RunRow(id=name, kind=kind, model=model, dataset=dataset, status=status, stage="main")
            row.trigger, row.reason, row.subject = "manual", "because", "ann"
            row.created_at = START - timedelta(days=age)
            session.add(row)
    yield database
    database.close()


def test_only_open_runs_are_found_the_oldest_first(database: Database) -> None:
    with database.reading() as session:
        assert [row.id for row in open_runs(session, stage="main")] == ["early", "late"]
        assert [row.id for row in open_runs(session, dataset="d", kinds=["profile"])] == ["early"]
        assert open_runs(session, stage="staging") == []


def test_a_model_is_held_by_its_open_training_run(database: Database) -> None:
    with database.reading() as session:
        assert open_training_run(session, "m") == "late"
        assert open_training_run(session, "n") is None


def test_a_run_of_one_kind_can_be_overlooked(database: Database) -> None:
    with database.reading() as session:
        assert open_run(session, dataset="d") == "early"
        assert open_run(session, dataset="d", other_than="profile") is None


def test_no_other_module_asks_which_runs_are_open() -> None:
    sources = Path(data_processor.__file__).parent.rglob("*.py")
    asking = [path.name for path in sources if re.search(r"status\.in_\(\s*OPEN_RUN", path.read_text())]
    assert asking == ["repository.py"]
