"""Writes what a live run measured: a few times a second, beside the learning, however short its epochs."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Self, TypeVar

from sqlalchemy import select, update

from data_processor.database import Database
from data_processor.rows import LiveRunRow, RunRow
from data_processor.runs.events import append_all
from data_processor.service.storage import outage

Found = TypeVar("Found")

EVERY_S = 0.15
"""Seconds between two writes: with the polls that follow, watchers see an epoch within twice as many."""
MOST_WAITING = 2_000
"""Epochs that may wait to be written before learning waits, too."""
PATIENCE_S = 60.0
"""How long a database may be away before the run fails."""


class Journal:
    """The writer of one run's epochs, in a thread of its own; use it as a context."""

    def __init__(self, database: Database, run: str) -> None:
        """Write events of this run."""
        self._database, self._run = database, run
        self._waiting: list[tuple[dict[str, Any], dict[str, Any], float]] = []
        self._changed = threading.Condition()
        self._closing = False
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._write, name="live journal", daemon=True)

    def __enter__(self) -> Self:
        """Begin to write."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Write what is left, and end."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(PATIENCE_S)

    def epoch(self, body: dict[str, Any], live: dict[str, Any], progress: float) -> None:
        """Have an epoch written: its event, fields of the live run's row, and the run's progress.

        Raises whatever kept an earlier one from being written.
        """
        with self._changed:
            while len(self._waiting) >= MOST_WAITING and self._failed is None:
                self._changed.wait()
            self._raise()
            self._waiting.append((body, live, progress))
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until everything is written; raises as `epoch` does."""
        with self._changed:
            while self._waiting and self._failed is None:
                self._changed.wait()
            self._raise()

    def _raise(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _write(self) -> None:
        last = 0.0
        while True:
            with self._changed:
                while not self._waiting and not self._closing:
                    self._changed.wait()
                if not self._waiting:
                    return
            time.sleep(max(0.0, min(EVERY_S, last + EVERY_S - time.monotonic())))
            batch, last = list(self._waiting), time.monotonic()
            try:
                patiently(partial(self._store, batch))
            except Exception as error:  # noqa: BLE001  # the trainer raises it
                with self._changed:
                    self._failed = error
                    self._changed.notify_all()
                return
            with self._changed:
                del self._waiting[: len(batch)]
                self._changed.notify_all()

    def _store(self, batch: list[tuple[dict[str, Any], dict[str, Any], float]]) -> None:
        _, fields, progress = batch[-1]
        with self._database.transaction() as session:
            # The first statement locks the run's row, as whoever appends to its events does.
            session.execute(update(RunRow).where(RunRow.id == self._run).values(progress=progress))
            told = session.scalar(select(LiveRunRow.epoch).where(LiveRunRow.run == self._run)) or 0
            new = [body for body, _, _ in batch if body["epoch"] > told]
            if not new:
                return  # the answer to an earlier attempt was lost, and nothing else
            session.execute(update(LiveRunRow).where(LiveRunRow.run == self._run).values(**fields))
            append_all(session, self._run, [("metric", body) for body in new])


def patiently(action: Callable[[], Found]) -> Found:
    """Do what is done whole or not at all, and may be done twice; while the database is away, try again."""
    deadline, pause = time.monotonic() + PATIENCE_S, 0.25
    while True:
        try:
            return action()
        except Exception as error:
            if outage(error) is None or time.monotonic() > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, 5.0)
