"""The records database: how its rows (`rows/`) are reached, and how its schema is migrated."""

from typing import Any

from sqlalchemy import Select

from data_processor.rows import Base, FacePictureRow, FeedbackRow, IdempotencyRow, PersonRow
from data_processor.service import database

MIGRATION_LOCK = 0x4C6F6F70
"""The number that PostgreSQL locks while tables are migrated: "Loop" in ASCII."""


class Database(database.Database):
    """A pool of connections to the records database."""

    def __init__(self, url: str, busy_timeout_s: float = database.BUSY_TIMEOUT_S) -> None:
        """Open the records database; what is deleted there is gone from its file, too."""
        super().__init__(url, busy_timeout_s)
        database.overwrite_deleted(self.engine)

    def create_tables(self) -> None:
        """Migrate the records database: create the tables and columns that are missing."""
        with self.migration(Base.metadata, MIGRATION_LOCK):
            pass

    def lock(self, query: Select[Any]) -> Select[Any]:
        """Lock the rows of a query until the transaction ends (SQLite already holds the whole file)."""
        return query.with_for_update()

    def scrub(self) -> None:
        """Leave nothing of what was deleted where rows of persons are kept; see `database.leave_nothing`."""
        database.leave_nothing(
            self.engine,
            rewritten=(PersonRow.__tablename__, FacePictureRow.__tablename__),
            vacuumed=(FeedbackRow.__tablename__, IdempotencyRow.__tablename__),
        )
