"""Queries on open runs, queued or running: what a stage has to do, and what holds a model or a dataset."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from data_processor.rows import OPEN_RUN, RunRow


def open_runs(
    session: Session,
    *,
    stage: str | None = None,
    dataset: str | None = None,
    kinds: Collection[str] | None = None,
) -> list[RunRow]:
    """Return the open runs that match, oldest first."""
    found = session.scalars(_open(select(RunRow), kinds, stage=stage, dataset=dataset))
    return sorted(found, key=lambda row: row.created_at)


def open_run(
    session: Session,
    *,
    model: str | None = None,
    dataset: str | None = None,
    kinds: Collection[str] | None = None,
    other_than: str | None = None,
) -> str | None:
    """Return the id of an open run that matches and is not of the kind `other_than`, if there is one."""
    query = _open(select(RunRow.id), kinds, model=model, dataset=dataset)
    if other_than is not None:
        query = query.where(RunRow.kind != other_than)
    found: str | None = session.scalar(query.limit(1))
    return found


def open_training_run(session: Session, model: str) -> str | None:
    """Return the id of the training run that holds a model, if one is open; there is at most one."""
    return open_run(session, model=model, kinds=["training"])


def _open(
    query: Select[Any],
    kinds: Collection[str] | None,
    *,
    stage: str | None = None,
    model: str | None = None,
    dataset: str | None = None,
) -> Select[Any]:
    query = query.where(RunRow.status.in_(OPEN_RUN))
    for column, wanted in ((RunRow.stage, stage), (RunRow.model, model), (RunRow.dataset, dataset)):
        if wanted is not None:
            query = query.where(column == wanted)
    return query if kinds is None else query.where(RunRow.kind.in_(kinds))
