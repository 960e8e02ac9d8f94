"""Records predictions in PostgreSQL, with the same promises as the recorder for SQLite."""

from collections.abc import Sequence

import psycopg
from psycopg import Connection, sql
from sqlalchemy import make_url

from data_processor.predictions.recorder import (
    COLUMNS,
    KEY_COLUMNS,
    PredictionResult,
    RecorderUnavailableError,
)


class PostgresRecorder:
    """Writes to PostgreSQL over one connection, which is opened again when it breaks."""

    def __init__(self, url: str) -> None:
        """Connect to the database at a SQLAlchemy URL."""
        parts = make_url(url).set(drivername="postgresql")
        self._conninfo = parts.render_as_string(hide_password=False)
        self._connection: Connection | None = None

    def write(self, batch: Sequence[PredictionResult]) -> list[bytes | None]:
        """Record a batch in one transaction and return the response to give to each request."""
        try:
            connection = self._connected()
            with connection.transaction():
                answers = _take_keys(connection, batch)
                pairs = zip(batch, answers, strict=True)
                rows = [row for mine, answer in pairs if answer is mine.response for row in mine.rows]
                if rows:
                    with connection.cursor().copy(_COPY) as copy:
                        for row in rows:
                            copy.write_row(row)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            # The reply to COMMIT may be what was lost: these predictions are then on disk, and nobody has
            # their ids. Repeating the request with the same Idempotency-Key finds them.
            self.close()
            raise RecorderUnavailableError(f"The predictions database cannot be written: {error}.") from error
        return answers

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._conninfo, autocommit=True, connect_timeout=5)
        return self._connection


def _take_keys(connection: Connection, batch: Sequence[PredictionResult]) -> list[bytes | None]:
    answers: list[bytes | None] = [result.response for result in batch]
    # Taken in the same order everywhere: two replicas that want the same keys cannot deadlock.
    keyed = sorted((mine.key, place) for place, mine in enumerate(batch) if mine.key is not None)
    for key, place in keyed:
        mine = batch[place]
        if connection.execute(_TAKE_KEY, (*key, mine.response, mine.at_us)).rowcount == 1:
            continue
        found = connection.execute(_FIND_KEY, key[:2]).fetchone()
        answers[place] = bytes(found[1]) if found and bytes(found[0]) == key.body_sha256 else None
    return answers


_COPY = sql.SQL("COPY predictions ({}) FROM STDIN").format(sql.SQL(",").join(map(sql.Identifier, COLUMNS)))
_TAKE_KEY = sql.SQL("INSERT INTO idempotency ({}) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING").format(
    sql.SQL(",").join(map(sql.Identifier, KEY_COLUMNS))
)
_FIND_KEY = "SELECT body_sha256, response FROM idempotency WHERE subject = %s AND key = %s"
