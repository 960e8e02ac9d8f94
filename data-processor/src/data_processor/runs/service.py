"""Runs of every kind: queued, listed, followed and cancelled here; the worker carries them out."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.notifications.events import record
from data_processor.rows import OPEN_RUN, ModelRow, RunResultRow, RunRow
from data_processor.runs.events import Event, append, read
from data_processor.runs.repository import open_training_run
from data_processor.service.database import now
from data_processor.service.errors import Conflict, NotFound

Trigger = Literal["score", "manual", "upload", "drift", "initial"]


class Runs:
    """The runs of one stage, for everybody but the worker."""

    def __init__(self, database: Database, stage: str) -> None:
        """Queue runs for this stage."""
        self._database = database
        self._stage = stage

    def open(
        self,
        session: Session | None,
        model: str,
        *,
        trigger: Trigger,
        reason: str,
        subject: str,
        options: dict[str, Any] | None = None,
    ) -> RunRow:
        """Queue a training run, inside the caller's transaction if one is given.

        Raises `Conflict` naming the open run if the model has one, `NotFound` for an unknown model.
        """
        with self._transaction(session) as held:
            found = held.get(ModelRow, model)
            if found is None:
                raise NotFound(f"There is no model {model!r}.")
            _refuse_second(held, model)
            try:
                row = self.queue(
                    held,
                    "training",
                    model=model,
                    dataset=found.dataset,
                    trigger=trigger,
                    reason=reason,
                    subject=subject,
                    options=options,
                )
            except IntegrityError:  # another process was faster, as the unique index shows
                _refuse_second(held, model)
                raise
            record(
                held,
                "run.opened",
                stage=self._stage,
                model=model,
                about=row.id,
                run=row.id,
                message=f"{subject} opened a training run of {model!r}. {reason}".strip(),
            )
            return row

    def queue(
        self,
        session: Session | None,
        kind: str,
        *,
        model: str = "",
        dataset: str | None = None,
        dataset_version: int | None = None,
        trigger: Trigger,
        reason: str,
        subject: str,
        options: dict[str, Any] | None = None,
    ) -> RunRow:
        """Queue a run of any kind (`wiring/kinds.py`), inside the caller's transaction if one is given."""
        row = RunRow(
            id=str(uuid4()),
            kind=kind,
            model=model,
            dataset=dataset,
            dataset_version=dataset_version,
            stage=self._stage,
            trigger=trigger,
            reason=reason,
            subject=subject,
            options=options or {},
        )
        with self._transaction(session) as held:
            with held.begin_nested():
                held.add(row)
            append(held, row.id, "status", {"status": "queued", "reason": reason, "subject": subject})
        return row

    def get(self, run: str) -> RunRow:
        """Return one run; raises `NotFound`."""
        with self._database.reading() as session:
            return _find(session, run)

    def page(
        self,
        model: str | None = None,
        status: str | None = None,
        kind: str | None = None,
        dataset: str | None = None,
        limit: int = 100,
    ) -> list[RunRow]:
        """Return the newest runs that match the filters."""
        query = select(RunRow).order_by(RunRow.created_at.desc(), RunRow.id).limit(limit)
        filters = (
            (RunRow.model, model),
            (RunRow.status, status),
            (RunRow.kind, kind),
            (RunRow.dataset, dataset),
        )
        for column, wanted in filters:
            if wanted is not None:
                query = query.where(column == wanted)
        with self._database.reading() as session:
            return list(session.scalars(query))

    def result(self, run: str) -> dict[str, Any] | None:
        """Return the result of a run that has one, e.g. an evaluation; else None."""
        with self._database.reading() as session:
            found = session.get(RunResultRow, run)
            return found.result if found is not None else None

    def cancel(self, run: str, subject: str) -> RunRow:
        """Cancel a run: a queued one ends now, a running one as soon as its worker notices.

        Raises `Conflict` when the run has already ended in another way.
        """
        with self._database.transaction() as session:
            row = _find(session, run, self._database)
            if row.status == "queued":
                row.status, row.finished_at, row.cancel_requested = "cancelled", now(), True
                append(session, run, "status", {"status": "cancelled", "subject": subject})
            elif row.status == "running" and not row.cancel_requested:
                row.cancel_requested = True
                append(session, run, "log", {"level": "info", "message": f"{subject} cancelled this run."})
            elif row.status not in ("running", "cancelled"):
                raise Conflict(f"Run {run} has already {row.status}; it cannot be cancelled.", run=run)
            return row

    def events(self, run: str, after: int = 0) -> tuple[list[Event], bool]:
        """Return the events after number `after`, and whether no more will come; raises `NotFound`."""
        with self._database.reading() as session:
            # The status is read first: a run that has ended by then has written its last event.
            ended = _find(session, run).status not in OPEN_RUN
            events = read(session, run, after)
            return events, ended and not (events and read(session, run, events[-1].seq, limit=1))

    def durations(self, run: str) -> list[dict[str, Any]]:
        """Return how long each finished step took, in order: `[{"step", "seconds"}]`."""
        return [
            {"step": event.body["step"], "seconds": event.body["seconds"]}
            for event in self._all_events(run)
            if event.type == "step" and "seconds" in event.body
        ]

    def log(self, run: str) -> Iterator[str]:
        """Return the lines of the run's log; raises `NotFound` at once."""
        self.get(run)
        return (f"{event.as_text()}\n" for event in self._all_events(run))

    def _all_events(self, run: str) -> Iterator[Event]:
        last, more = 0, True
        while more:
            with self._database.reading() as session:
                events = read(session, run, last)
            yield from events
            more = bool(events)
            last = events[-1].seq if events else last

    @contextmanager
    def _transaction(self, session: Session | None) -> Iterator[Session]:
        with nullcontext(session) if session is not None else self._database.transaction() as held:
            yield held


def _find(session: Session, run: str, lock: Database | None = None) -> RunRow:
    query = select(RunRow).where(RunRow.id == run)
    row = session.scalar(lock.lock(query) if lock else query)
    if row is None:
        raise NotFound(f"There is no run {run!r}.")
    return row


def _refuse_second(session: Session, model: str) -> None:
    if run := open_training_run(session, model):
        raise Conflict(
            f"Run {run} of model {model!r} is still open; wait for it to end, or cancel it.", run=run
        )
