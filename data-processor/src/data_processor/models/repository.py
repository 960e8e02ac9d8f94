"""Queries on models, their versions and the entries of the ledger, for every room that asks.

Only `registry.py` adds and deletes models and versions, and only `ledger.py` adds entries.
"""

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.rows import ModelRow, PromotionRow, VersionRow
from data_processor.service.errors import Conflict, NotFound
from data_processor.tasks.registry import picture_task


def find_model(session: Session, name: str, lock: Database | None = None) -> ModelRow:
    """Return a model, locked until the transaction ends if a database is given; raises `NotFound`."""
    query = select(ModelRow).where(ModelRow.name == name)
    row = session.scalar(lock.lock(query) if lock else query)
    if row is None:
        raise NotFound(f"There is no model {name!r}.")
    return row


def require_rows(row: ModelRow, why: str) -> None:
    """Raise `Conflict` with a sentence for a model that takes pictures, if something is for rows alone."""
    if picture_task(row.task) is not None:
        raise Conflict(f"Model {row.name!r} recognises faces. {why}")


def find_version(session: Session, model: str, version: str) -> VersionRow:
    """Return a version of a model; raises `NotFound`."""
    row = session.get(VersionRow, (model, version))
    if row is None:
        raise NotFound(f"Model {model!r} has no version {version!r}.")
    return row


def current_entry(session: Session, model: str, stage: str) -> PromotionRow | None:
    """Return the last entry of a stage, which says what it serves; None before the first."""
    return session.scalar(_newest_first(model, stage).limit(1))


def current_entries(session: Session, stage: str) -> dict[str, PromotionRow]:
    """Return the last entry of every model that a stage serves, by model."""
    last = (
        select(PromotionRow.model, func.max(PromotionRow.seq).label("seq"))
        .where(PromotionRow.stage == stage)
        .group_by(PromotionRow.model)
        .subquery()
    )
    query = (
        select(PromotionRow)
        .join(last, (PromotionRow.model == last.c.model) & (PromotionRow.seq == last.c.seq))
        .where(PromotionRow.stage == stage)
    )
    return {entry.model: entry for entry in session.scalars(query)}


def count_entries(session: Session, stage: str, subject: str) -> list[tuple[str, str, bool, int]]:
    """Return how many entries a stage has: model, kind, whether they are `subject`'s, and the number."""
    own = PromotionRow.subject == subject
    query = select(PromotionRow.model, PromotionRow.kind, own, func.count()).where(
        PromotionRow.stage == stage
    )
    return [
        (model, kind, bool(theirs), count)
        for model, kind, theirs, count in session.execute(
            query.where(PromotionRow.stage == stage).group_by(PromotionRow.model, PromotionRow.kind, own)
        )
    ]


def serving_version(session: Session, model: str, stage: str) -> str | None:
    """Return the version of a model that a stage serves, if any."""
    query = _newest_first(model, stage).with_only_columns(PromotionRow.version)
    return session.scalar(query.limit(1))


def serving_versions(session: Session, model: str) -> dict[str, str]:
    """Return the version of a model that each stage serves, by stage."""
    query = select(PromotionRow.stage, PromotionRow.version).where(PromotionRow.model == model)
    return {row.stage: row.version for row in session.execute(query.order_by(PromotionRow.seq))}


def has_served(session: Session, model: str, stage: str, version: str) -> bool:
    """Return whether a stage serves a version or did so before."""
    return served_by(session, model, stage, version) is not None


def served_by(session: Session, model: str, stage: str, version: str) -> str | None:
    """Return the id of the last entry by which a stage served a version, or None if it never did."""
    query = _newest_first(model, stage).where(PromotionRow.version == version)
    return session.scalar(query.with_only_columns(PromotionRow.id).limit(1))


def stage_history(session: Session, model: str, stage: str) -> list[PromotionRow]:
    """Return every entry of a stage, oldest first."""
    return list(session.scalars(_newest_first(model, stage)))[::-1]


def promotion_by(session: Session, model: str, stage: str, *, run: str, version: str) -> PromotionRow | None:
    """Return the entry by which a run promoted a version, if it did."""
    made = (PromotionRow.run == run, PromotionRow.version == version, PromotionRow.kind == "promotion")
    return session.scalar(_newest_first(model, stage).where(*made).limit(1))


def version_before(session: Session, model: str, stage: str) -> str | None:
    """Return the version that a rollback of the stage returns to: the one before it that still exists."""
    earlier: list[str] = []
    for entry in stage_history(session, model, stage):
        if entry.kind == "rollback":
            while earlier and earlier[-1] != entry.version:
                earlier.pop()
            earlier = earlier or [entry.version]
        else:
            earlier.append(entry.version)
    existing = set(session.scalars(select(VersionRow.version).where(VersionRow.model == model)))
    return next((version for version in reversed(earlier[:-1]) if version in existing), None)


def _newest_first(model: str, stage: str) -> Select[PromotionRow]:
    mine = (PromotionRow.model == model) & (PromotionRow.stage == stage)
    return select(PromotionRow).where(mine).order_by(PromotionRow.seq.desc())
