"""Epochs are written in order and in pieces, whatever the database does meanwhile."""

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from data_processor.database import Database
from data_processor.rows import LiveRunRow, RunRow
from data_processor.runs.events import read
from data_processor.runs.service import Runs
from data_processor.training.live import journal as journals
from data_processor.training.live.journal import Journal


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    made.create_tables()
    yield made
    made.close()


@pytest.fixture
def run(database: Database) -> str:
    found = (
        Runs(database, "main").queue(None, "live", model="m", trigger="manual", reason="", subject="eve").id
    )
    with database.transaction() as session:
        values: dict[str, Any] = {"learning_rate": 0.1}
        session.add(
            LiveRunRow(
                run=found, estimator="sgd", hyperparameters=values, first_hyperparameters=values, epochs=9
            )
        )
    return found


def epochs(database: Database, run: str) -> list[int]:
    with database.reading() as session:
        return [event.body["epoch"] for event in read(session, run) if event.type == "metric"]


def test_every_epoch_is_an_event_in_order(database: Database, run: str) -> None:
    with Journal(database, run) as journal:
        for epoch in range(1, 201):
            journal.epoch({"epoch": epoch}, {"epoch": epoch}, epoch / 200)
        journal.flush()
        assert epochs(database, run) == list(range(1, 201))
    with database.reading() as session:
        assert session.get_one(LiveRunRow, run).epoch == 200
        assert session.get_one(RunRow, run).progress == 1.0


def test_what_is_left_is_written_at_the_end(database: Database, run: str) -> None:
    with Journal(database, run) as journal:
        journal.epoch({"epoch": 1}, {"epoch": 1}, 0.5)
    assert epochs(database, run) == [1]


def test_a_database_that_is_away_for_a_while_loses_nothing(
    database: Database, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([True, True])
    store = Journal._store

    def stored(self: Journal, batch: Any) -> None:
        if next(failures, False):
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        store(self, batch)

    monkeypatch.setattr(Journal, "_store", stored)
    with Journal(database, run) as journal:
        journal.epoch({"epoch": 1}, {"epoch": 1}, 0.5)
        journal.flush()
    assert epochs(database, run) == [1]


def test_what_keeps_an_epoch_from_being_written_ends_the_run(
    database: Database, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: Journal, _batch: Any) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(Journal, "_store", broken)
    with Journal(database, run) as journal:
        journal.epoch({"epoch": 1}, {"epoch": 1}, 0.5)
        with pytest.raises(RuntimeError, match="a defect"):
            journal.flush()
        with contextlib.suppress(RuntimeError):
            journal.epoch({"epoch": 2}, {"epoch": 2}, 0.5)


def test_learning_waits_where_too_much_is_to_be_written(
    database: Database, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "MOST_WAITING", 3)
    with Journal(database, run) as journal:
        for epoch in range(1, 11):
            journal.epoch({"epoch": epoch}, {"epoch": epoch}, 0.1)
            assert len(journal._waiting) <= 3
    assert epochs(database, run) == list(range(1, 11))
