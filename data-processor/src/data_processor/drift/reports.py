"""Drift reports as people ask for them: listed, read, downloaded, and made on request."""

from typing import Any

from sqlalchemy import select

from data_processor.adapters.object_store import ObjectStore
from data_processor.database import Database
from data_processor.drift.schedule import KIND
from data_processor.drift.schemas import DriftReport, DriftReportShort, DriftRunStarted
from data_processor.models.repository import find_model, require_rows, serving_version
from data_processor.rows import DriftReportRow, RunRow
from data_processor.runs.repository import open_run
from data_processor.runs.service import Runs
from data_processor.service.errors import Conflict, NotFound


class DriftReports:
    """The drift reports of one stage."""

    def __init__(self, database: Database, runs: Runs, store: ObjectStore, stage: str) -> None:
        """Read reports in the records and pages in the store."""
        self._database = database
        self._runs = runs
        self._store = store
        self._stage = stage

    def page(self, model: str, limit: int) -> list[DriftReportShort]:
        """Return the newest reports of a model; raises `NotFound`."""
        mine = (DriftReportRow.model == model) & (DriftReportRow.stage == self._stage)
        query = select(DriftReportRow).where(mine).order_by(DriftReportRow.at.desc()).limit(limit)
        with self._database.reading() as session:
            find_model(session, model)
            return [DriftReportShort.model_validate(_described(row)) for row in session.scalars(query)]

    def get(self, model: str, report: str) -> DriftReport:
        """Return a report; raises `NotFound`."""
        return DriftReport.model_validate(_described(self._row(model, report)))

    def html(self, model: str, report: str) -> bytes:
        """Return the page of a report; raises `NotFound` and `ObjectStoreError`."""
        row = self._row(model, report)
        content = self._store.get(row.page) if row.page is not None else None
        if content is None:
            raise NotFound(f"The page of drift report {report!r} is no longer kept.")
        return content

    def make(self, model: str, subject: str) -> DriftRunStarted:
        """Queue a run that makes a report, or return the open one; raises `NotFound` and `Conflict`."""
        with self._database.transaction() as session:
            row = find_model(session, model, self._database)
            require_rows(row, "Drift is looked for in the columns of tables.")
            if serving_version(session, model, self._stage) is None:
                raise Conflict(
                    f"Stage {self._stage!r} serves no version of {model!r} yet: nothing can drift."
                )
            if run := open_run(session, model=model, kinds=[KIND]):
                return DriftRunStarted.model_validate(session.get_one(RunRow, run), from_attributes=True)
            queued = self._runs.queue(
                session,
                KIND,
                model=model,
                trigger="manual",
                reason=f"{subject} asked for it.",
                subject=subject,
            )
            return DriftRunStarted(id=queued.id, status="queued")

    def _row(self, model: str, report: str) -> DriftReportRow:
        with self._database.reading() as session:
            row = session.get(DriftReportRow, report)
        if row is None or row.model != model or row.stage != self._stage:
            raise NotFound(f"Model {model!r} has no drift report {report!r}.")
        return row


def _described(row: DriftReportRow) -> dict[str, Any]:
    known = {column.key: getattr(row, column.key) for column in DriftReportRow.__table__.columns}
    return {**known, "drifted": [one["feature"] for one in row.features if one["drifted"]]}
