"""What people tell a live run, and what it tells them: each in one transaction, which no crash parts."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from data_processor.caller import PLATFORM
from data_processor.database import Database
from data_processor.features.hyperparameters import Value
from data_processor.rows import LiveCommandRow, LiveRunRow, RunRow
from data_processor.runs.events import append
from data_processor.service.database import now
from data_processor.training.live.journal import patiently
from data_processor.training.live.loop import TrainingLoop
from data_processor.training.live.repository import Applied, add_command, changes, commands, refuse
from data_processor.training.live.store import LiveStore


class Steering:
    """The commands and the state of one live run."""

    def __init__(self, database: Database, store: LiveStore) -> None:
        """Read and write these records."""
        self._database, self._store, self._run = database, store, store.run

    def live(self) -> LiveRunRow:
        """Return the live run's row."""

        def read() -> LiveRunRow:
            with self._database.reading() as session:
                return session.get_one(LiveRunRow, self._run)

        return patiently(read)

    def waiting(self) -> list[LiveCommandRow]:
        """Return what people said and was not done yet, in order."""

        def read() -> list[LiveCommandRow]:
            with self._database.reading() as session:
                return commands(session, self._run, pending=True)

        return patiently(read)

    def changes(self) -> list[Applied]:
        """Return the changes of hyperparameters that were made, in order."""
        with self._database.reading() as session:
            return changes(session, self._run)

    def change(
        self,
        loop: TrainingLoop,
        values: dict[str, Value],
        subject: str,
        command: LiveCommandRow | None = None,
    ) -> None:
        """Change hyperparameters of a loop: the checkpoint first, then all that tells of the change at once.

        Without a command it repeats a change of another run. What changes nothing is no change.
        """
        moved = {
            name: {"from": loop.settings[name], "to": value}
            for name, value in values.items()
            if loop.settings[name] != value
        }
        if moved:
            self._store.save(loop, lasting=True)
        with self._database.transaction() as session:
            self._lock(session)
            known = session.merge(command) if command is not None else self._repeated(session, subject)
            known.done_at = now()
            if moved:
                known.change, known.changes = len(changes(session, self._run)) + 1, moved
                known.epoch, known.row = loop.position
                body = {
                    "number": known.change,
                    "state": "applied",
                    "subject": subject,
                    "epoch": known.epoch,
                    "row": known.row,
                    "changes": moved,
                }
                known.seq = append(session, self._run, "hyperparameters", body)
                live = session.get_one(LiveRunRow, self._run)
                live.hyperparameters = {**live.hyperparameters, **values}
        loop.change(values)

    def done(self, command: LiveCommandRow) -> None:
        """Note that a command asks for nothing more."""
        with self._database.transaction() as session:
            session.merge(command).done_at = now()

    def refuse(self, command: LiveCommandRow, message: str) -> None:
        """Tell watchers why a change of hyperparameters is not made."""
        with self._database.transaction() as session:
            self._lock(session)
            refuse(session, session.merge(command), message)

    def tell(self, state: str, message: str, command: LiveCommandRow | None = None, **fields: Any) -> None:
        """Set the state of the run and other fields of its row, and say why; of its end in its log, too."""
        with self._database.transaction() as session:
            self._lock(session)
            if command is not None:
                session.merge(command).done_at = now()
            live = session.get_one(LiveRunRow, self._run)
            for name, value in {**fields, "state": state, "why": message}.items():
                setattr(live, name, value)
            subject = command.subject if command is not None else PLATFORM
            body = {"status": "running", "state": state, "subject": subject, "message": message}
            append(session, self._run, "status", body)
            if state == "ended":
                append(session, self._run, "log", {"level": "info", "message": message})

    def _lock(self, session: Session) -> None:
        session.scalars(self._database.lock(select(RunRow).where(RunRow.id == self._run))).one()

    def _repeated(self, session: Session, subject: str) -> LiveCommandRow:
        command = LiveCommandRow(run=self._run, kind="hyperparameters", body={}, subject=subject)
        add_command(session, command)
        return command
