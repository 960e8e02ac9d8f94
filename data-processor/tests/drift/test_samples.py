from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_processor.drift.samples import compare_sides, reference_rows
from data_processor.features.schema import Column, Schema
from data_processor.features.split import FEEDBACK_COLUMN
from data_processor.statistics.drift import find_drift

SCHEMA = Schema(
    task="tabular-classification",
    target="y",
    columns=(
        Column(name="age", kind="numeric"),
        Column(name="job", kind="categorical", categories=("a", "b")),
        Column(name="since", kind="datetime"),
        Column(name="row", kind="identifier"),
        Column(name="note", kind="text"),
        Column(name="y", kind="categorical"),
    ),
    classes=("no", "yes"),
)
WORDS = ["good", "bad", "old", "new", "red", "blue"]


def notes(rng: np.random.Generator, rows: int, words: list[str]) -> list[str]:
    return [" ".join(rng.choice(words, 6)) for _ in range(rows)]


def table(rows: int, seed: int, words: list[str] = WORDS) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.normal(40, 9, rows),
            "job": rng.choice(["a", "b"], rows),
            "since": "2024-01-01",
            "row": np.arange(rows),
            "note": notes(rng, rows, words),
            "y": "no",
        }
    )


def found(current: pd.DataFrame) -> dict[str, bool]:
    rows = current.drop(columns=["y", "row"]).to_dict("records")
    inputs = [{str(name): value for name, value in row.items()} for row in rows]
    sides = compare_sides(table(800, 1), inputs, SCHEMA, 0)
    drift = find_drift(sides.features, reference_rows=sides.reference_rows, rows=sides.rows, seed=0)
    return {one.feature: one.drifted for one in drift.features}


def test_a_text_is_compared_by_its_length_and_its_unknown_words() -> None:
    assert found(table(300, 2)) == dict.fromkeys(
        ["age", "job", "note (length)", "note (unknown words)"], False
    )


def test_words_that_training_never_saw_are_drift() -> None:
    drifted = found(table(300, 2, ["gut", "schlecht", "alt", "neu"]))
    assert drifted["note (unknown words)"]
    assert not drifted["age"]


def test_longer_texts_are_drift() -> None:
    current = table(300, 2)
    current["note"] = current["note"] + " " + current["note"]
    drifted = found(current)
    assert (drifted["note (length)"], drifted["note (unknown words)"]) == (True, False)


def test_timestamps_are_left_out_and_it_is_said_why() -> None:
    sides = compare_sides(table(200, 1), [{"age": 3.0}], SCHEMA, 0)
    assert list(sides.left_out) == ["since"]
    assert "always moves on" in sides.left_out["since"]


def test_inputs_that_were_left_out_are_missing() -> None:
    age, job, *_ = compare_sides(table(200, 1), [{}, {"age": 3.0, "job": "b"}], SCHEMA, 0).features
    assert np.isnan(age.current[0])
    assert job.current.tolist() == [None, "b"]


@pytest.mark.parametrize(("share", "recent"), [(0.9, 0.9), ("only", 1.0)])
def test_the_reference_weighs_recent_rows_as_the_version_was_fitted(share: Any, recent: float) -> None:
    frame = table(4_000, 1)
    frame[FEEDBACK_COLUMN] = np.where(np.arange(4_000) >= 3_800, np.arange(4_000), 0)
    drawn = reference_rows(frame, share, 0, seed=1)
    assert (drawn[FEEDBACK_COLUMN] > 0).mean() == pytest.approx(recent, abs=0.02)


@pytest.mark.parametrize(("share", "champion"), [(0.9, 0), (0.9, None), ("natural", 0)])
def test_a_version_without_weights_is_compared_with_all_of_its_rows(share: Any, champion: int | None) -> None:
    frame = table(500, 1)
    frame[FEEDBACK_COLUMN] = 0
    assert len(reference_rows(frame, share, champion, seed=1)) == 500
