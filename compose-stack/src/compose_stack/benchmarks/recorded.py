"""What an instance has on disk: the only benchmark code that reads behind the public API."""

import sqlite3
from contextlib import closing
from pathlib import Path

from compose_stack.instance import Instance
from compose_stack.traffic import MODEL


def count_predictions(instance: Instance) -> int:
    """Return how many predictions are recorded."""
    database = instance.state_dir / "processor" / "predictions.db"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM predictions").fetchone()[0])


def artefact_of(instance: Instance, version: str) -> Path:
    """Return the trained pipeline of a version."""
    return instance.state_dir / "processor" / "models" / MODEL / version / "model.skops"
