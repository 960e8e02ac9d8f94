"""What a live run leaves in the object store: its terms, and the states it can go on from.

    live-runs/<run>/terms.json                     the plan, and who labelled its rows
    live-runs/<run>/checkpoints/<epoch>-<row>.npz  arrays in NumPy's format, read without pickle

An object is stored first and then known by its row, so what is known is there; its SHA-256 is compared when
it is read back. What was kept of a place stays as it is: it stands before every change that was made there.
"""

import hashlib
import json
from typing import Any

from data_processor.adapters.object_store import ObjectStore
from data_processor.database import Database
from data_processor.rows import LiveCheckpointRow
from data_processor.runs.context import TaskError
from data_processor.training.live.loop import Position, TrainingLoop
from data_processor.training.live.repository import PREFIX, checkpoints

MOST_PASSING = 24
"""Checkpoints between changes that are kept: every second one makes room when there are more."""
MOST_BYTES = 1_000_000_000
"""What the checkpoints of a run may take: above it, those before changes make room like the others."""
FEWEST = 4
"""So many are kept, whatever they take."""


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

    def save(self, loop: TrainingLoop, *, lasting: bool) -> None:
        """Keep where a loop stands, unless that is known."""
        epoch, row = loop.position
        with self._database.transaction() as session:
            known = session.get(LiveCheckpointRow, (self.run, epoch, row))
            if known is not None:
                known.lasting = known.lasting or lasting
                return
        content, key = loop.state(), f"{PREFIX}/{self.run}/checkpoints/{epoch}-{row}.npz"
        self._store.put(key, content, "application/octet-stream")
        with self._database.transaction() as session:
            session.add(
                LiveCheckpointRow(
                    run=self.run,
                    epoch=epoch,
                    row=row,
                    key=key,
                    sha256=hashlib.sha256(content).hexdigest(),
                    weights=loop.weights,
                    lasting=lasting,
                )
            )
        self._make_room(len(content))

    def last(self, until: Position | None = None) -> LiveCheckpointRow | None:
        """Return the last checkpoint, or the last one that is not later than a position."""
        with self._database.reading() as session:
            found = checkpoints(session, self.run)
        return max(
            (one for one in found if until is None or (one.epoch, one.row) <= until),
            key=lambda one: (one.epoch, one.row),
            default=None,
        )

    def restore(self, loop: TrainingLoop, until: Position | None = None) -> bool:
        """Let a loop go back to the last checkpoint, or the last one not later than a position.

        Return whether there is one; raises `TaskError` if it is not what was kept. One that makes room just
        now, because its run goes on learning, is passed over.
        """
        found, before = self.last(until), None
        while found is not None and (before is None or found.key != before.key):
            content = self._store.get(found.key)
            if content is not None and hashlib.sha256(content).hexdigest() == found.sha256:
                loop.restore(content)
                return True
            found, before = self.last(until), found
        if found is not None:
            raise TaskError(
                f"Live run {self.run}: the checkpoint after epoch {found.epoch} is gone or was altered."
            )
        return False

    def _make_room(self, size: int) -> None:
        """Forget every second checkpoint if there are many; of those before changes, if they are large.

        The first and the last one stay, so whatever was forgotten can be learnt again.
        """
        with self._database.reading() as session:
            known = checkpoints(session, self.run)
        most = max(FEWEST, MOST_BYTES // size)
        lasting, passing = ([one for one in known if one.lasting is which] for which in (True, False))
        unneeded = passing[:-1:2] if len(passing) > MOST_PASSING or len(known) > most else []
        if len(known) - len(unneeded) > most:
            unneeded += lasting[1:-1:2]
        if not unneeded:
            return
        with self._database.transaction() as session:
            for one in unneeded:
                session.delete(session.merge(one))
        for one in unneeded:
            self._store.delete(one.key)
