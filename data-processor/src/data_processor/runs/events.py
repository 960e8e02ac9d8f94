"""The events of a run, in order: the source of its progress, its live events and its log."""

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.rows import RunEventRow, RunResultRow, RunRow

EventType = Literal["status", "step", "metric", "log", "hyperparameters"]
PAGE = 1000
"""The most events that one read returns."""
PROGRESS_EVERY_S = 0.5
"""The least seconds between two updates of a run's progress."""


@dataclass(frozen=True)
class Event:
    """One event of a run."""

    seq: int
    at: datetime
    type: str
    body: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the event as clients read it: `seq`, `at` and `type`, and the fields of its body."""
        return {"seq": self.seq, "at": rfc3339(self.at), "type": self.type, **self.body}

    def as_text(self) -> str:
        """Return the event as one paragraph of the run's log."""
        return f"{rfc3339(self.at)} {_words(self.type, self.body)}"


class RunLog:
    """Writes the events of one run, each in a transaction of its own."""

    def __init__(self, database: Database, run: str) -> None:
        """Write events of the run with this id."""
        self._database = database
        self._updated = 0.0
        self.run = run

    def append(
        self, kind: EventType, body: dict[str, Any], *, result: dict[str, Any] | None = None, **fields: Any
    ) -> None:
        """Append an event and, in the same transaction, set the result of the run and fields of its row."""
        with self._database.transaction() as session:
            row = session.scalars(self._database.lock(select(RunRow).where(RunRow.id == self.run))).one()
            for name, value in fields.items():
                setattr(row, name, value)
            if result is not None:
                session.merge(RunResultRow(run=self.run, result=result))
            append(session, self.run, kind, body)

    def say(self, message: str, level: Literal["info", "warning", "error"] = "info") -> None:
        """Append a sentence to the log."""
        self.append("log", {"level": level, "message": message})

    def progress(self, share: float) -> None:
        """Set which share of the run is done, 0 to 1; calls in quick succession are dropped."""
        if share < 1 and time.monotonic() - self._updated < PROGRESS_EVERY_S:
            return
        self._updated = time.monotonic()
        with self._database.transaction() as session:
            session.execute(update(RunRow).where(RunRow.id == self.run).values(progress=share))

    def metric(self, name: str, value: float, **labels: Any) -> None:
        """Append a measured value, e.g. the best loss so far."""
        self.append("metric", {"name": name, "value": value, **labels})

    def error(self, error: BaseException) -> None:
        """Append an exception with its traceback, which is shown nowhere but in the log."""
        text = "".join(traceback.format_exception(error))
        self.append("log", {"level": "error", "message": text.rstrip()})


def append(session: Session, run: str, kind: EventType, body: dict[str, Any]) -> int:
    """Append an event in the caller's transaction, which has locked the run's row; return its number."""
    return append_all(session, run, [(kind, body)])


def append_all(session: Session, run: str, events: Sequence[tuple[EventType, dict[str, Any]]]) -> int:
    """Append several events as `append` does; return the number of the last."""
    last: int = session.scalar(select(func.max(RunEventRow.seq)).where(RunEventRow.run == run)) or 0
    session.execute(
        insert(RunEventRow),
        [
            {"run": run, "seq": seq, "type": kind, "body": body}
            for seq, (kind, body) in enumerate(events, last + 1)
        ],
    )
    return last + len(events)


def read(session: Session, run: str, after: int = 0, limit: int = PAGE) -> list[Event]:
    """Return up to `limit` events later than `after`, oldest first."""
    rows = session.scalars(
        select(RunEventRow)
        .where(RunEventRow.run == run, RunEventRow.seq > after)
        .order_by(RunEventRow.seq)
        .limit(limit)
    )
    return [Event(row.seq, row.at, row.type, row.body) for row in rows]


def rfc3339(timestamp: datetime) -> str:
    """Return a timestamp as RFC 3339 in UTC, in milliseconds."""
    return timestamp.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _words(kind: str, body: dict[str, Any]) -> str:
    if kind == "log":
        return f"{body.get('level', 'info').upper()} {body.get('message', '')}"
    if kind == "step" and "seconds" in body:
        return f"STEP {body['step']} {body['state']} after {body['seconds']:.2f} s"
    if kind == "step":
        return f"STEP {body['step']} {body['state']}"
    if kind == "metric":
        labels = "".join(f" {key}={value}" for key, value in body.items() if key not in ("name", "value"))
        value = "not finite" if body["value"] is None else f"{body['value']:.6g}"
        return f"METRIC {body['name']}={value}{labels}"
    facts = " ".join(f"{key}={value}" for key, value in body.items())
    return f"{kind.upper()} {facts}"
