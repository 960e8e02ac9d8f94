"""The answers as one more feature: what a version answered lately, and what it answers to rows it never saw.

Rows that a version was fitted to say little of how it answers new ones, so its reference are those that were
held out from it, drawn by the same weights as the reference of its inputs.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_processor.drift.samples import recent_rows, reference_rows
from data_processor.features.packing import pack
from data_processor.features.schema import Schema
from data_processor.features.split import FEEDBACK_COLUMN
from data_processor.features.ties import Fitted
from data_processor.models.manifest import Manifest
from data_processor.statistics.drift import LEAST_ROWS, Categories, Feature, Numbers
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.task import Engine


def name_of(schema: Schema) -> str:
    """Return what the answers are called among the features."""
    return f"{schema.target} (answered)"


def held_out_rows(
    frame: pd.DataFrame, manifest: Manifest, salt: str, champion_seq: int | None, seed: int
) -> pd.DataFrame | None:
    """Draw rows of a version's training data that it was not fitted to; None if there are too few.

    Where it was fitted to recent rows above all, so many of them have to be recent.
    """
    schema, lineage = manifest.table, manifest.lineage
    feedback = (
        frame[FEEDBACK_COLUMN].to_numpy(np.int64)
        if FEEDBACK_COLUMN in frame
        else np.zeros(len(frame), np.int64)
    )
    unseen = frame[~Fitted(schema.holdout, lineage.cutoff).among(frame, schema, salt, feedback)]
    share = Candidate.model_validate(manifest.candidate).recent_share
    weighted = share != "natural" and recent_rows(frame, champion_seq).any()
    decisive = recent_rows(unseen, champion_seq).sum() if weighted else len(unseen)
    return reference_rows(unseen, share, champion_seq, seed) if decisive >= LEAST_ROWS else None


def compare_answers(
    engine: Engine, schema: Schema, held_out: pd.DataFrame, recent: Sequence[dict[str, Any]]
) -> Feature:
    """Return both sides of the answers; `recent` are outputs as they were recorded."""
    outputs = engine.predict(*pack(held_out, schema))
    if not schema.classes:
        values = np.array([one["value"] for one in recent], np.float64)
        return Numbers(name_of(schema), outputs[:, 0].astype(np.float64), values)
    labels: NDArray[np.object_] = np.asarray(schema.classes, object)[outputs.argmax(axis=1)]
    return Categories(name_of(schema), labels, np.array([one["label"] for one in recent], object))
