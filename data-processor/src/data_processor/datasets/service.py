"""The datasets of this stack as people see them: proposed, confirmed, listed and deleted.

The heavy libraries are needed elsewhere only: a child process reads files, and the worker stores versions.
"""

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.datasets.confirmation import confirm
from data_processor.datasets.confirmed import SchemaConfirmation
from data_processor.datasets.deletion import clear_uploads
from data_processor.datasets.difference import as_confirmed, carry_over, difference
from data_processor.datasets.folder import SOURCE_FILE
from data_processor.datasets.readers import Readers
from data_processor.datasets.repository import (
    find_dataset,
    last_stored_upload,
    models_on,
    newest_upload,
    newest_uploaded_version,
    stored_uploads,
    versions_of,
)
from data_processor.datasets.storing_run import queue_storing
from data_processor.features.schema import Schema
from data_processor.rows import (
    DELETING,
    DatasetRow,
    DatasetUploadRow,
    DatasetVersionRow,
)
from data_processor.runs.service import Runs
from data_processor.service.errors import Conflict, FieldError, Invalid
from data_processor.settings import Settings
from data_processor.tasks.registry import picture_task


class DatasetService:
    """Accepts files and answers requests for datasets."""

    def __init__(self, settings: Settings, database: Database, runs: Runs) -> None:
        """Keep rows in the database and files below `uploads_dir` until a run has stored them."""
        self._settings = settings
        self._database = database
        self._runs = runs
        self._readers = Readers(settings)

    def new_folder(self) -> Path:
        """Return a new folder for one upload; whoever takes it removes it if nothing comes of it."""
        folder = self._settings.uploads_dir / uuid4().hex
        folder.mkdir(parents=True)
        return folder

    def check_free(self, name: str) -> None:
        """Raise `Conflict` while a file of this dataset is being stored."""
        with self._database.reading() as session:
            newest = newest_upload(session, name)
        if newest is not None and newest.state == "storing":
            raise Conflict(
                f"A file of dataset {name!r} is being stored; upload the next one when that is done."
            )

    async def read(self, folder: Path, name: str, filename: str, hints: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the columns of a dataset's file seem to be; raises as `Readers.read` does."""
        known = await asyncio.to_thread(self._known_columns, name)
        target = await asyncio.to_thread(self._former_target, name)
        return await self._readers.read(folder, filename, hints, known, target)

    def _known_columns(self, name: str) -> dict[str, Any]:
        """Return the columns of the dataset's last file, by their names in it."""
        with self._database.reading() as session:
            stored = session.get(DatasetRow, name)
            return columns_of(stored.schema) if stored is not None and stored.schema else {}

    def source_again(self, name: str) -> tuple[Path, str, dict[str, Any]]:
        """Return a new folder with the newest file of a dataset, the file's name, and how it was to be read.

        Raises `NotFound`, and `Conflict` unless the file still waits to be confirmed.
        """
        with self._database.reading() as session:
            row = find_dataset(session, name)
            upload = newest_upload(session, name)
        state = upload.state if upload else row.state
        if upload is None or state not in ("proposed", "failed"):
            raise Conflict(f"Dataset {name!r} is {state}: upload its file again to read it in another way.")
        source = self._settings.uploads_dir / upload.id / SOURCE_FILE
        folder = self.new_folder()
        try:
            os.link(source, folder / SOURCE_FILE)
        except FileNotFoundError as error:
            folder.rmdir()
            raise Conflict(f"The file of dataset {name!r} is gone: upload it again.") from error
        except OSError:  # some file systems know no links
            shutil.copyfile(source, folder / SOURCE_FILE)
        return folder, upload.proposal["file"]["name"], upload.proposal["file"]["hints"]

    def propose(self, folder: Path, name: str, found: Mapping[str, Any], subject: str) -> DatasetUploadRow:
        """Record what was found of the file in a folder; raises `Conflict` as `check_free` does."""
        with self._database.transaction() as session:
            row = session.scalar(self._database.lock(select(DatasetRow).where(DatasetRow.name == name)))
            if row is None:
                session.add(DatasetRow(name=name, task="", schema={}, state="proposed"))
                session.flush()
            elif picture_task(row.task) is not None:
                raise Conflict(
                    f"{name!r} is the gallery of a model for faces: give the dataset another name."
                )
            elif row.state == DELETING:
                raise Conflict(f"Dataset {name!r} is still being deleted: delete it once more, then upload.")
            newest = _free(session, name)
            replaced = []
            if newest is not None and newest.state != "ready":
                replaced.append(newest.id)
                session.delete(newest)
            upload = DatasetUploadRow(
                id=folder.name, dataset=name, state="proposed", proposal=dict(found), subject=subject
            )
            before = last_stored_upload(session, name)
            if before is not None:
                carry_over(before, upload)
            session.add(upload)
        clear_uploads(self._settings, replaced)
        return upload

    def confirm(self, name: str, asked: SchemaConfirmation, subject: str) -> str:
        """Have the newest file of a dataset stored with these columns; return the run that does it.

        Raises `NotFound`, `Conflict` if there is no file that waits for it, `Invalid` naming every bad field.
        """
        with self._database.transaction() as session:
            row = find_dataset(session, name, self._database)
            upload = newest_upload(session, name)
            if upload is None or upload.state not in ("proposed", "failed"):
                state = upload.state if upload else row.state
                raise Conflict(f"Dataset {name!r} is {state}: upload a file first, then confirm its columns.")
            models = models_on(session, name)
            used = Schema.model_validate(row.schema) if models and row.schema else None
            confirmed = confirm(asked, upload.proposal, used)
            upload.confirmed = confirmed.model_dump(mode="json")
            upload.state, upload.error = "storing", None
            upload.attempt += 1
            before = last_stored_upload(session, name)
            if before is not None:
                upload.difference = difference(before, as_confirmed(upload.proposal, confirmed))
            if not row.schema:
                row.state = "storing"
            return queue_storing(self._runs, session, upload, subject).id

    def rows(self) -> list[tuple[DatasetRow, DatasetUploadRow | None, DatasetVersionRow | None]]:
        """Return every dataset by name, with its newest file and its newest version."""
        with self._database.reading() as session:
            shown = select(DatasetRow).where(DatasetRow.state != DELETING).order_by(DatasetRow.name)
            found = session.scalars(shown).all()
            return [
                (row, newest_upload(session, row.name), newest_uploaded_version(session, row.name))
                for row in found
            ]

    def row(
        self, name: str
    ) -> tuple[DatasetRow, DatasetUploadRow | None, DatasetVersionRow | None, list[str]]:
        """Return a dataset, its newest file, its newest version, its models; raises `NotFound`."""
        with self._database.reading() as session:
            row = find_dataset(session, name)
            return (
                row,
                newest_upload(session, name),
                newest_uploaded_version(session, name),
                models_on(session, name),
            )

    def versions(self, name: str) -> list[tuple[DatasetVersionRow, DatasetUploadRow | None]]:
        """Return a dataset's versions, newest first, with the files they were; raises `NotFound`."""
        with self._database.reading() as session:
            find_dataset(session, name)
            # The same table uploaded twice is one version: its first upload made it.
            uploads = {upload.version: upload for upload in stored_uploads(session, name)}
            return [(row, uploads.get(row.version)) for row in reversed(versions_of(session, name))]

    async def audit(self, name: str, target: str) -> dict[str, Any]:
        """Return what the leak audit of a dataset's newest file says for a target, measured if it is another.

        Raises `NotFound`, `Conflict` once the file is stored, `Invalid` for a column that is not in it.
        """
        upload = await asyncio.to_thread(self._to_be_audited, name, target)
        found: dict[str, Any] | None = upload.proposal.get("holdout")
        if found is not None and found["target"] == target:
            return found
        folder = self._settings.uploads_dir / upload.id
        return await self._readers.audit(folder, upload.proposal["columns"], target)

    def _to_be_audited(self, name: str, target: str) -> DatasetUploadRow:
        with self._database.reading() as session:
            row, upload = find_dataset(session, name), newest_upload(session, name)
        if upload is None or upload.state not in ("proposed", "failed"):
            state = upload.state if upload else row.state
            raise Conflict(f"Dataset {name!r} is {state}: only a file that is not stored yet is looked at.")
        known = {column["name"]: column for column in upload.proposal["columns"]}
        if target not in known:
            message = f"There is no column {target!r}; there are {', '.join(map(repr, list(known)[:20]))}."
            errors: list[FieldError] = [{"loc": ["query", "target"], "message": message}]
            raise Invalid("Nothing was measured.", errors=errors)
        return upload

    def _former_target(self, name: str) -> str | None:
        """Return what the dataset's last stored file was confirmed to predict, by the column's name there."""
        with self._database.reading() as session:
            before = last_stored_upload(session, name)
        if before is None or before.confirmed is None:
            return None
        target, columns = before.confirmed["target"], before.confirmed["columns"]
        return next((place for place, column in columns.items() if column["name"] == target), None)


def columns_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a stored dataset, by their names in its file."""
    return {column.get("source") or column["name"]: column for column in schema["columns"]}


def _free(session: Session, name: str) -> DatasetUploadRow | None:
    """Return the newest file of a dataset; raises `Conflict` while it is being stored."""
    newest = newest_upload(session, name)
    if newest is not None and newest.state == "storing":
        raise Conflict(f"A file of dataset {name!r} is being stored; upload the next one when that is done.")
    return newest
