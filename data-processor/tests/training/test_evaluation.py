from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_processor.features import holdout
from data_processor.features.schema import Schema
from data_processor.features.split import FEEDBACK_COLUMN, PREDICTION_COLUMN, Rows, Split, prepare_data
from data_processor.models.policy import Policy
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.fitting import fit
from data_processor.tasks.tables.engine import PipelineEngine
from data_processor.training.evaluation import (
    FOLDS,
    Champion,
    champion_answers,
    cross_fit,
    evaluate,
    fit_final,
    fold_rows,
    holdout_metrics,
    holdout_outputs,
)

OLD = Candidate(estimator="logistic-regression", params={})
NEW = Candidate(estimator="logistic-regression", params={"C": 0.3}, recent_share=0.9)
Snapshot = tuple[pd.DataFrame, Schema]


@pytest.fixture(scope="module")
def champion(census_split: Split) -> Champion:
    pipeline = fit(OLD, census_split.allowed, census_split.schema, seed=1)
    return Champion(PipelineEngine(pipeline, census_split.schema), census_split.schema)


def test_after_a_drift_the_gate_decides_on_recent_rows(drifted_split: Split, champion: Champion) -> None:
    pipeline = fit_final(drifted_split, NEW, seed=1)
    receipt = evaluate(drifted_split, NEW, pipeline, Policy(), champion=champion, k=1, seed=1, by_score=True)

    assert (receipt.slice, receipt.metric, receipt.test) == ("recent", "accuracy", "mcnemar")
    assert receipt.verdict == "promote"
    assert receipt.n == len(drifted_split.test)
    assert set(receipt.slices) == {"recent", "reference"}
    assert receipt.challenger is not None
    assert receipt.champion is not None
    assert receipt.challenger > receipt.champion + 0.05


def test_a_run_that_people_opened_decides_on_reference_rows(
    drifted_snapshot: Snapshot, champion: Champion
) -> None:
    frame, schema = drifted_snapshot
    split = prepare_data(frame, schema, "salt", 0, validate_on_recent=False)
    pipeline = fit_final(split, OLD, seed=1)
    receipt = evaluate(split, OLD, pipeline, Policy(), champion=champion, k=1, seed=1, by_score=False)

    assert (receipt.slice, receipt.metric) == ("reference", "log_loss")
    assert receipt.verdict != "promote"
    assert set(receipt.slices) == {"recent", "reference"}


def test_without_a_champion_the_reference_rows_decide(census_split: Split) -> None:
    pipeline = fit_final(census_split, OLD, seed=1)
    receipt = evaluate(census_split, OLD, pipeline, Policy(), champion=None, k=1, seed=1, by_score=False)

    assert receipt.verdict == "promote"
    assert (receipt.slice, receipt.champion) == ("reference", None)
    assert set(receipt.slices) == {"reference"}


def test_no_row_is_answered_by_a_fit_that_saw_it_or_its_like(
    drifted_split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[Rows] = []

    def watched(candidate: Candidate, rows: Rows, schema: Schema, seed: int) -> object:
        fitted.append(rows)
        return fit(candidate, rows, schema, seed)

    monkeypatch.setattr("data_processor.training.evaluation.fit", watched)
    answers = cross_fit(drifted_split, NEW, seed=1)

    gate = drifted_split.test
    assert len(fitted) == FOLDS
    assert answers.labels is not None
    assert len(answers.labels) == len(gate)
    for rows in fitted:
        assert rows.positions.min() >= 0.2
        left_out = ~np.isin(gate.predictions, rows.predictions)
        assert not np.isin(
            gate.positions[left_out & (gate.positions >= 0.2)], rows.positions[rows.recent]
        ).any()
    times_fitted = np.sum([np.isin(gate.predictions, rows.predictions) for rows in fitted], axis=0)
    assert set(times_fitted[gate.positions >= 0.2]) == {FOLDS - 1}
    assert set(times_fitted[gate.positions < 0.2]) == {0}


def test_old_rows_with_the_inputs_of_a_gate_row_are_left_out_of_the_fit_that_answers_it(
    drifted_snapshot: Snapshot,
) -> None:
    frame, schema = drifted_snapshot
    again = frame[frame[FEEDBACK_COLUMN] > 0].copy()
    again[FEEDBACK_COLUMN], again[PREDICTION_COLUMN] = 0, ""
    split = prepare_data(
        pd.concat([frame, again], ignore_index=True), schema, "salt", 0, validate_on_recent=True
    )
    fold = holdout.folds(split.test.positions, FOLDS) == 0
    asked, fitted = split.test.take(fold), fold_rows(split, fold)

    assert np.isin(asked.positions, split.fitting.positions).any()
    assert not np.isin(asked.positions, fitted.positions).any()
    old = int((~np.isin(split.fitting.positions, asked.positions)).sum())
    assert int((~fitted.recent).sum()) == old


def test_a_run_of_the_score_without_recent_gate_rows_is_held(
    drifted_split: Split, champion: Champion
) -> None:
    """The holdout rows decide nothing here: only the recent ones show what the score saw."""
    nothing = replace(drifted_split, test=drifted_split.test.take(np.zeros(0, np.int64)))
    pipeline = fit_final(nothing, NEW, seed=1)
    receipt = evaluate(nothing, NEW, pipeline, Policy(), champion=champion, k=1, seed=1, by_score=True)

    assert (receipt.verdict, receipt.slice, receipt.n) == ("hold", "recent", 0)
    assert receipt.slices["reference"].rows == len(drifted_split.holdout)


def test_the_last_fit_sees_everything_but_the_reference_side(
    drifted_split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[Rows] = []
    monkeypatch.setattr(
        "data_processor.training.evaluation.fit", lambda _candidate, rows, *_rest: fitted.append(rows)
    )
    fit_final(drifted_split, NEW, seed=1)

    on_holdout = int((drifted_split.test.positions < 0.2).sum())
    expected = (
        len(drifted_split.fitting) + len(drifted_split.validation) + len(drifted_split.test) - on_holdout
    )
    assert len(fitted[0]) == expected
    assert fitted[0].positions.min() >= 0.2


def test_a_champion_of_other_classes_is_asked_in_ours() -> None:
    theirs = Schema(task="tabular-classification", target="answer", columns=(), classes=("maybe", "yes"))
    ours = Schema(task="tabular-classification", target="answer", columns=(), classes=("maybe", "no", "yes"))

    class Always:
        def predict(
            self, numeric: object, strings: object
        ) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
            del numeric, strings
            return np.array([[0.3, 0.7]], np.float32)

    row = Rows(
        pd.DataFrame(index=[0]), np.array(["yes"]), np.zeros(1), np.ones(1, bool), np.array([""], object)
    )
    answers = champion_answers(Champion(Always(), theirs), row, ours)

    assert answers is not None
    assert answers.probabilities is not None
    assert answers.probabilities.tolist()[0] == pytest.approx([0.3, 0.0, 0.7])


def test_metrics_on_reference_rows_are_those_of_the_last_fit(census_split: Split) -> None:
    outputs = holdout_outputs(census_split, fit_final(census_split, OLD, seed=1))
    measured = holdout_metrics(census_split, outputs)

    assert measured["roc_auc"] > 0.8
    assert measured["accuracy"] > 0.8
