from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.features.split import Rows, Split
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.fitting import fit
from data_processor.tasks.tables.trials import FEWEST_ROWS, Ground, make_ground, size, stratified_folds

positions = st.lists(st.sampled_from(np.linspace(0, 0.99, 40).tolist()), min_size=1, max_size=120)


@given(positions, st.integers(2, 5), st.data())
def test_equal_inputs_share_a_fold_and_classes_are_spread(at: list[float], count: int, data: Any) -> None:
    labels = np.array(data.draw(st.lists(st.sampled_from("abc"), min_size=len(at), max_size=len(at))), object)
    folds = stratified_folds(np.array(at), labels, count)

    assert set(folds) <= set(range(count))
    for position in set(at):
        assert len(set(folds[np.array(at) == position])) == 1
    # Of the distinct inputs that a class has, every fold gets as many as every other, give or take one.
    distinct, first = np.unique(at, return_index=True)
    for label in set(labels[first]):
        here = folds[first][labels[first] == label]
        assert np.ptp(np.bincount(here, minlength=count)) <= 1
    assert len(distinct) == len(first)


def test_values_are_spread_over_the_folds() -> None:
    draw = np.random.default_rng(1)
    values = draw.lognormal(size=2_000)
    folds = stratified_folds(draw.random(2_000), values, 5)

    assert np.ptp(np.bincount(folds)) <= 10
    for low, high in ((0, 10), (40, 50), (90, 100)):
        inside = (values >= np.percentile(values, low)) & (values <= np.percentile(values, high))
        assert np.ptp(np.bincount(folds[inside], minlength=5)) <= 3


def test_given_time_every_row_but_the_reference_ones_is_chosen_by(census_split: Split) -> None:
    ground = make_ground(census_split, budget_s=60, seed=1)

    assert (ground.chosen_on, len(ground.folds)) == ("cross-validation", 5)
    assert len(ground.validation) == len(census_split.fitting) + len(census_split.validation)
    assert ground.validation.positions.min() >= 0.2
    assert np.sum(ground.folds, axis=0).tolist() == [1] * len(ground.validation)
    for fold in ground.folds:
        _, rows = ground.part(Candidate(estimator="ridge", params={}), fold)
        assert not set(rows.positions) & set(ground.validation.positions[fold])
        assert len(rows) + fold.sum() == len(ground.validation)


@pytest.mark.parametrize(
    ("budget_s", "chosen_on", "folds"),
    [(60, "cross-validation", 5), (1.5, "cross-validation", 3), (1, "validation", 1)],
)
def test_the_less_time_the_fewer_folds(
    census_split: Split, budget_s: float, chosen_on: str, folds: int
) -> None:
    ground = make_ground(census_split, budget_s, seed=1)
    assert (ground.chosen_on, len(ground.folds)) == (chosen_on, folds)


def test_of_many_rows_a_quick_search_fits_a_sample(census_split: Split) -> None:
    ground = make_ground(census_split, 0.01, seed=1)
    assert len(ground.fitting) == min(FEWEST_ROWS, len(census_split.fitting))
    assert ground.validation is census_split.validation


def test_recent_rows_are_chosen_by_as_ever(drifted_split: Split) -> None:
    ground = make_ground(drifted_split, 60, seed=1)
    assert (ground.chosen_on, len(ground.folds)) == ("recent", 3)
    natural, rows = ground.part(Candidate(estimator="ridge", params={}), ground.folds[0])
    others = len(ground.validation) - ground.folds[0].sum()
    assert natural.recent_share == pytest.approx(others / (others + len(drifted_split.fitting)))
    assert rows.recent.sum() == others


def test_a_fit_says_what_it_cost_and_where_it_was_done(census_split: Split) -> None:
    ground = make_ground(census_split, 10, seed=1)
    fitted = ground.fit(Candidate(estimator="logistic-regression", params={}), 0)
    assert fitted.outputs is not None
    assert fitted.outputs.shape == (ground.folds[0].sum(), 2)
    assert min(fitted.seconds, fitted.ms_per_row, fitted.bytes) > 0
    assert ":" in fitted.where


def test_what_cannot_be_fitted_says_why(census_split: Split) -> None:
    rows = census_split.fitting.take(census_split.fitting.target == "<=50K")
    none: Rows = rows.take(np.zeros(len(rows), np.bool_))
    one = Ground(census_split.schema, 1, "validation", rows, none, [np.ones(len(rows), np.bool_)], 0)
    fitted = one.fit(Candidate(estimator="logistic-regression", params={}), 0)
    assert (fitted.outputs, fitted.why_not) == (None, "There is no row to fit on.")


@pytest.mark.parametrize("estimator", ["logistic-regression", "hist-gradient-boosting", "random-forest"])
def test_the_size_of_a_model_is_that_of_its_numbers(census_split: Split, estimator: str) -> None:
    params = {"random-forest": {"n_estimators": 5}, "hist-gradient-boosting": {"max_iter": 5}}.get(
        estimator, {}
    )
    candidate = Candidate(estimator=estimator, params=params)
    measured = size(fit(candidate, census_split.fitting, census_split.schema, seed=1))

    assert 100 < measured < 3_000_000
