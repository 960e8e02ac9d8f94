"""What needs a model or one of its versions, so that it cannot be deleted."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from data_processor.models.repository import serving_versions
from data_processor.rows import ModelRow, VersionRow, WatchRow
from data_processor.runs.repository import open_run
from data_processor.service.errors import Conflict


def uses_of(session: Session, model: str) -> dict[str, str]:
    """Return which versions of a model are needed, and why; what a stage serves overrides other reasons."""
    uses: dict[str, str] = {}
    row = session.get(ModelRow, model)
    if row is not None and row.built_in:
        first = select(VersionRow.version).where(VersionRow.model == model).order_by(VersionRow.created_at)
        if version := session.scalar(first.limit(1)):
            uses[version] = "it is the first version of this default model, which is kept for comparison"
    watches = session.scalars(select(WatchRow).where(WatchRow.model == model, WatchRow.state == "open"))
    for watch in watches:
        uses[watch.predecessor] = f"the watch over version {watch.version} still compares with it"
    for stage, version in serving_versions(session, model).items():
        uses[version] = f"stage {stage!r} points to it"
    return uses


def why_kept(session: Session, row: ModelRow) -> Conflict | None:
    """Return why a model cannot be deleted, if it cannot."""
    name = f"Model {row.name!r} cannot be deleted:"
    if row.built_in:
        return Conflict(
            f"{name} it is a default model, which is kept so that others can be compared with it."
        )
    if used := uses_of(session, row.name):
        version, use = next(iter(used.items()))
        return Conflict(f"{name} version {version} is needed, because {use}.")
    if run := open_run(session, model=row.name):
        return Conflict(f"{name} run {run} is still open.", run=run)
    return None
