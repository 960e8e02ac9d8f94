"""Runs that store datasets: confirmed uploads become versions, one after the other, whatever happens."""

import shutil
from collections.abc import Callable

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from data_processor.caller import PLATFORM
from data_processor.database import Database
from data_processor.datasets.exploration.profiles import explore_stored
from data_processor.rows import OPEN_RUN, DatasetRow, DatasetUploadRow, RunResultRow, RunRow
from data_processor.runs.jobs import Work
from data_processor.runs.service import Runs
from data_processor.settings import Settings

Stored = Callable[[Session, Runs, DatasetRow], object]

STEPS = {"prepare": 0.4, "version": 0.5, "warehouse": 1.0}

log = structlog.get_logger(__name__)


class StoringRun(Work):
    """What is special about storing: an upload ends as its run does."""

    poll_s = 1.0

    def __init__(self, settings: Settings, database: Database, *, stored: Stored | None = None) -> None:
        """Work with these settings and records; over all workers, one at a time.

        `stored` is told of each dataset whose version was stored, in the transaction that says so.
        """
        super().__init__("dataset", STEPS, limits={"global_concurrency": 1})
        self._settings = settings
        self._database = database
        self._runs = Runs(database, settings.stage)
        self._stored = stored

    def close(self, session: Session, row: RunRow) -> None:
        """Record what became of the upload."""
        upload = session.get(DatasetUploadRow, row.options["upload"])
        if upload is None or upload.state != "storing" or upload.run != row.id:
            return
        dataset = session.get_one(DatasetRow, upload.dataset)
        found = session.get(RunResultRow, row.id)
        if row.status == "succeeded" and found is not None:
            upload.state, upload.error = "ready", None
            upload.stored, upload.version = found.result, found.result["version"]
            explore_stored(self._runs, session, upload.dataset, found.result["version"])
            if self._stored is not None:
                self._stored(session, self._runs, dataset)
        else:
            upload.state, upload.error = "failed", row.error or "Storing it was cancelled."
            if not dataset.schema:
                dataset.state = "failed"
        log.info("dataset_stored", dataset=upload.dataset, version=upload.version, error=upload.error)

    def clear(self, row: RunRow) -> None:
        """Remove the uploaded file once it is a version; before that, it can be confirmed again."""
        if row.status == "succeeded":
            shutil.rmtree(self._settings.uploads_dir / row.options["upload"], ignore_errors=True)

    def mend(self) -> None:
        """Let no upload wait in vain: its run was cancelled in the queue, or it is older than such runs."""
        with self._database.reading() as session:
            waiting = select(DatasetUploadRow.id).where(DatasetUploadRow.state == "storing")
            uploads = list(session.scalars(waiting))
        for found in uploads:
            with self._database.transaction() as session:
                # Held, so that the run that stores it cannot end in between.
                upload = session.get(DatasetUploadRow, found, with_for_update=True)
                if upload is None or upload.state != "storing":
                    continue
                row = session.get(RunRow, upload.run) if upload.run else None
                if row is None:
                    queue_storing(self._runs, session, upload, PLATFORM)
                elif row.status not in OPEN_RUN:
                    self.close(session, row)


def queue_storing(runs: Runs, session: Session, upload: DatasetUploadRow, subject: str) -> RunRow:
    """Queue the run that stores a confirmed upload, in the transaction that says so."""
    row = runs.queue(
        session,
        "dataset",
        dataset=upload.dataset,
        trigger="upload",
        reason=f"{subject} confirmed its columns.",
        subject=subject,
        options={"upload": upload.id},
    )
    upload.run = row.id
    return row
