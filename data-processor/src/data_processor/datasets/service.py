"""The datasets of this stack as people see them: proposed, confirmed, listed and deleted.

What needs the heavy libraries is done elsewhere: files are read in a child process, versions stored by the
worker.
"""

import asyncio
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Timer
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.datasets.confirmation import Confirmed, SchemaConfirmation, confirm
from data_processor.datasets.difference import compare
from data_processor.datasets.exploration.profiles import KIND as PROFILE
from data_processor.datasets.exploration.profiles import cancel_profiles
from data_processor.datasets.storing_run import queue_storing
from data_processor.datasets.warehouse import Warehouse
from data_processor.features.schema import Schema
from data_processor.rows import (
    DELETING,
    DatasetProfileRow,
    DatasetRow,
    DatasetUploadRow,
    DatasetVersionRow,
    ModelRow,
)
from data_processor.runs.child import Child, ChildGoneError
from data_processor.runs.repository import open_run
from data_processor.runs.service import Runs
from data_processor.service.errors import Conflict, Invalid, NotFound, NotReady, TooLarge
from data_processor.settings import Settings

FORGOTTEN_S = 24 * 3600
"""A folder of this age that no upload needs was left by a process that died."""
READERS = 2
"""Files that are read at the same time; each is a process of its own. Others wait their turn."""

log = structlog.get_logger(__name__)


class DatasetService:
    """Takes in files and answers for datasets."""

    def __init__(self, settings: Settings, database: Database, runs: Runs) -> None:
        """Keep rows in the database and files below `uploads_dir` until a run has stored them."""
        self._settings = settings
        self._database = database
        self._runs = runs
        self.turns = asyncio.Semaphore(READERS)

    def new_folder(self) -> Path:
        """Return a new folder for one upload; whoever takes it removes it if nothing comes of it."""
        folder = self._settings.uploads_dir / uuid4().hex
        folder.mkdir(parents=True)
        return folder

    def check_free(self, name: str) -> None:
        """Raise `Conflict` while a file of this dataset is being stored."""
        with self._database.reading() as session:
            newest = _newest(session, name)
        if newest is not None and newest.state == "storing":
            raise Conflict(f"A file of dataset {name!r} is being stored; upload the next one after it.")

    def propose(
        self, folder: Path, name: str, filename: str, hints: Mapping[str, Any], subject: str
    ) -> DatasetUploadRow:
        """Read the file in a folder and keep what its columns seem to be.

        Raises `Invalid` for a file that cannot become a dataset, `Conflict` as `check_free` does.
        """
        found = self._read(folder, filename, hints)
        if "refused" in found:
            raise Invalid(
                f"Nothing was stored: {found['refused']}",
                errors=[{"loc": ["body", found["field"]], "message": found["refused"]}],
            )
        with self._database.transaction() as session:
            row = session.scalar(self._database.lock(select(DatasetRow).where(DatasetRow.name == name)))
            if row is None:
                session.add(DatasetRow(name=name, task="", schema={}, state="proposed"))
                session.flush()
            elif row.state == DELETING:
                raise Conflict(f"Dataset {name!r} is being deleted: delete it again, then upload.")
            newest = _newest(session, name)
            if newest is not None and newest.state == "storing":
                raise Conflict(f"A file of dataset {name!r} is being stored; upload the next one after it.")
            replaced = []
            if newest is not None and newest.state != "ready":
                replaced.append(newest.id)
                session.delete(newest)
            upload = DatasetUploadRow(
                id=folder.name, dataset=name, state="proposed", proposal=found, subject=subject
            )
            before = _last_stored(session, name)
            if before is not None:
                _carry_over(before, upload)
            session.add(upload)
        self._clear(replaced)
        return upload

    def confirm(self, name: str, asked: SchemaConfirmation, subject: str) -> str:
        """Have the newest file of a dataset stored as these columns; return the run that does it.

        Raises `NotFound`, `Conflict` if there is no file that waits for it, `Invalid` naming every bad field.
        """
        with self._database.transaction() as session:
            row = _find(session, name, self._database)
            upload = _newest(session, name)
            if upload is None or upload.state not in ("proposed", "failed"):
                state = upload.state if upload else row.state
                raise Conflict(f"Dataset {name!r} is {state}: upload a file first, then confirm its columns.")
            models = _models(session, name)
            used = Schema.model_validate(row.schema) if models and row.schema else None
            confirmed = confirm(asked, upload.proposal, used)
            upload.confirmed = confirmed.model_dump(mode="json")
            upload.state, upload.error = "storing", None
            upload.attempt += 1
            before = _last_stored(session, name)
            if before is not None:
                upload.difference = _difference(before, _as_confirmed(upload.proposal, confirmed))
            if not row.schema:
                row.state = "storing"
            return queue_storing(self._runs, session, upload, subject).id

    def rows(self) -> list[tuple[DatasetRow, DatasetUploadRow | None, DatasetVersionRow | None]]:
        """Return every dataset by name, with its newest file and its newest version."""
        with self._database.reading() as session:
            shown = select(DatasetRow).where(DatasetRow.state != DELETING).order_by(DatasetRow.name)
            found = session.scalars(shown).all()
            return [(row, _newest(session, row.name), _last_version(session, row.name)) for row in found]

    def row(
        self, name: str
    ) -> tuple[DatasetRow, DatasetUploadRow | None, DatasetVersionRow | None, list[str]]:
        """Return a dataset, its newest file, its newest version, its models; raises `NotFound`."""
        with self._database.reading() as session:
            row = _find(session, name)
            return row, _newest(session, name), _last_version(session, name), _models(session, name)

    def versions(self, name: str) -> list[tuple[DatasetVersionRow, DatasetUploadRow | None]]:
        """Return a dataset's versions, newest first, with the files they were; raises `NotFound`."""
        with self._database.reading() as session:
            _find(session, name)
            versions = select(DatasetVersionRow).where(DatasetVersionRow.dataset == name)
            stored = select(DatasetUploadRow).where(
                DatasetUploadRow.dataset == name, DatasetUploadRow.state == "ready"
            )
            # The same table uploaded twice is one version: what made it is its first upload.
            ordered = stored.order_by(DatasetUploadRow.created_at.desc())
            uploads = {upload.version: upload for upload in session.scalars(ordered)}
            rows = session.scalars(versions.order_by(DatasetVersionRow.version.desc()))
            return [(row, uploads.get(row.version)) for row in rows]

    def delete(self, name: str) -> None:
        """Forget a dataset and drop its tables; raises `NotFound`, `Conflict` while something uses it.

        What is under DVC stays in its history. Interrupted, it goes on with the next `sweep`, or repeated.
        """
        with self._database.transaction() as session:
            row = _find(session, name, self._database, deleting=True)
            if models := _models(session, name):
                raise Conflict(
                    f"Dataset {name!r} cannot be deleted: model {models[0]!r} uses it.", models=models
                )
            if run := _open_run(session, name):
                raise Conflict(f"Dataset {name!r} cannot be deleted: run {run} works on it.", run=run)
            newest = _newest(session, name)
            if newest is not None and newest.state == "storing":
                raise Conflict(f"Dataset {name!r} cannot be deleted while it is being stored.")
            row.state = DELETING
        cancel_profiles(self._database, self._runs, name)
        self._drop(name)

    def _drop(self, name: str) -> None:
        """Drop what belongs to a dataset that is being deleted, and its own row after everything else."""
        with self._database.reading() as session:
            versions = list(
                session.scalars(select(DatasetVersionRow.version).where(DatasetVersionRow.dataset == name))
            )
            uploads = list(
                session.scalars(select(DatasetUploadRow.id).where(DatasetUploadRow.dataset == name))
            )
        warehouse = Warehouse(self._settings.warehouse_url)
        try:
            warehouse.drop(name, versions)
        finally:
            warehouse.close()
        self._clear(uploads)
        with self._database.transaction() as session:
            session.execute(delete(DatasetUploadRow).where(DatasetUploadRow.dataset == name))
            session.execute(delete(DatasetVersionRow).where(DatasetVersionRow.dataset == name))
            # Behind the versions: who keeps a profile holds its version, and finds it gone after this.
            session.execute(delete(DatasetProfileRow).where(DatasetProfileRow.dataset == name))
            session.execute(delete(DatasetRow).where(DatasetRow.name == name, DatasetRow.state == DELETING))

    def sweep(self) -> None:
        """Finish what broke off with a process: deletions, and the folders of uploads that it took."""
        with self._database.reading() as session:
            deleting = list(session.scalars(select(DatasetRow.name).where(DatasetRow.state == DELETING)))
        for name in deleting:
            try:
                self._drop(name)
            except SQLAlchemyError:
                log.warning("dataset_not_deleted", dataset=name, exc_info=True)
        folders = list(self._settings.uploads_dir.glob("*"))
        with self._database.reading() as session:
            needed = select(DatasetUploadRow.id).where(DatasetUploadRow.state != "ready")
            known = set(session.scalars(needed))
        for folder in folders:
            if folder.name not in known and time.time() - folder.stat().st_mtime > FORGOTTEN_S:
                shutil.rmtree(folder, ignore_errors=True)

    def _read(self, folder: Path, filename: str, hints: Mapping[str, Any]) -> dict[str, Any]:
        """Have a child process read a file; it has its time, and its memory goes with it."""
        child = Child(self._settings, folder)
        late = Timer(self._settings.max_reading_s, child.kill)
        late.start()
        try:
            return child.ask("propose", filename=filename, hints=dict(hints))
        except ChildGoneError as error:
            log.warning("upload_not_read", upload=folder.name, error=str(error))
            if late.is_alive():
                raise NotReady(
                    "The file could not be read, probably for want of memory: upload it in parts."
                ) from error
            raise TooLarge(
                f"Reading the file takes more than {self._settings.max_reading_s:g} s: upload it as Parquet."
            ) from error
        finally:
            late.cancel()
            child.close()

    def _clear(self, uploads: list[str]) -> None:
        for upload in uploads:
            shutil.rmtree(self._settings.uploads_dir / upload, ignore_errors=True)


def _carry_over(before: DatasetUploadRow, upload: DatasetUploadRow) -> None:
    """Propose what was confirmed of the version before, as far as it fits, and say what is different."""
    confirmed = Confirmed.model_validate(before.confirmed)
    types = {column["name"]: column["type"] for column in before.proposal["columns"]}
    columns = []
    for column in upload.proposal["columns"]:
        known = confirmed.columns.get(column["name"])
        if known is not None:
            column = {**column, "renamed": known.name if known.name != column["name"] else None}  # noqa: PLW2901
            if types[column["name"]] == column["type"] and column["distinct"]:
                column |= {"kind": known.kind, "reason": f"As in version {before.version}."}
        columns.append(column)
    target = next(name for name, one in confirmed.columns.items() if one.name == confirmed.target)
    names = {column["name"] for column in columns}
    upload.proposal = {
        **upload.proposal,
        "columns": columns,
        "target": target if target in names else upload.proposal["target"],
    }
    upload.difference = _difference(before, upload.proposal)


def _difference(before: DatasetUploadRow, proposal: Mapping[str, Any]) -> dict[str, Any]:
    confirmed = Confirmed.model_validate(before.confirmed)
    names = {name: column.name for name, column in confirmed.columns.items()}
    return compare(_as_confirmed(before.proposal, confirmed), proposal, names, before.version or 0)


def _as_confirmed(proposal: Mapping[str, Any], confirmed: Confirmed) -> dict[str, Any]:
    """Return a proposal with the names and kinds that a person gave."""
    return {
        **proposal,
        "columns": [
            {**column, "kind": confirmed.columns[column["name"]].kind}
            | {"renamed": confirmed.columns[column["name"]].name}
            for column in proposal["columns"]
        ],
    }


def _find(session: Session, name: str, lock: Database | None = None, *, deleting: bool = False) -> DatasetRow:
    query = select(DatasetRow).where(DatasetRow.name == name)
    row = session.scalar(lock.lock(query) if lock else query)
    if row is None or (row.state == DELETING and not deleting):
        raise NotFound(f"There is no dataset {name!r}.")
    return row


def _newest(session: Session, name: str) -> DatasetUploadRow | None:
    query = select(DatasetUploadRow).where(DatasetUploadRow.dataset == name)
    return session.scalar(query.order_by(DatasetUploadRow.created_at.desc()).limit(1))


def _last_stored(session: Session, name: str) -> DatasetUploadRow | None:
    query = select(DatasetUploadRow).where(
        DatasetUploadRow.dataset == name, DatasetUploadRow.state == "ready"
    )
    return session.scalar(query.order_by(DatasetUploadRow.created_at.desc()).limit(1))


def _last_version(session: Session, name: str) -> DatasetVersionRow | None:
    query = select(DatasetVersionRow).where(
        DatasetVersionRow.dataset == name, DatasetVersionRow.kind == "upload"
    )
    return session.scalar(query.order_by(DatasetVersionRow.version.desc()).limit(1))


def _open_run(session: Session, name: str) -> str | None:
    """Return a run that needs the dataset; one that only looks into it is no reason to keep it."""
    return open_run(session, dataset=name, other_than=PROFILE)


def _models(session: Session, name: str) -> list[str]:
    return list(
        session.scalars(select(ModelRow.name).where(ModelRow.dataset == name).order_by(ModelRow.name))
    )
