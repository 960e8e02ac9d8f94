"""A gallery that has grown: when a new recogniser is worth a run, and the run that is opened for it."""

from datetime import timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from data_processor.caller import PLATFORM
from data_processor.database import Database
from data_processor.models.policy import Policy
from data_processor.models.repository import current_entries
from data_processor.rows import DatasetVersionRow, FacePictureRow, ModelRow, PersonRow, RunRow, VersionRow
from data_processor.runs.repository import open_training_run
from data_processor.runs.service import Runs
from data_processor.service.database import now
from data_processor.settings import Settings
from data_processor.tasks.registry import picture_task

GROWN = 2
"""So many times the pictures of the last snapshot, and a run is worth it."""
FEWEST_PERSONS, FEWEST_PICTURES = 5, 3
"""So many persons with so many pictures each are the least to learn from."""


class GalleryGrowth:
    """Opens runs for galleries that have grown; used by the leader of a stage's workers."""

    def __init__(self, database: Database, settings: Settings) -> None:
        """Open runs in the records, if the settings say that this stage does."""
        self._database = database
        self._stage = settings.stage
        self._enabled = settings.controller_enabled
        self._runs = Runs(database, settings.stage)

    def poll(self) -> None:
        """Open a run for each model whose gallery has grown enough since it was last learnt from."""
        if not self._enabled:
            return
        with self._database.reading() as session:
            models = [row for row in session.scalars(select(ModelRow)) if picture_task(row.task) is not None]
            serving = current_entries(session, self._stage) if models else {}
        for model in models:
            if model.name in serving:
                self._open(model, serving[model.name].version)

    def _open(self, model: ModelRow, version: str) -> None:
        with self._database.transaction() as session:
            session.execute(self._database.lock(select(ModelRow.name).where(ModelRow.name == model.name)))
            pictures, learnt = _enrolled(session, model.name), _learnt(session, model.name, version)
            worth_it = pictures >= GROWN * learnt and _persons(session, model.name) >= FEWEST_PERSONS
            if not worth_it or open_training_run(session, model.name) or _too_soon(session, model):
                return
            self._runs.open(
                session,
                model.name,
                trigger="upload",
                reason=f"The gallery has {pictures} pictures; the last run learnt from {learnt}.",
                subject=PLATFORM,
            )


def _enrolled(session: Session, model: str) -> int:
    query = select(func.count(FacePictureRow.id)).join(PersonRow, PersonRow.id == FacePictureRow.person)
    return session.scalar(query.where(*_mine(model))) or 0


def _persons(session: Session, model: str) -> int:
    """Count the persons with enough pictures to learn from."""
    query = select(FacePictureRow.person).join(PersonRow, PersonRow.id == FacePictureRow.person)
    enough = query.where(*_mine(model)).group_by(FacePictureRow.person)
    enough = enough.having(func.count(FacePictureRow.id) >= FEWEST_PICTURES)
    return session.scalar(select(func.count()).select_from(enough.subquery())) or 0


def _mine(model: str) -> tuple[ColumnElement[bool], ...]:
    return (
        FacePictureRow.model == model,
        FacePictureRow.kind == "enrolled",
        PersonRow.forgotten_at.is_(None),
    )


def _learnt(session: Session, model: str, version: str) -> int:
    """Return how many pictures the last run learnt from, whatever the gate said of what it found."""
    row = session.get(VersionRow, (model, version))
    lineage = row.manifest["lineage"] if row is not None else {}
    last = session.scalar(
        select(func.max(RunRow.dataset_version)).where(RunRow.model == model, RunRow.kind == "training")
    )
    number = max(last or 0, lineage.get("dataset_version", 0))
    found = session.get(DatasetVersionRow, (lineage.get("dataset", model), number))
    return found.rows if found is not None else 0


def _too_soon(session: Session, model: ModelRow) -> bool:
    """Say whether the last run ended less than the policy's cool-down ago."""
    query = select(func.max(RunRow.finished_at)).where(
        RunRow.model == model.name, RunRow.kind == "training", RunRow.trigger != "initial"
    )
    ended = session.scalar(query)
    pause = timedelta(seconds=Policy.model_validate(model.policy).cooldown_s)
    return ended is not None and now() - ended < pause
