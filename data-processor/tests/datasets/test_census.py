import json
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from data_processor.datasets import census
from data_processor.datasets.tables import keepable
from data_processor.features.split import Split, prepare_data
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.pipelines import answer
from data_processor.training.evaluation import fit_final


def positive(table: pd.DataFrame) -> float:
    return float((table[census.TARGET] == census.CLASSES[1]).mean())


def prepared(table: pd.DataFrame) -> Split:
    schema = census.schema_of(table)
    return prepare_data(keepable(table, schema), schema, "salt", None, validate_on_recent=False)


def measured(table: pd.DataFrame, *others: pd.DataFrame) -> list[tuple[float, float]]:
    """Return accuracy and ROC AUC on each of the other tables of a model of the first."""
    split = prepared(table)
    boosting = Candidate(estimator="hist-gradient-boosting", params={"max_iter": 60})
    pipeline = fit_final(split, boosting, seed=1)
    found = []
    for other in others:
        rows = prepare_data(
            keepable(other, split.schema), split.schema, "salt", None, validate_on_recent=False
        )
        every = rows.allowed.join(rows.holdout)
        said = answer(pipeline, every.frame)[:, 1]
        truth = every.target == census.CLASSES[1]
        found.append((accuracy_score(truth, said > 0.5), roc_auc_score(truth, said)))
    return found


def test_the_same_arguments_give_the_same_rows() -> None:
    pd.testing.assert_frame_equal(census.make_table(500, 3, 0.4), census.make_table(500, 3, 0.4))
    assert not census.make_table(500, 3).equals(census.make_table(500, 4))


def test_the_table_looks_like_uci_adult() -> None:
    table = census.make_table(20_000, 1)

    assert tuple(table.columns) == census.COLUMNS
    assert 0.22 < positive(table) < 0.27
    missing = table.isna().mean()
    assert set(missing[missing > 0].index) == {"workclass", "occupation", "native-country"}
    assert missing["workclass"] == pytest.approx(0.056, abs=0.01)
    assert missing["native-country"] == pytest.approx(0.018, abs=0.005)
    assert table["workclass"].isna().sum() <= table["occupation"].isna().sum()
    assert table["age"].between(17, 90).all()
    assert table["hours-per-week"].between(1, 99).all()
    assert table.groupby("education")["education-num"].nunique().max() == 1
    assert table.duplicated().mean() < 0.001


def test_columns_hang_together() -> None:
    table = census.make_table(20_000, 1)

    assert set(table.loc[table["relationship"] == "Husband", "sex"]) == {"Male"}
    assert set(table.loc[table["relationship"] == "Wife", "sex"]) == {"Female"}
    ages = table.groupby("marital-status")["age"].mean()
    assert ages["Widowed"] > ages["Married-civ-spouse"] > ages["Never-married"]
    schooling = table.groupby("occupation")["education-num"].mean()
    assert schooling["Prof-specialty"] > schooling["Handlers-cleaners"] + 2


def test_thirty_thousand_rows_take_less_than_a_second() -> None:
    began = time.process_time()
    census.make_table(30_000, 1)

    assert time.process_time() - began < 1


def test_drift_makes_an_old_model_wrong_and_a_new_one_right() -> None:
    old, new, half = (census.make_table(8_000, 1, drift) for drift in (0.0, 1.0, 0.5))
    today, drifted = census.make_table(4_000, 2, 0.0), census.make_table(4_000, 2, 1.0)
    halfway = census.make_table(4_000, 2, 0.5)

    (before, before_auc), (midway, _), (after, _) = measured(old, today, halfway, drifted)
    ((again, again_auc),) = measured(new, drifted)
    ((half_again, _),) = measured(half, halfway)

    assert 0.84 < before < 0.89
    assert before_auc > 0.89
    assert 0.60 < after < 0.72
    assert after < midway < before
    assert again > 0.84
    assert again_auc > 0.90
    assert half_again > midway + 0.04


def test_drift_changes_what_follows_from_the_inputs_and_not_only_the_inputs() -> None:
    workers = []
    for drift in (0.0, 1.0):
        table = census.make_table(20_000, 1, drift)
        rows = table[(table["occupation"] == "Craft-repair") & (table["hours-per-week"] >= 50)]
        workers.append(positive(rows))

    assert workers[1] > workers[0] + 0.3


@pytest.mark.parametrize("drift", [-0.1, 1.1, float("nan")])
def test_a_drift_that_is_no_share_is_refused(drift: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        census.make_table(10, 1, drift)


def test_the_schema_ignores_the_sampling_weight_and_describes_every_column() -> None:
    schema = census.schema_of(census.make_table(2_000, 1))

    assert len(schema.inputs) == 13
    assert census.IGNORED not in {column.name for column in schema.inputs}
    assert schema.classes == census.CLASSES
    assert all(column.description for column in schema.columns)
    assert {column.name for column in schema.inputs if column.nullable} == {
        "workclass",
        "occupation",
        "native-country",
    }


def test_sample_rows_are_json_with_the_inputs_of_the_model_and_the_true_label() -> None:
    rows = json.loads(json.dumps(census.sample_rows(300, 5, 0.5), allow_nan=False))
    inputs = {column.name for column in census.schema_of(census.make_table(2_000, 1)).inputs}

    assert len(rows) == 300
    assert all(set(row) == {"inputs", "label"} for row in rows)
    assert all(set(row["inputs"]) == inputs for row in rows)
    assert {row["label"] for row in rows} == set(census.CLASSES)
    assert any(row["inputs"]["workclass"] is None for row in rows)
    assert np.issubdtype(type(rows[0]["inputs"]["age"]), int)
