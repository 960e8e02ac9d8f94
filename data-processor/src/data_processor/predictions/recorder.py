"""Writes predictions: a whole batch in one transaction, on disk before anyone is answered.

There is one for SQLite and one for PostgreSQL (`recorder_sqlite.py`, `recorder_postgres.py`). Both keep one
promise about idempotency: the transaction that records an answer also takes its key, so that of two equal
requests, wherever they ran, one is recorded and both get its answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from data_processor.predictions.records import Key, idempotency, predictions

COLUMNS = tuple(column.name for column in predictions.columns)
KEY_COLUMNS = tuple(column.name for column in idempotency.columns)


class RecorderUnavailableError(Exception):
    """The predictions database cannot be written now; nothing of the batch was recorded."""


@dataclass(frozen=True, slots=True)
class PredictionResult:
    """One request's predictions and the answer that will be given."""

    rows: Sequence[tuple[Any, ...]]
    """In the order of `COLUMNS`."""
    response: bytes
    key: Key | None
    at_us: int


class Recorder(Protocol):
    """Writes batches, from one thread."""

    def write(self, batch: Sequence[PredictionResult]) -> list[bytes | None]:
        """Record a batch in one transaction and return what to answer to each request.

        That is its own response; the earlier one if its key was used before for the same body; None if it was
        used for another. Raises `RecorderUnavailableError`.
        """

    def close(self) -> None:
        """Finish and release the database."""
