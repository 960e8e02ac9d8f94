"""Datasets that are deleted: everything that belongs to one goes, and what was interrupted is finished."""

import shutil
import time
from collections.abc import Iterable

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.datasets.exploration.profiles import KIND as PROFILE
from data_processor.datasets.exploration.profiles import cancel_profiles
from data_processor.datasets.repository import find_dataset, models_on, newest_upload, versions_of
from data_processor.datasets.warehouse import Warehouse
from data_processor.rows import (
    DELETING,
    DatasetProfileRow,
    DatasetRow,
    DatasetUploadRow,
    DatasetVersionRow,
)
from data_processor.runs.repository import open_run
from data_processor.runs.service import Runs
from data_processor.service.errors import Conflict
from data_processor.settings import Settings

FORGOTTEN_S = 24 * 3600
"""A folder of this age that no upload needs was left by a process that died."""

log = structlog.get_logger(__name__)


class Deletion:
    """Deletes datasets."""

    def __init__(self, settings: Settings, database: Database, runs: Runs) -> None:
        """Delete rows in the database, tables in the warehouse, and files below `uploads_dir`."""
        self._settings = settings
        self._database = database
        self._runs = runs

    def delete(self, name: str) -> None:
        """Forget a dataset and drop its tables; raises `NotFound`, `Conflict` while something uses it.

        What is under DVC stays in its history. The next `sweep`, or a repeated call, finishes an interrupted
        deletion.
        """
        with self._database.transaction() as session:
            row = find_dataset(session, name, self._database, deleting=True)
            if models := models_on(session, name):
                raise Conflict(
                    f"Dataset {name!r} cannot be deleted: model {models[0]!r} uses it.", models=models
                )
            if run := _open_run(session, name):
                raise Conflict(f"Dataset {name!r} cannot be deleted: run {run} works on it.", run=run)
            newest = newest_upload(session, name)
            if newest is not None and newest.state == "storing":
                raise Conflict(f"Dataset {name!r} cannot be deleted while it is being stored.")
            row.state = DELETING
        cancel_profiles(self._database, self._runs, name)
        self._drop(name)

    def _drop(self, name: str) -> None:
        """Drop what belongs to a dataset that is being deleted, and its own row after everything else."""
        with self._database.reading() as session:
            versions = [row.version for row in versions_of(session, name)]
            uploads = list(
                session.scalars(select(DatasetUploadRow.id).where(DatasetUploadRow.dataset == name))
            )
        warehouse = Warehouse(self._settings.warehouse_url)
        try:
            warehouse.drop(name, versions)
        finally:
            warehouse.close()
        clear_uploads(self._settings, uploads)
        with self._database.transaction() as session:
            session.execute(delete(DatasetUploadRow).where(DatasetUploadRow.dataset == name))
            session.execute(delete(DatasetVersionRow).where(DatasetVersionRow.dataset == name))
            # After the versions: whoever stores a profile locks its version, and finds it gone after this.
            session.execute(delete(DatasetProfileRow).where(DatasetProfileRow.dataset == name))
            session.execute(delete(DatasetRow).where(DatasetRow.name == name, DatasetRow.state == DELETING))

    def sweep(self) -> None:
        """Finish what a process left when it died: deletions, and the folders of uploads."""
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


def clear_uploads(settings: Settings, uploads: Iterable[str]) -> None:
    """Remove the folders of uploads."""
    for upload in uploads:
        shutil.rmtree(settings.uploads_dir / upload, ignore_errors=True)


def _open_run(session: Session, name: str) -> str | None:
    """Return a run that needs the dataset; a run that only computes its profile does not."""
    return open_run(session, dataset=name, other_than=PROFILE)
