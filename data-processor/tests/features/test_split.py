import numpy as np
import pandas as pd
import pytest

from data_processor.datasets import census
from data_processor.features import holdout
from data_processor.features.schema import Schema
from data_processor.features.split import FEEDBACK_COLUMN, Rows, Split, prepare_data, summary

Snapshot = tuple[pd.DataFrame, Schema]


def parts(split: Split) -> dict[str, Rows]:
    return {name: getattr(split, name) for name in ("fitting", "validation", "test", "holdout")}


def texts(rows: Rows) -> set[str]:
    """Return the inputs of rows in a form that can be compared."""
    return {"|".join(map(str, row)) for row in rows.frame.itertuples(index=False)}


def test_every_row_is_in_one_part(drifted_snapshot: Snapshot, drifted_split: Split) -> None:
    frame, _ = drifted_snapshot

    assert sum(len(rows) for rows in parts(drifted_split).values()) == len(frame)
    feedback = np.concatenate([rows.predictions for rows in parts(drifted_split).values()])
    assert sorted(feedback[feedback != ""]) == sorted(f"prediction-{n}" for n in range(1, 401))


@pytest.mark.parametrize("by_recent", [True, False])
def test_equal_inputs_of_one_kind_are_never_in_two_parts(drifted_snapshot: Snapshot, by_recent: bool) -> None:
    frame, schema = drifted_snapshot
    doubled = pd.concat([frame, frame], ignore_index=True)
    divided = parts(prepare_data(doubled, schema, "salt", 0, validate_on_recent=by_recent))

    for recent in (True, False):
        inputs = [texts(rows.take(rows.recent == recent)) for rows in divided.values()]
        assert all(not inputs[i] & inputs[j] for i in range(4) for j in range(i))


def test_no_row_of_the_reference_side_is_ever_allowed_to_be_fitted(
    drifted_split: Split, census_split: Split
) -> None:
    for split in (drifted_split, census_split):
        assert not holdout.on_holdout(split.allowed.positions).any()
        assert not holdout.on_holdout(split.fitting.positions).any()
        assert not holdout.on_holdout(split.validation.positions).any()
        assert holdout.on_holdout(split.holdout.positions).all()
    assert holdout.on_holdout(drifted_split.test.positions).any()


def test_the_choosing_rows_never_meet_the_gate_rows(drifted_split: Split) -> None:
    assert drifted_split.validation.positions.min() >= holdout.VALIDATION_FROM
    assert drifted_split.test.positions.max() < holdout.VALIDATION_FROM
    assert not texts(drifted_split.validation) & texts(drifted_split.test)


def test_recent_rows_choose_and_decide_where_the_score_opened_the_run(drifted_split: Split) -> None:
    assert drifted_split.chosen_on == "recent"
    assert drifted_split.validation.recent.all()
    assert drifted_split.test.recent.all()
    assert not drifted_split.fitting.recent.any()
    assert not drifted_split.holdout.recent.any()
    assert len(drifted_split.validation) == pytest.approx(120, abs=40)


def test_elsewhere_a_fifth_of_the_rows_that_may_be_fitted_chooses(drifted_snapshot: Snapshot) -> None:
    frame, schema = drifted_snapshot
    split = prepare_data(frame, schema, "salt", 0, validate_on_recent=False)

    assert split.chosen_on == "validation"
    assert not split.validation.recent.any()
    assert len(split.validation) == pytest.approx(0.16 * 3_000, rel=0.15)
    assert split.fitting.recent.sum() > 0
    assert split.test.recent.all()


def test_feedback_the_champion_was_trained_on_is_not_recent(drifted_snapshot: Snapshot) -> None:
    frame, schema = drifted_snapshot
    split = prepare_data(frame, schema, "salt", 300, validate_on_recent=True)
    recent = np.concatenate([rows.predictions[rows.recent] for rows in parts(split).values()])

    assert sorted(recent) == sorted(f"prediction-{n}" for n in range(301, 401))


def test_without_a_champion_nothing_is_recent(drifted_snapshot: Snapshot) -> None:
    frame, schema = drifted_snapshot
    split = prepare_data(frame, schema, "salt", None, validate_on_recent=True)

    assert split.chosen_on == "validation"
    assert len(split.test) == 0
    assert sum(rows.recent.sum() for rows in parts(split).values()) == 0


def test_a_row_keeps_its_side_in_every_later_version(drifted_snapshot: Snapshot) -> None:
    frame, schema = drifted_snapshot
    upload = frame[frame[FEEDBACK_COLUMN] == 0]
    before = prepare_data(upload, schema, "salt", None, validate_on_recent=False)
    after = prepare_data(frame.sample(frac=1, random_state=1), schema, "salt", 400, validate_on_recent=False)

    assert texts(before.holdout) <= texts(after.holdout)
    assert not texts(before.allowed) & texts(after.holdout)


def test_another_salt_holds_out_other_rows(census_split: Split) -> None:
    table = census.make_table(3_000, 1)
    other = prepare_data(table, census_split.schema, "pepper", None, validate_on_recent=False)

    shared = texts(other.holdout) & texts(census_split.holdout)
    assert len(shared) < 0.4 * len(other.holdout)


def test_rows_without_a_target_are_left_out(census_split: Split) -> None:
    table = census.make_table(300, 1)
    table.loc[:99, census.TARGET] = None
    split = prepare_data(table, census_split.schema, "salt", None, validate_on_recent=False)

    assert sum(len(rows) for rows in parts(split).values()) == 200


def test_a_summary_counts_the_rows_of_each_part(drifted_split: Split) -> None:
    assert summary(drifted_split) == {
        "fitting": len(drifted_split.fitting),
        "validation": len(drifted_split.validation),
        "test": len(drifted_split.test),
        "holdout": len(drifted_split.holdout),
        "chosen_on": "recent",
    }
