"""Records predictions in SQLite: a whole batch in one transaction, on disk before anyone is answered."""

import sqlite3
import threading
from collections.abc import Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import structlog

from data_processor.predictions.recorder import (
    COLUMNS,
    KEY_COLUMNS,
    PredictionResult,
    RecorderUnavailableError,
)

log = structlog.get_logger(__name__)

ROWS_PER_STATEMENT = 64
"""A statement of many rows releases the interpreter once, not once per row, while others wait for it."""
LARGEST_WAL_PAGES = 16_384
"""64 MiB. While writing never pauses, background checkpoints alone never let the file start anew."""


class SqliteRecorder:
    """Writes to a SQLite file, which other processes may have open too."""

    def __init__(self, path: Path, checkpoint_interval_s: float) -> None:
        """Open the file and start checkpointing it in the background."""
        self._connection = _connect(path)
        self._checkpoints = _Checkpoints(path, checkpoint_interval_s)

    def write(self, batch: Sequence[PredictionResult]) -> list[bytes | None]:
        """Record a batch in one transaction and return the response to give to each request."""
        execute = self._connection.execute
        try:
            if self._checkpoints.wal_is_large:
                execute("PRAGMA wal_checkpoint(PASSIVE)")
            execute("BEGIN IMMEDIATE")
            try:
                answers = [self._take_key(result) for result in batch]
                pairs = zip(batch, answers, strict=True)
                self._insert([row for mine, answer in pairs if answer is mine.response for row in mine.rows])
                execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    execute("ROLLBACK")
                raise
        except sqlite3.OperationalError as error:
            raise RecorderUnavailableError(f"The predictions database cannot be written: {error}.") from error
        self._checkpoints.needed = True
        return answers

    def close(self) -> None:
        """Stop checkpointing and close the file; closing the last connection merges the log."""
        self._checkpoints.close()
        self._connection.close()

    def _take_key(self, result: PredictionResult) -> bytes | None:
        """Take a result's key, if it has one; return the response to give."""
        key = result.key
        if key is None:
            return result.response
        execute = self._connection.execute
        if execute(_TAKE_KEY, (*key, result.response, result.at_us)).rowcount == 1:
            return result.response
        body_sha256, response = execute(_FIND_KEY, key[:2]).fetchone()
        return response if body_sha256 == key.body_sha256 else None

    def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        for start in range(0, len(rows), ROWS_PER_STATEMENT):
            chunk = rows[start : start + ROWS_PER_STATEMENT]
            self._connection.execute(_insert_statement(len(chunk)), list(chain.from_iterable(chunk)))


class _Checkpoints:
    """Moves committed pages from the log into the database file, off the request path.

    Done within commits, as SQLite does by default, it makes some of them 5 to 16 ms slower.
    """

    def __init__(self, path: Path, interval_s: float) -> None:
        self.needed = False
        self.wal_is_large = False
        self._path = path
        self._interval_s = interval_s
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        connection = _connect(self._path)
        while not self._closed.wait(self._interval_s):
            if not self.needed:
                continue
            self.needed = False
            try:
                _busy, pages, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            except sqlite3.OperationalError:
                log.warning("checkpoint_failed", exc_info=True)
                self.needed = True
            else:
                self.wal_is_large = pages > LARGEST_WAL_PAGES and moved < pages
        connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    # Autocommit: this module begins and ends transactions itself. One thread at a time uses a connection.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "wal_autocheckpoint=0",
        f"journal_size_limit={LARGEST_WAL_PAGES * 4096}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@cache
def _insert_statement(rows: int) -> str:
    row = f"({','.join('?' * len(COLUMNS))})"
    return f"INSERT INTO predictions ({','.join(COLUMNS)}) VALUES {','.join([row] * rows)}"  # noqa: S608  # the names of our own columns


_TAKE_KEY = f"INSERT INTO idempotency ({','.join(KEY_COLUMNS)}) VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING"  # noqa: S608  # the names of our own columns
_FIND_KEY = "SELECT body_sha256, response FROM idempotency WHERE subject = ? AND key = ?"
