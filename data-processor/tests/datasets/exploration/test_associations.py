import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import spearmanr

from data_processor.datasets.exploration.associations import (
    COMPARED,
    Codes,
    Encoded,
    Numbers,
    associate,
    strengths,
)

DRAW = np.random.default_rng(3)
X = DRAW.normal(size=2_000)


def numbers(values: object) -> Numbers:
    return Numbers(np.asarray(values, np.float64))


def codes(values: object) -> Codes:
    return Codes(np.asarray(values, np.intp))


def values(first: Encoded, second: Encoded) -> dict[str, float]:
    return {found.measure: found.value for found in strengths(first, second)}


def test_two_numbers_are_compared_by_value_and_by_rank() -> None:
    found = values(numbers(X), numbers(np.exp(3 * X)))
    assert found["spearman"] == pytest.approx(1.0)
    assert found["pearson"] == pytest.approx(np.corrcoef(X, np.exp(3 * X))[0, 1])
    assert found["pearson"] < 0.7


def test_rows_in_which_one_is_missing_are_passed_over() -> None:
    gaps = np.where(np.arange(len(X)) % 7 == 0, np.nan, X)
    other = X + DRAW.normal(size=len(X))
    known = ~np.isnan(gaps)
    found = values(numbers(gaps), numbers(other))
    assert found["pearson"] == pytest.approx(np.corrcoef(X[known], other[known])[0, 1])
    assert found["spearman"] == pytest.approx(spearmanr(X[known], other[known]).statistic)


def test_categories_that_follow_from_each_other_have_a_v_of_1() -> None:
    cities = DRAW.integers(0, 5, 2_000)
    assert values(codes(cities), codes(4 - cities))["cramers-v"] == pytest.approx(1.0, abs=0.01)


def test_many_rare_categories_do_not_go_together_by_chance() -> None:
    """Without the corrections V would be 0.3 here, and the ratio as well."""
    rare, other = DRAW.integers(0, 200, 2_000), DRAW.integers(0, 150, 2_000)
    assert values(codes(rare), codes(other))["cramers-v"] < 0.1
    assert values(codes(rare), numbers(X))["correlation-ratio"] < 0.15


def test_a_number_that_depends_on_a_category_has_a_high_ratio_in_either_order() -> None:
    group = DRAW.integers(0, 4, len(X))
    moved = numbers(10.0 * group**2 + X)
    found = values(codes(group), moved)["correlation-ratio"]
    assert found > 0.99
    assert values(moved, codes(group))["correlation-ratio"] == found


@pytest.mark.parametrize(
    "other", [numbers(np.full(2_000, 7.1)), codes(np.zeros(2_000)), numbers(np.full(2_000, np.nan))]
)
def test_a_constant_goes_together_with_nothing(other: Encoded) -> None:
    assert strengths(numbers(X), other) == []
    assert strengths(codes(X > 0), other) == []


NUMBERS = st.lists(st.floats(width=64), min_size=12, max_size=12).map(numbers)
CODES = st.lists(st.integers(-1, 4), min_size=12, max_size=12).map(codes)


@given(NUMBERS | CODES, NUMBERS | CODES)
def test_strengths_are_between_their_ends(first: Encoded, second: Encoded) -> None:
    for found in strengths(first, second):
        signed = found.measure in ("pearson", "spearman")
        assert (-1 if signed else 0) <= found.value <= 1


def test_of_many_columns_the_ones_that_go_with_the_target_most_are_compared() -> None:
    target = X + DRAW.normal(size=len(X))
    noise: dict[str, NDArray[np.float64]] = {f"n{k}": DRAW.normal(size=len(X)) for k in range(COMPARED + 5)}
    columns: dict[str, Encoded] = {name: numbers(column) for name, column in noise.items()}
    columns |= {"x": numbers(X), "y": numbers(target)}
    with_target, found = associate(columns, "y", lambda _share: None)
    assert max(with_target, key=lambda name: abs(with_target[name].value)) == "x"
    assert with_target["x"].measure == "spearman"
    assert {"x", "y"} <= set(found.columns)
    assert (len(found.columns), found.left_out) == (COMPARED + 1, 6)
    assert len(found.pairs) == 2 * (COMPARED + 1) * COMPARED // 2
