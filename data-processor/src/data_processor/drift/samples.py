"""The two sides of a comparison: rows a version was trained on, and inputs it answered lately, as features.

A text is compared without any embedding, by two numbers: its length in characters, and the share of its words
that the training texts do not have. Half of the reference supplies the vocabulary and the other half is
compared: texts never miss a word of a vocabulary that was made of them. Timestamps are not compared, because
time passes; what they mean for the answers shows in the other columns.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_processor.datasets.exploration.words import clauses
from data_processor.features.packing import MISSING, Packed, pack, pack_rows
from data_processor.features.schema import Column, Schema
from data_processor.features.split import FEEDBACK_COLUMN
from data_processor.statistics.distances import Floats
from data_processor.statistics.drift import Categories, Feature, Numbers
from data_processor.tasks.candidates import RecentShare
from data_processor.tasks.pipelines import recent_weights

MOST_REFERENCE = 10_000
"""Rows of the training data that are compared; more would say nothing more of a thousand predictions."""
MOST_FEATURES = 500
"""Features that are compared, the first in the table's order."""
TIME_PASSES = "a timestamp always moves on, so it is not compared"


class Sides(NamedTuple):
    """What is compared."""

    features: list[Feature]
    left_out: dict[str, str]
    """Inputs that are not compared, and why."""
    reference_rows: int
    rows: int


def reference_rows(
    frame: pd.DataFrame, recent_share: RecentShare, champion_seq: int | None, seed: int
) -> pd.DataFrame:
    """Draw the rows of a version's training data that recent inputs are compared with.

    They are drawn by the weights it was fitted with: rows newer than its champion (feedback numbered above
    `champion_seq`) count as much as the search chose.
    """
    rng = np.random.default_rng(seed)
    size = min(MOST_REFERENCE, len(frame))
    weights = _weights(frame, recent_share, champion_seq)
    if weights is None and size == len(frame):
        return frame
    drawn = rng.choice(len(frame), size, replace=weights is not None, p=weights)
    return frame.iloc[np.sort(drawn)]


def compare_sides(frame: pd.DataFrame, inputs: Sequence[dict[str, Any]], schema: Schema, seed: int) -> Sides:
    """Return both sides as features; `inputs` are recorded ones, as their version took them."""
    before, now = pack(frame, schema), pack_rows(inputs, schema)
    found: dict[str, list[Feature]] = {}
    left_out: dict[str, str] = {}
    numbers = {column.name: place for place, column in enumerate(schema.numeric)}
    texts = {column.name: place for place, column in enumerate(schema.strings)}
    for column in schema.inputs:
        if sum(map(len, found.values())) >= MOST_FEATURES:
            left_out[column.name] = f"only the first {MOST_FEATURES} features are compared"
        elif column.kind == "datetime":
            left_out[column.name] = TIME_PASSES
        elif column.kind == "numeric":
            place = numbers[column.name]
            found[column.name] = [Numbers(column.name, _numbers(before, place), _numbers(now, place))]
        else:
            sides = _texts(before, texts[column.name]), _texts(now, texts[column.name])
            found[column.name] = _of_strings(column, *sides, seed)
    features = [feature for several in found.values() for feature in several]
    return Sides(features, left_out, len(frame), len(inputs))


def recent_rows(frame: pd.DataFrame, champion_seq: int | None) -> NDArray[np.bool_]:
    """Say of each row whether it was newer than what the version's champion was trained on."""
    if champion_seq is None or FEEDBACK_COLUMN not in frame:
        return np.zeros(len(frame), np.bool_)
    return np.asarray(frame[FEEDBACK_COLUMN].to_numpy(np.int64) > champion_seq)


def _weights(frame: pd.DataFrame, share: RecentShare, champion_seq: int | None) -> Floats | None:
    """Return how probably each row is drawn; none: all alike."""
    recent = recent_rows(frame, champion_seq)
    if share == "natural" or recent.all() or not recent.any():
        return None
    weights = recent.astype(np.float64) if share == "only" else recent_weights(recent, share)
    return np.asarray(weights / weights.sum(), np.float64)


def _numbers(packed: Packed, place: int) -> Floats:
    return packed.numeric[:, place].astype(np.float64)


def _texts(packed: Packed, place: int) -> NDArray[np.object_]:
    values = packed.strings[:, place]
    return np.array([None if value == MISSING else value for value in values], object)


def _of_strings(
    column: Column, before: NDArray[np.object_], now: NDArray[np.object_], seed: int
) -> list[Feature]:
    if column.kind == "categorical":
        return [Categories(column.name, before, now)]
    half = np.random.default_rng(seed).permutation(len(before)) < len(before) // 2
    vocabulary = {word for text in before[half] for word in _words(text)}
    return [
        Numbers(f"{column.name} (length)", _lengths(before), _lengths(now)),
        Numbers(
            f"{column.name} (unknown words)", _unknown(before[~half], vocabulary), _unknown(now, vocabulary)
        ),
    ]


def _lengths(texts: NDArray[np.object_]) -> Floats:
    return np.array([np.nan if text is None else len(text) for text in texts], np.float64)


def _unknown(texts: NDArray[np.object_], vocabulary: set[str]) -> Floats:
    """Return the share of each text's words that are not in the vocabulary; NaN for one without words."""
    shares = []
    for text in texts:
        words = _words(text)
        shares.append(sum(word not in vocabulary for word in words) / len(words) if words else np.nan)
    return np.array(shares, np.float64)


def _words(text: str | None) -> list[str]:
    return [] if text is None else [word for clause in clauses(text) for word in clause]
