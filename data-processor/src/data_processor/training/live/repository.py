"""Queries on live runs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.rows import LiveCheckpointRow, LiveCommandRow, LiveRunRow, RunRow
from data_processor.runs.events import append
from data_processor.service.database import now
from data_processor.service.errors import Conflict, NotFound

KIND = "live"
PREFIX = "live-runs"
"""How the names of their objects begin."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A change of hyperparameters that a run applied."""

    number: int
    """1, 2, 3 … within the run."""
    seq: int | None
    at: datetime
    subject: str
    epoch: int
    row: int
    """Where the run stood: whole epochs, and rows of the next one."""
    changes: dict[str, Any]
    """By hyperparameter `{"from", "to"}`."""

    @property
    def values(self) -> dict[str, Any]:
        """What it set."""
        return {name: change["to"] for name, change in self.changes.items()}


def find(session: Session, run: str, lock: Database | None = None) -> tuple[RunRow, LiveRunRow]:
    """Return the rows of a live run, the first locked if asked.

    Raises `NotFound`, and `Conflict` for a run of another kind.
    """
    query = select(RunRow).where(RunRow.id == run)
    row = session.scalar(lock.lock(query) if lock else query)
    if row is None:
        raise NotFound(f"There is no run {run!r}.")
    live = session.get(LiveRunRow, run)
    if live is None:
        raise Conflict(f"Run {run} is a run of kind {row.kind!r}, and no live run.", run=run)
    return row, live


def commands(session: Session, run: str, *, pending: bool = False) -> list[LiveCommandRow]:
    """Return what a run was told, in order; pending: only what it has not done yet."""
    query = select(LiveCommandRow).where(LiveCommandRow.run == run).order_by(LiveCommandRow.number)
    if pending:
        query = query.where(LiveCommandRow.done_at.is_(None))
    return list(session.scalars(query))


def changes(session: Session, run: str) -> list[Applied]:
    """Return the changes of hyperparameters that a run applied, in order."""
    query = select(LiveCommandRow).where(LiveCommandRow.run == run, LiveCommandRow.change.is_not(None))
    return [
        Applied(
            number=one.change or 0,
            seq=one.seq,
            at=one.done_at or one.at,
            subject=one.subject,
            epoch=one.epoch or 0,
            row=one.row or 0,
            changes=one.changes or {},
        )
        for one in session.scalars(query.order_by(LiveCommandRow.change))
    ]


def add_command(session: Session, command: LiveCommandRow) -> None:
    """Add a command as the next one; the caller holds the run's row."""
    query = select(func.max(LiveCommandRow.number)).where(LiveCommandRow.run == command.run)
    command.number = (session.scalar(query) or 0) + 1
    session.add(command)
    session.flush()


def refuse_waiting(session: Session, run: str) -> None:
    """Tell watchers what an ended run did not do any more; the caller holds its row."""
    for command in commands(session, run, pending=True):
        if command.kind == "hyperparameters":
            refuse(session, command, "The run ended before.")
        else:
            command.done_at = now()


def refuse(session: Session, command: LiveCommandRow, message: str) -> None:
    """Tell watchers why a change of hyperparameters is not made; the caller holds the run's row."""
    body = {
        "state": "refused",
        "subject": command.subject,
        "changes": {name: {"to": value} for name, value in command.body.items()},
        "message": message,
    }
    command.done_at, command.seq = now(), append(session, command.run, "hyperparameters", body)


def checkpoints(session: Session, run: str) -> list[LiveCheckpointRow]:
    """Return the checkpoints of a run, in order."""
    query = select(LiveCheckpointRow).where(LiveCheckpointRow.run == run)
    return list(session.scalars(query.order_by(LiveCheckpointRow.epoch, LiveCheckpointRow.row)))


def kept_by(session: Session, run: RunRow) -> list[str]:
    """Return the training runs that took a live run's weights to the gate, oldest first."""
    query = select(RunRow.id).where(
        RunRow.kind == "training",
        RunRow.model == run.model,
        RunRow.options["live"]["run"].as_string() == run.id,
    )
    return list(session.scalars(query.order_by(RunRow.created_at)))
