"""What is deleted from a database, out of its files as well: for what was kept about persons."""

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Engine, event, text

log = structlog.get_logger(__name__)


def overwrite_deleted(engine: Engine) -> None:
    """Have SQLite overwrite what is deleted or changed with zeros; other databases are left as they are."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _overwrite)


def leave_nothing(engine: Engine, *, rewritten: Sequence[str] = (), vacuumed: Sequence[str] = ()) -> None:
    """Remove what deleted rows left in the files of a database.

    SQLite: its write-ahead log is emptied, if no reader holds it up for longer than the busy timeout.
    PostgreSQL: the tables `rewritten`, small ones, are written anew, which locks them for a moment; of those
    `vacuumed` the space is freed and reused. Its own log and backups keep what they have until they expire.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "sqlite":
            busy, *_ = connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).one()
            if busy:
                log.warning("write_ahead_log_not_emptied")
            return
        for table in rewritten:
            connection.execute(text(f"VACUUM FULL {table}"))
        for table in vacuumed:
            connection.execute(text(f"VACUUM {table}"))


def _overwrite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()
