"""When inputs are compared: after so many predictions, and daily; and how long reports are kept."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from data_processor.adapters.object_store import ObjectStore
from data_processor.caller import PLATFORM
from data_processor.database import Database
from data_processor.models.policy import Policy
from data_processor.models.repository import current_entries, find_model
from data_processor.predictions.records import Answered, PredictionStore, id_at
from data_processor.rows import DriftReportRow, ModelRow, PromotionRow, RunRow
from data_processor.runs.repository import open_run
from data_processor.runs.service import Runs
from data_processor.service.database import now
from data_processor.settings import Settings
from data_processor.tasks.registry import picture_task

KIND = "drift"
DAILY = timedelta(days=1)
AGAIN_AFTER = timedelta(hours=1)
"""After a run that failed or was cancelled, the next one waits so long."""

log = structlog.get_logger(__name__)


class DriftSchedule:
    """Queues the drift runs of a stage; used by the leader of its workers."""

    def __init__(
        self, settings: Settings, database: Database, predictions: PredictionStore, store: ObjectStore
    ) -> None:
        """Queue runs in the records."""
        self._stage = settings.stage
        self._kept = settings.drift_reports_kept
        self._database = database
        self._predictions = predictions
        self._store = store
        self._runs = Runs(database, settings.stage)

    def poll(self) -> None:
        """Queue a run for each model for which one is due."""
        self._predictions.create_tables()
        with self._database.reading() as session:
            serving = current_entries(session, self._stage)
        for model, entry in serving.items():
            with self._database.reading() as session:
                row = session.get(ModelRow, model)
                for_rows = row is not None and picture_task(row.task) is None
                reason = self._due(session, row, entry) if row is not None and for_rows else None
            if reason is not None:
                self._queue(model, reason)

    def sweep(self) -> None:
        """Delete the reports of models that are gone, and of others all but the newest."""
        for row in self._expired():
            if row.page is not None:
                self._store.delete(row.page)
            with self._database.transaction() as session:
                if (found := session.get(DriftReportRow, row.id)) is not None:
                    session.delete(found)
            log.info("drift_report_deleted", model=row.model, report=row.id)

    def _due(self, session: Session, model: ModelRow, entry: PromotionRow) -> str | None:
        """Say why a comparison is due, if it is."""
        last = last_report(session, model.name, self._stage, entry.version)
        since = last.at if last is not None else entry.at
        if (failed := _last_failure(session, model.name, self._stage)) and now() - failed < AGAIN_AFTER:
            return None
        policy = Policy.model_validate(model.policy)
        after = max(last.last_prediction if last is not None else "", "" if last else id_at(entry.at))
        mine = Answered(model.name, self._stage, entry.version, policy.use_pinned, after)
        new = self._predictions.count_answered_by(mine, policy.drift_every)
        if new >= policy.drift_every:
            return f"{new} predictions were made since the last comparison."
        if new and now() - since >= DAILY:
            return "A day has passed since the last comparison."
        return None

    def _queue(self, model: str, reason: str) -> None:
        with self._database.transaction() as session:
            find_model(session, model, self._database)  # locked: nobody else queues one meanwhile
            if open_run(session, model=model, kinds=[KIND]) is None:
                self._runs.queue(session, KIND, model=model, trigger="drift", reason=reason, subject=PLATFORM)

    def _expired(self) -> list[DriftReportRow]:
        query = select(DriftReportRow).where(DriftReportRow.stage == self._stage)
        with self._database.reading() as session:
            rows = session.scalars(query.order_by(DriftReportRow.at.desc(), DriftReportRow.id)).all()
            models = set(session.scalars(select(ModelRow.name)))
        kept: dict[str, int] = {}
        expired = []
        for row in rows:
            kept[row.model] = kept.get(row.model, 0) + 1
            if row.model not in models or kept[row.model] > self._kept:
                expired.append(row)
        return expired


def last_report(session: Session, model: str, stage: str, version: str) -> DriftReportRow | None:
    """Return the newest report on a version, if there is one."""
    query = select(DriftReportRow).where(
        DriftReportRow.model == model, DriftReportRow.stage == stage, DriftReportRow.version == version
    )
    return session.scalar(query.order_by(DriftReportRow.at.desc()).limit(1))


def _last_failure(session: Session, model: str, stage: str) -> datetime | None:
    """Return when the last drift run ended, if that came to nothing."""
    query = select(RunRow).where(RunRow.model == model, RunRow.stage == stage, RunRow.kind == KIND)
    last = session.scalar(query.order_by(RunRow.created_at.desc()).limit(1))
    return last.finished_at if last is not None and last.status in ("failed", "cancelled") else None
