"""What a live run leaves in the object store: its terms, and the states it can go on from.

    live-runs/<run>/terms.json                     the plan, and who labelled its rows
    live-runs/<run>/checkpoints/<epoch>-<row>.npz  arrays in NumPy's format, read without pickle

An object is stored first and then known by its row, so what is known is there; its SHA-256 is compared when
it is read back.
"""

import hashlib
import json
from typing import Any

from sqlalchemy.orm import Session

from data_processor.adapters.object_store import ObjectStore
from data_processor.database import Database
from data_processor.rows import LiveCheckpointRow
from data_processor.runs.context import TaskError
from data_processor.training.live.loop import Position, TrainingLoop
from data_processor.training.live.repository import checkpoints

PREFIX = "live-runs"
MOST_PASSING = 24
"""Checkpoints between changes that are kept: every second one makes room when there are more."""


class LiveStore:
    """The objects of one live run."""

    def __init__(self, database: Database, store: ObjectStore, run: str) -> None:
        """Keep objects here and know them by rows."""
        self._database, self._store, self.run = database, store, run

    def put_terms(self, terms: dict[str, Any]) -> None:
        """Keep the terms of the run."""
        self._store.put(f"{PREFIX}/{self.run}/terms.json", json.dumps(terms).encode(), "application/json")

    def terms(self) -> dict[str, Any]:
        """Return the terms of the run; raises `TaskError` if they are gone."""
        content = self._store.get(f"{PREFIX}/{self.run}/terms.json")
        if content is None:
            raise TaskError(f"What live run {self.run} learnt from is no longer kept; start another one.")
        found: dict[str, Any] = json.loads(content)
        return found

    def save(self, loop: TrainingLoop, *, lasting: bool, session: Session | None = None) -> None:
        """Keep where a loop stands, known from the caller's transaction on, if one is given."""
        epoch, row = loop.position
        content, key = loop.state(), f"{PREFIX}/{self.run}/checkpoints/{epoch}-{row}.npz"
        self._store.put(key, content, "application/octet-stream")
        known = LiveCheckpointRow(
            run=self.run,
            epoch=epoch,
            row=row,
            key=key,
            sha256=hashlib.sha256(content).hexdigest(),
            weights=loop.weights,
            lasting=lasting,
        )
        if session is not None:
            _remember(session, known)
            return
        with self._database.transaction() as held:
            _remember(held, known)
        if not lasting:
            self._make_room()

    def last(self, until: Position | None = None) -> LiveCheckpointRow | None:
        """Return the last checkpoint, or the last one that is not later than a position."""
        with self._database.reading() as session:
            found = checkpoints(session, self.run)
        return max(
            (one for one in found if until is None or (one.epoch, one.row) <= until),
            key=lambda one: (one.epoch, one.row),
            default=None,
        )

    def restore(self, loop: TrainingLoop, checkpoint: LiveCheckpointRow) -> None:
        """Let a loop go back to a checkpoint; raises `TaskError` if it is not what was kept."""
        content = self._store.get(checkpoint.key)
        if content is None or hashlib.sha256(content).hexdigest() != checkpoint.sha256:
            raise TaskError(
                f"Live run {self.run}: the checkpoint after epoch {checkpoint.epoch} is gone or was altered."
            )
        loop.restore(content)

    def _make_room(self) -> None:
        """Forget every second checkpoint between changes, if there are many."""
        with self._database.reading() as session:
            passing = [one for one in checkpoints(session, self.run) if not one.lasting]
        if len(passing) <= MOST_PASSING:
            return
        unneeded = passing[:-1:2]
        with self._database.transaction() as session:
            for one in unneeded:
                session.delete(session.merge(one))
        for one in unneeded:
            self._store.delete(one.key)


def _remember(session: Session, known: LiveCheckpointRow) -> None:
    """Add a checkpoint, or the same one again; what lasts goes on lasting."""
    before = session.get(LiveCheckpointRow, (known.run, known.epoch, known.row))
    known.lasting = known.lasting or (before is not None and before.lasting)
    session.merge(known)
    session.flush()
