import errno
import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from data_processor.service.storage import (
    FAULTY,
    FULL,
    LOCKED,
    READ_ONLY,
    UNREACHABLE,
    Outage,
    outage,
)


def failure(database: sqlite3.Connection, statement: str) -> sqlite3.Error:
    """Return what SQLite says to a statement that it cannot carry out."""
    with pytest.raises(sqlite3.OperationalError) as failed:
        database.execute(statement)
    return failed.value


def test_a_full_database_is_known(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "full.db", isolation_level=None)) as database:
        database.execute("CREATE TABLE rows (text)")
        database.execute("PRAGMA max_page_count=2")
        assert outage(failure(database, "INSERT INTO rows VALUES (zeroblob(100000))")) is FULL


def test_a_locked_database_is_known(tmp_path: Path) -> None:
    path = tmp_path / "locked.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("CREATE TABLE rows (text)")
        holder.execute("BEGIN EXCLUSIVE")
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as database:
            assert outage(failure(database, "INSERT INTO rows VALUES ('x')")) is LOCKED


def test_a_database_that_may_only_be_read_is_known(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("CREATE TABLE rows (text)")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        assert outage(failure(database, "INSERT INTO rows VALUES ('x')")) is READ_ONLY


def test_a_write_that_the_system_refuses_is_known(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a disk that fails while it is written to."""
    program = (
        "import sqlite3, sys\n"
        "from data_processor.service.storage import outage\n"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "database.execute('PRAGMA journal_mode=WAL')\n"
        "database.execute('CREATE TABLE rows (text)')\n"
        "try:\n"
        "    database.execute('INSERT INTO rows VALUES (?)', ['x' * 1_000_000])\n"
        "except sqlite3.OperationalError as error:\n"
        "    print(outage(error))\n"
    )

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    command = [sys.executable, "-c", program, str(tmp_path / "bounded.db")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=bounded)
    assert said.stdout.strip() in {str(FAULTY), str(FULL)}


def test_a_full_disk_is_known() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match="No space left") as failed:
            os.write(full, b"x")
    finally:
        os.close(full)
    assert outage(failed.value) is FULL


class Refused(Exception):
    """As a driver for PostgreSQL reports what the server said."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "expected"),
    [
        ("53100", FULL),
        ("55P03", LOCKED),
        ("25006", READ_ONLY),
        ("57P03", UNREACHABLE),
        ("08006", UNREACHABLE),
        ("23505", None),
        ("42601", None),
    ],
)
def test_the_codes_of_postgresql_are_known(sqlstate: str, expected: Outage | None) -> None:
    assert outage(Refused(sqlstate)) is expected


def test_what_caused_an_error_is_looked_at_too() -> None:
    disk = OSError(errno.ENOSPC, "No space left on device")
    wrapped = RuntimeError("The file could not be written.")
    wrapped.__cause__ = disk
    assert outage(wrapped) is FULL


@pytest.mark.parametrize(
    "error",
    [RuntimeError("disk full"), FileNotFoundError(errno.ENOENT, "no"), ValueError("database is locked")],
)
def test_any_other_error_is_a_defect(error: Exception) -> None:
    assert outage(error) is None


def raising(app: FastAPI, error: Exception) -> None:
    @app.post("/orders")
    async def order() -> None:
        raise error


def test_a_full_disk_is_answered_503_and_when_to_come_again(app: FastAPI, client: TestClient) -> None:
    raising(app, OSError(errno.ENOSPC, "No space left on device", "/var/lib/secret/path"))

    answer = client.post("/orders")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "30"
    assert "no room left on the disk" in answer.json()["detail"]
    assert "secret" not in answer.text


def test_the_log_says_why_and_none_of_what_was_to_be_stored(
    app: FastAPI, client: TestClient, log_lines: Any
) -> None:
    error = sqlite3.OperationalError("INSERT INTO users VALUES ('hunter2')")
    error.sqlite_errorcode = 13
    raising(app, error)

    client.post("/orders")

    (line,) = [line for line in log_lines() if line["event"] == "storage_failed"]
    assert (line["route"], line["error"]) == ("/orders", "OperationalError")
    assert "hunter2" not in str(line)
