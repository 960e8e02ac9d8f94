"""Datasets and their versions: rows in the records database, tables in the dataset repository.

A version is written to the repository first and to the database after; both know it by the request that asked
for it, so repeating a request finds a version that was interrupted in between.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

import pandas as pd
import pyarrow.parquet as pq

from data_processor.adapters.dvc_repository import DvcRepository, TableVersion
from data_processor.database import Database
from data_processor.datasets.repository import versions_of
from data_processor.datasets.tables import (
    LabelledRow,
    check_keepable,
    from_parquet,
    keepable,
    to_parquet,
    with_feedback,
)
from data_processor.features.schema import Schema
from data_processor.rows import DatasetRow, DatasetVersionRow
from data_processor.runs.context import TaskContext
from data_processor.service.database import now
from data_processor.settings import Settings

Kind = Literal["upload", "snapshot"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is recorded about a version when it is made."""

    kind: Kind
    rows: int
    feedback_seq: int
    """The number of the last feedback in it."""


class TableRepository(Protocol):
    """Where versions of tables are stored permanently."""

    def commit(
        self, dataset: str, table: bytes | Path, facts: Mapping[str, Any], request: str
    ) -> TableVersion:
        """Make a table, or the file with it, a dataset's next version, once per request; return that."""

    def find(self, dataset: str, request: str) -> TableVersion | None:
        """Return the version that a request made, if it did."""

    def versions(self, dataset: str) -> list[TableVersion]:
        """Return every version of a dataset, whichever stack made it."""

    def read(self, dataset: str, number: int) -> bytes:
        """Return the table of a version."""

    def purge(self, dataset: str, number: int) -> None:
        """Delete the table of a version for good."""


class DatasetNotFoundError(LookupError):
    """There is no such dataset, or no such version of it."""


class DamagedTableError(Exception):
    """A table is not the one that was stored."""


class VersionStore:
    """The datasets of this stack."""

    def __init__(self, database: Database, repository: TableRepository) -> None:
        """Keep rows in the database and tables in the repository."""
        self._database = database
        self._repository = repository

    def add_upload(
        self, name: str, frame: pd.DataFrame, schema: Schema, *, request: str
    ) -> DatasetVersionRow:
        """Store an uploaded table as the next version of a dataset, which is created if it is new.

        Repeating a request returns the version it made. Raises `UnreadableTableError`.
        """
        check_keepable(frame)
        table = keepable(frame, schema)
        return self._add(name, to_parquet(table), len(table), schema, request)

    def add_prepared(self, name: str, path: Path, schema: Schema, *, request: str) -> DatasetVersionRow:
        """Do the same with a file that holds a table in the form that tables are stored in."""
        with pq.ParquetFile(path) as file:
            rows = file.metadata.num_rows
        return self._add(name, path, rows, schema, request)

    def _add(
        self, name: str, table: bytes | Path, rows: int, schema: Schema, request: str
    ) -> DatasetVersionRow:
        with self._database.transaction() as session:
            row = session.get(DatasetRow, name)
            if row is None:
                row = DatasetRow(name=name, task=schema.task, schema={}, state="storing")
                session.add(row)
        version = self._store(name, table, Facts("upload", rows, 0), request)
        with self._database.transaction() as session:
            row = session.get_one(DatasetRow, name)
            row.task, row.schema, row.state = schema.task, schema.model_dump(mode="json"), "ready"
        return version

    def snapshot(self, name: str, labelled: Sequence[LabelledRow], *, request: str) -> DatasetVersionRow:
        """Store the last upload with labelled feedback behind it as the next version.

        Repeating a request returns the version it made, whatever feedback came since; a table that is the
        latest version already makes no other. Raises `DatasetNotFoundError`.
        """
        made = self._repository.find(name, request)
        if made is not None:
            return self._record(name, made)
        upload = self._latest(name, "upload")
        if not labelled and upload.version == self.versions(name)[-1].version:
            return upload
        table = with_feedback(self.read(name, upload.version), self.schema(name), labelled)
        seq = max((row.feedback_seq for row in labelled), default=0)
        return self._store(name, to_parquet(table), Facts("snapshot", len(table), seq), request)

    def add_gallery(self, name: str, table: bytes, *, feedback_seq: int, request: str) -> DatasetVersionRow:
        """Store the faces of a gallery, as Parquet, as the next version; once per request.

        The same faces as the latest version's make no other.
        """
        if (made := self._repository.find(name, request)) is not None:
            return self._record(name, made)
        with pq.ParquetFile(io.BytesIO(table)) as file:
            rows = file.metadata.num_rows
        return self._store(name, table, Facts("snapshot", rows, feedback_seq), request)

    def take_in(self, name: str, schema: Schema) -> int:
        """Make a dataset that another stack keeps in the same repository known here; return how much is new.

        Each stack numbers its own feedback: what is taken in counts as older than all of ours.
        """
        found = self._repository.versions(name)
        with self._database.transaction() as session:
            if session.get(DatasetRow, name) is None:
                described = schema.model_dump(mode="json")
                session.add(DatasetRow(name=name, task=schema.task, schema=described, state="ready"))
            new = [made for made in found if session.get(DatasetVersionRow, (name, made.number)) is None]
            for made in new:
                facts = {**made.facts, "feedback_seq": 0}
                session.add(
                    DatasetVersionRow(dataset=name, version=made.number, revision=made.revision, **facts)
                )
        return len(new)

    def read(self, name: str, version: int) -> pd.DataFrame:
        """Return the table of a version; raises `DatasetNotFoundError` and `DamagedTableError`."""
        return from_parquet(self.content(name, version))

    def content(self, name: str, version: int) -> bytes:
        """Return the table of a version as the Parquet file that is stored; raises as `read` does."""
        with self._database.reading() as session:
            row = session.get(DatasetVersionRow, (name, version))
        if row is None:
            raise DatasetNotFoundError(f"There is no version {version} of dataset {name!r}.")
        if row.purged_at is not None:
            raise DatasetNotFoundError(
                f"Version {version} of dataset {name!r} was purged on {row.purged_at:%Y-%m-%d}, because "
                "somebody in it was forgotten."
            )
        content = self._repository.read(name, version)
        if hashlib.sha256(content).hexdigest() != row.sha256:
            raise DamagedTableError(f"Version {version} of dataset {name!r} does not match its SHA-256.")
        return content

    def purge_since(self, name: str, since: datetime) -> int:
        """Delete the tables of all versions made since a time for good; return how many those are.

        That there were versions stays known, with their numbers of rows and their hashes.
        """
        versions = [row for row in self.versions(name) if row.created_at >= since and row.purged_at is None]
        for row in versions:
            self._repository.purge(name, row.version)
            with self._database.transaction() as session:
                session.get_one(DatasetVersionRow, (name, row.version)).purged_at = now()
        return len(versions)

    def schema(self, name: str) -> Schema:
        """Return the confirmed schema of a dataset; raises `DatasetNotFoundError`."""
        with self._database.reading() as session:
            row = session.get(DatasetRow, name)
        if row is None or not row.schema:
            raise DatasetNotFoundError(f"There is no dataset {name!r}, or it is still being stored.")
        return Schema.model_validate(row.schema)

    def versions(self, name: str) -> list[DatasetVersionRow]:
        """Return the versions of a dataset, oldest first."""
        with self._database.reading() as session:
            return versions_of(session, name)

    def _store(self, name: str, table: bytes | Path, facts: Facts, request: str) -> DatasetVersionRow:
        sha256 = _sha256(table)
        known = self.versions(name)
        if known and known[-1].sha256 == sha256 and known[-1].purged_at is None:
            return known[-1]
        described = {**asdict(facts), "sha256": sha256}
        return self._record(name, self._repository.commit(name, table, described, request))

    def _record(self, name: str, stored: TableVersion) -> DatasetVersionRow:
        with self._database.transaction() as session:
            row = session.get(DatasetVersionRow, (name, stored.number))
            if row is None:
                row = DatasetVersionRow(
                    dataset=name, version=stored.number, revision=stored.revision, **stored.facts
                )
                session.add(row)
        return row

    def _latest(self, name: str, kind: Kind) -> DatasetVersionRow:
        found = [version for version in self.versions(name) if version.kind == kind]
        if not found:
            raise DatasetNotFoundError(f"Dataset {name!r} has no {kind} yet.")
        return found[-1]


def _sha256(table: bytes | Path) -> str:
    if isinstance(table, bytes):
        return hashlib.sha256(table).hexdigest()
    with table.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_version_store(context: TaskContext) -> VersionStore:
    """Return the versions of datasets as a step of background work reaches them."""
    return VersionStore(context.database, repository(context.settings))


def repository(settings: Settings) -> DvcRepository:
    """Return the dataset repository that the settings describe."""
    return DvcRepository(settings.dataset_repository, settings.dataset_remote, settings.dataset_store)
