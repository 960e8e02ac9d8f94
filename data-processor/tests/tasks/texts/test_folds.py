import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.features.schema import Schema
from data_processor.features.split import Split
from data_processor.models.policy import Policy
from data_processor.tasks.space import SearchRequest, recent_shares
from data_processor.tasks.texts.fitting import CALIBRATION_FOLDS, calibration_folds
from data_processor.tasks.texts.folds import FOLDS, REPEATS, divide, stratified

ROW = st.tuples(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), st.sampled_from(["no", "yes"]))


@given(st.lists(ROW, min_size=1, max_size=60), st.integers(2, 5), st.integers(0, 9))
def test_equal_inputs_share_a_fold(rows: list[tuple[float, str]], count: int, seed: int) -> None:
    positions, target = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], object)
    folds = stratified(target, positions, count, np.random.default_rng(seed))

    assert set(folds) <= set(range(count))
    for place in np.unique(positions):
        assert len(set(folds[positions == place])) == 1


@given(st.integers(5, 60), st.integers(5, 60), st.integers(0, 9))
def test_every_class_is_in_all_folds_alike(few: int, many: int, seed: int) -> None:
    target = np.array(["yes"] * few + ["no"] * many, object)
    folds = stratified(target, np.arange(few + many) / 1000, FOLDS, np.random.default_rng(seed))

    for label in ("yes", "no"):
        counts = np.bincount(folds[target == label], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1


def test_without_recent_rows_every_row_is_asked_about_in_every_division(comments_split: Split) -> None:
    material = divide(comments_split, 10_000, seed=1)

    assert len(material.rows) == len(comments_split.fitting) + len(comments_split.validation)
    assert {fold.division for fold in material.folds} == set(range(REPEATS))
    for division in range(REPEATS):
        seen = np.zeros(len(material.rows), int)
        for number, fold in enumerate(material.folds):
            if fold.division != division:
                continue
            fitted, weights, asked = material.part(number, "natural")
            assert not set(fitted) & set(asked)
            assert len(fitted) + len(asked) == len(material.rows)
            np.testing.assert_array_equal(weights, 1)
            seen[asked] += 1
        np.testing.assert_array_equal(seen, 1)


def test_recent_rows_are_asked_about_by_fits_that_saw_no_equal_input(drifted_split: Split) -> None:
    material = divide(drifted_split, 500, seed=1)
    policy = Policy()
    request = SearchRequest("roc_auc", 1, 1, None, policy.recent_share, policy.preparation)
    assert recent_shares(drifted_split, request) == [0.9, "only", "natural"]
    assert material.validation.sum() == len(drifted_split.validation)

    for share, expected in ((0.9, 0.9), ("only", 1.0), ("natural", None)):
        for number in range(len(material.folds)):
            fitted, weights, asked = material.part(number, share)  # type: ignore[arg-type]  # one of them
            assert material.rows.recent[asked].all()
            assert not set(material.rows.positions[fitted]) & set(material.rows.positions[asked])
            recent = material.rows.recent[fitted]
            assert weights.mean() == pytest.approx(1)
            mass = weights[recent].sum() / weights.sum()
            # Only a sample of the old rows is here: recent ones have the share they have among all of them.
            assert mass == pytest.approx(
                expected or recent.sum() / (recent.sum() + len(drifted_split.fitting))
            )


def test_a_calibration_divides_whole_groups_if_no_class_is_left_out() -> None:
    target = np.array(["yes", "no"] * 30, object)
    schema = Schema(task="text-classification", target="y", columns=(), classes=("no", "yes"))
    groups = np.repeat(np.arange(12), 5)
    folds = calibration_folds(target, schema, groups)

    assert not isinstance(folds, int)
    assert len(folds) == CALIBRATION_FOLDS
    assert all(not np.isin(groups[fitted], groups[asked]).any() for fitted, asked in folds)
    assert calibration_folds(target, schema, None) == CALIBRATION_FOLDS
    lonely = np.array(["yes"] * 55 + ["no"] * 5, object)
    assert calibration_folds(lonely, schema, groups) == CALIBRATION_FOLDS
