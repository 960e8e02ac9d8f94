"""The snapshot of a gallery: its enrolled faces as a table, stored as a dataset version.

The table has the faces and ids that say nothing about anybody; names and what else is kept stay behind.
"""

import io
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from data_processor.datasets.tables import to_parquet
from data_processor.features.holdout import group_positions, on_holdout
from data_processor.gallery import repository
from data_processor.rows import FeedbackRow

PICTURE, PERSON, FACE = "picture", "person", "face"
ENROLLED = "enrolled"


class Faces(NamedTuple):
    """The faces of a snapshot."""

    crops: list[bytes]
    """JPEGs of face crops."""
    names: tuple[str, ...]
    """The ids of the persons."""
    persons: NDArray[np.int64]
    """Whose each face is, as a place in `names`: shape (faces,)."""
    held_out: NDArray[np.bool_]
    """Of persons who are never fitted to, in this and every later version: shape (faces,)."""


def gallery_table(session: Session, model: str) -> bytes:
    """Return the enrolled faces of a gallery as Parquet, in a fixed order."""
    faces = [one for one in repository.faces_of(session, model) if one.kind == ENROLLED]
    crops = repository.crops_of(session, [one.id for one in faces])
    frame = pd.DataFrame(
        {
            PICTURE: pd.Series([one.id for one in faces], dtype="str"),
            PERSON: pd.Series([one.person for one in faces], dtype="str"),
            FACE: pd.Series([crops[one.id] for one in faces], dtype=object),
        }
    )
    return to_parquet(frame)


def read_faces(table: bytes, salt: str) -> Faces:
    """Return the faces of a stored table; the salt decides which persons are held out."""
    frame = pd.read_parquet(io.BytesIO(table), engine="pyarrow")
    names, persons = np.unique(frame[PERSON].to_numpy(object).astype(str), return_inverse=True)
    held_out = on_holdout(group_positions(frame[PERSON], salt)) if len(frame) else np.zeros(0, np.bool_)
    return Faces(frame[FACE].tolist(), tuple(names.tolist()), persons.astype(np.int64), held_out)


def last_feedback(session: Session, model: str) -> int:
    """Return the number of the last feedback on a model: what comes later is new to a version made now."""
    return session.scalar(select(func.max(FeedbackRow.seq)).where(FeedbackRow.model == model)) or 0
