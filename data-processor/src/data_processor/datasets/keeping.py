"""The worker's part: confirmed uploads become versions, one after the other, whatever happens in between."""

import shutil
from collections.abc import Callable
from typing import Any

import structlog
from dbos import DBOS
from sqlalchemy import select

from data_processor.database import Database, DatasetRow, DatasetUploadRow
from data_processor.settings import Settings
from data_processor.training.child import Child, ChildFailedError, ChildGoneError
from data_processor.training.runs import Runs
from data_processor.training.texts.defaults import plant_defaults

WORKFLOW = "keep_dataset"

log = structlog.get_logger(__name__)


class Keeping:
    """Stores confirmed uploads."""

    def __init__(self, settings: Settings, database: Database) -> None:
        """Work with these settings and records."""
        self._settings = settings
        self._database = database

    def waiting(self) -> list[tuple[str, int]]:
        """Return the uploads to be stored, and which attempt it is."""
        with self._database.reading() as session:
            rows = session.scalars(select(DatasetUploadRow).where(DatasetUploadRow.state == "storing"))
            return [(row.id, row.attempt) for row in rows]

    def store(self, upload: str) -> dict[str, Any]:
        """Store an upload in a child process; repeating it makes no other version."""
        child = Child(self._settings, self._settings.uploads_dir / upload)
        try:
            return {"stored": child.ask("store_upload", upload=upload)}
        except (ChildFailedError, ChildGoneError) as error:
            return {"error": str(error)}
        finally:
            child.close()

    def finish(self, upload: str, outcome: dict[str, Any]) -> None:
        """Write down what became of an upload; its files are not needed once it is a version."""
        stored, error = outcome.get("stored"), outcome.get("error")
        with self._database.transaction() as session:
            row = session.get(DatasetUploadRow, upload)
            if row is None or row.state != "storing":
                return
            dataset = session.get_one(DatasetRow, row.dataset)
            row.state, row.error = ("failed", error) if stored is None else ("ready", None)
            if stored is not None:
                row.stored, row.version = stored, stored["version"]
                plant_defaults(session, Runs(self._database, self._settings.stage), dataset)
            elif not dataset.schema:
                dataset.state = "failed"
            name, version = row.dataset, row.version
        if stored is not None:
            shutil.rmtree(self._settings.uploads_dir / upload, ignore_errors=True)
        log.info("dataset_kept", dataset=name, version=version, error=error)


def define_keeping(work: Keeping) -> Callable[[str, int], str]:
    """Register the workflow with DBOS and return it; call before `DBOS.launch()`."""

    @DBOS.workflow(name=WORKFLOW)
    def keep_dataset(upload: str, attempt: int) -> str:
        del attempt  # it makes each try a job of its own
        outcome = DBOS.run_step({"name": "store"}, work.store, upload)
        DBOS.run_step({"name": "finish"}, work.finish, upload, outcome)
        return "failed" if "error" in outcome else "ready"

    return keep_dataset
