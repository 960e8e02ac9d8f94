"""Records predictions: a whole batch in one transaction, on disk before anyone is answered.

There is one recorder for SQLite and one for PostgreSQL (`recorder_sqlite.py`, `recorder_postgres.py`). Both
make the same promise about idempotency: the transaction that records a result also takes its key, so that of
two equal requests, wherever they ran, one is recorded and both get its response.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from data_processor.predictions.records import Key, idempotency, predictions

COLUMNS = tuple(column.name for column in predictions.columns)
KEY_COLUMNS = tuple(column.name for column in idempotency.columns)


class RecorderUnavailableError(Exception):
    """The predictions database cannot be written at the moment; nothing of the batch was recorded."""


@dataclass(frozen=True, slots=True)
class PredictionResult:
    """The predictions of one request, and the response that carries them."""

    rows: Sequence[tuple[Any, ...]]
    """In the order of `COLUMNS`."""
    response: bytes
    key: Key | None
    at_us: int


class Recorder(Protocol):
    """Records batches; used by one thread."""

    def write(self, batch: Sequence[PredictionResult]) -> list[bytes | None]:
        """Record a batch in one transaction and return the response to give to each request.

        That is its own response; the earlier one if its key was used for the same body before; None if the
        key was used for another body. Raises `RecorderUnavailableError`.
        """

    def close(self) -> None:
        """Finish and release the database."""
