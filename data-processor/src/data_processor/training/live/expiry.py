"""Deletes the checkpoints of live runs that ended long ago, or whose model is gone; their curves stay."""

from datetime import timedelta

import structlog
from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import Session

from data_processor.adapters.object_store import ObjectStore
from data_processor.database import Database
from data_processor.rows import LiveCheckpointRow, LiveRunRow, ModelRow, RunRow
from data_processor.runs.repository import open_runs
from data_processor.service.database import now
from data_processor.settings import Settings
from data_processor.training.live.repository import KIND, PREFIX

log = structlog.get_logger(__name__)


class CheckpointExpiry:
    """Deletes old checkpoints; used by the leader of a stage's workers."""

    def __init__(self, settings: Settings, database: Database, store: ObjectStore) -> None:
        """Keep checkpoints for as long as the settings say."""
        self._keep = timedelta(days=settings.live_runs_keep_days)
        self._stage = settings.stage
        self._database = database
        self._store = store

    def sweep(self) -> None:
        """Delete what is too old by now; raises `ObjectStoreError`."""
        with self._database.reading() as session:
            runs = self._old(session)
        for run in runs:
            for stored in list(self._store.listed(f"{PREFIX}/{run}/")):
                self._store.delete(stored.key)
            with self._database.transaction() as session:
                session.execute(delete(LiveCheckpointRow).where(LiveCheckpointRow.run == run))
        if runs:
            log.info("live_runs_expired", runs=len(runs))

    def _old(self, session: Session) -> list[str]:
        """Return the ended runs whose checkpoints nobody can ask for, or that are too old to be asked for."""
        orphaned = ~exists().where(ModelRow.name == RunRow.model)
        query = (
            select(LiveRunRow.run)
            .join(RunRow, RunRow.id == LiveRunRow.run)
            .where(
                RunRow.stage == self._stage,
                RunRow.finished_at.is_not(None),
                or_(RunRow.finished_at < now() - self._keep, orphaned),
                exists().where(LiveCheckpointRow.run == LiveRunRow.run),
            )
        )
        forks = [row.id for row in open_runs(session, kinds=[KIND])]
        needed = set(session.scalars(select(LiveRunRow.parent).where(LiveRunRow.run.in_(forks))))
        keeping = open_runs(session, kinds=["training"])
        needed |= {row.options["live"]["run"] for row in keeping if "live" in row.options}
        return [run for run in session.scalars(query) if run not in needed]
