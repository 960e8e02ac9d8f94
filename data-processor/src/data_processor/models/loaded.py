"""The versions that engineers asked to keep in memory, beside those that the stage serves.

The list is in the records database: it survives a restart, and every serving process follows it as it follows
the ledger. Each version takes one of a fixed number of places; the database ensures that no two take the
same, so the limit holds however many processes load at once.
"""

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.models.repository import find_version
from data_processor.rows import LoadedRow
from data_processor.service.errors import Conflict

Key = tuple[str, str]
"""A model and one of its versions."""


class LoadedVersions:
    """The versions that one stage keeps loaded."""

    def __init__(self, database: Database, stage: str, places: int) -> None:
        """Keep at most `places` versions, of all models together."""
        self._database = database
        self._stage = stage
        self.places = places

    def all(self) -> frozenset[Key]:
        """Return every version that is kept."""
        with self._database.reading() as session:
            return frozenset((row.model, row.version) for row in self._rows(session))

    def of(self, model: str) -> frozenset[str]:
        """Return the versions of a model that are kept."""
        return frozenset(version for name, version in self.all() if name == model)

    def require_place(self, model: str, version: str) -> None:
        """Raise `Conflict` unless the version is kept already or there is a place for it."""
        with self._database.reading() as session:
            rows = self._rows(session)
        if not any((row.model, row.version) == (model, version) for row in rows):
            self._free_place(rows)

    def keep(self, model: str, version: str, subject: str) -> None:
        """Keep a version; repeating the call changes nothing.

        Raises `NotFound` for an unknown version, `Conflict` naming the kept versions when no place is left.
        """
        while not self._take(model, version, subject):
            continue  # another process took that place: try the next

    def let_go(self, model: str, version: str) -> None:
        """Stop keeping a version; harmless if it is not kept."""
        mine = (LoadedRow.model == model) & (LoadedRow.version == version)
        with self._database.transaction() as session:
            session.execute(delete(LoadedRow).where(LoadedRow.stage == self._stage, mine))

    def _take(self, model: str, version: str, subject: str) -> bool:
        with self._database.transaction() as session:
            find_version(session, model, version)
            rows = self._rows(session)
            if any((row.model, row.version) == (model, version) for row in rows):
                return True
            place = self._free_place(rows)
            try:
                with session.begin_nested():
                    session.add(
                        LoadedRow(
                            stage=self._stage, place=place, model=model, version=version, subject=subject
                        )
                    )
            except IntegrityError:
                return False
            return True

    def _rows(self, session: Session) -> list[LoadedRow]:
        return list(session.scalars(select(LoadedRow).where(LoadedRow.stage == self._stage)))

    def _free_place(self, rows: list[LoadedRow]) -> int:
        if not self.places:
            raise Conflict(
                "This server keeps no versions in memory besides the stage's own (PINNED_VERSIONS is 0)."
            )
        taken = {row.place for row in rows}
        free = next((place for place in range(1, self.places + 1) if place not in taken), None)
        if free is None:
            kept = ", ".join(sorted(f"version {row.version} of {row.model!r}" for row in rows))
            raise Conflict(
                f"All {self.places} places for versions besides those the stage serves are taken, by {kept}. "
                "Unload one of them first, or raise PINNED_VERSIONS.",
                loaded=[{"model": row.model, "version": row.version} for row in rows],
            )
        return free
