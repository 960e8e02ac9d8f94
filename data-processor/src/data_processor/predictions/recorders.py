"""Chooses the recorder for a predictions database."""

from pathlib import Path

from sqlalchemy import make_url

from data_processor.predictions.recorder import Recorder
from data_processor.predictions.recorder_sqlite import SqliteRecorder


def open_recorder(url: str, checkpoint_interval_s: float) -> Recorder:
    """Open the recorder for the predictions database at a SQLAlchemy URL, whose tables exist."""
    if url.startswith("sqlite"):
        return SqliteRecorder(Path(make_url(url).database or ""), checkpoint_interval_s)
    from data_processor.predictions.recorder_postgres import PostgresRecorder  # noqa: PLC0415  # loads its driver

    return PostgresRecorder(url)
