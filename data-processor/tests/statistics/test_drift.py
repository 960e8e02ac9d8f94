from typing import Any

import numpy as np
import pytest
from scipy import stats

from data_processor.statistics.distances import (
    categories_apart,
    numbers_apart,
    pool_rare,
    stability_index,
    tenths,
)
from data_processor.statistics.drift import Categories, Comparison, DriftFound, Numbers, find_drift

RNG = np.random.default_rng(5)


def find(*features: Any, rows: int | None = None) -> DriftFound:
    n = rows if rows is not None else len(features[0].current)
    return find_drift(features, reference_rows=len(features[0].reference), rows=n, seed=1)


def only(feature: Any) -> Comparison:
    return find(feature).features[0]


def numbers(reference: Any, current: Any) -> Numbers:
    return Numbers("age", np.asarray(reference, float), np.asarray(current, float))


def categories(reference: list[Any], current: list[Any]) -> Categories:
    return Categories("job", np.array(reference, object), np.array(current, object))


@pytest.mark.parametrize("rows", [0, 1, 8, 99])
def test_fewer_than_a_hundred_rows_give_no_verdict_however_far_they_moved(rows: int) -> None:
    found = find(numbers(RNG.normal(size=500), np.full(rows, 50.0)))

    assert found.verdict == "no_verdict"
    assert found.features == ()
    assert found.drifted == ()
    assert "of the 100 recent predictions that a verdict takes" in found.reason


def test_a_small_reference_gives_no_verdict_either() -> None:
    found = find(numbers(RNG.normal(size=99), RNG.normal(size=500)))

    assert found.verdict == "no_verdict"
    assert found.reason == "There are 99 of the 100 reference rows that a verdict takes."


def test_no_features_give_no_verdict() -> None:
    found = find_drift([], reference_rows=500, rows=500, seed=1)

    assert found.verdict == "no_verdict"


def test_many_rows_do_not_make_a_trifle_significant() -> None:
    reference = RNG.normal(size=20_000)
    found = find(numbers(reference, RNG.normal(0.06, size=20_000)))

    assert found.features[0].p_value < 0.01
    assert found.verdict == "no_drift"
    assert found.reason == "None of 1 features drifted, compared over 20000 recent and 20000 reference rows."


def test_a_feature_that_drifted_says_how_far_where_to_and_how_sure() -> None:
    one = only(numbers(RNG.normal(40, 10, 3_000), RNG.normal(48, 10, 400)))

    assert one.drifted
    assert (one.test, one.n, one.threshold) == ("kolmogorov-smirnov", 400, 0.1)
    assert one.distance == pytest.approx(0.31, abs=0.06)
    assert one.direction == "higher"
    assert one.change.startswith("median 4")
    assert one.p_value < 1e-6


@pytest.mark.parametrize(
    ("rows", "of_numbers", "of_categories"),
    [(1_000, "kolmogorov-smirnov", "chi-squared"), (1_001, "wasserstein", "jensen-shannon")],
)
def test_the_smaller_sample_chooses_the_test(rows: int, of_numbers: str, of_categories: str) -> None:
    found = find(
        numbers(RNG.normal(size=4_000), RNG.normal(size=rows)),
        categories(["a", "b"] * 2_000, (["a", "b"] * rows)[:rows]),
    )

    assert [one.test for one in found.features] == [of_numbers, of_categories]


def test_wasserstein_counts_in_standard_deviations_of_the_reference() -> None:
    one = only(numbers(RNG.normal(0, 100, 5_000), RNG.normal(50, 100, 2_000)))

    assert one.test == "wasserstein"
    assert one.distance == pytest.approx(0.5, abs=0.06)


def test_the_p_value_of_a_distance_is_that_of_its_permutations() -> None:
    rng = np.random.default_rng(8)
    reference, current = rng.normal(size=1_200), rng.normal(0.05, size=1_100)
    apart = numbers_apart(reference, current, 1_999, rng)
    sides = (reference, current)
    one_by_one = stats.permutation_test(
        sides, stats.wasserstein_distance, n_resamples=499, alternative="greater", rng=rng
    )

    assert apart.p_value == pytest.approx(one_by_one.pvalue, abs=0.06)


def test_permuted_categories_agree_with_chi_squared() -> None:
    before, now = np.array([800, 700, 500]), np.array([560, 560, 400])
    permuted = categories_apart(before, now, 4_999, np.random.default_rng(1))

    assert permuted.test == "jensen-shannon"
    assert permuted.p_value == pytest.approx(stats.chi2_contingency([before, now])[1], abs=0.03)


def test_a_median_that_stays_may_still_have_wider_values_around_it() -> None:
    places = np.linspace(0.001, 0.999, 501)
    one = only(numbers(stats.norm.ppf(places), 2 * stats.norm.ppf(places)))

    assert (one.drifted, one.direction) == (True, "wider")


def test_values_that_are_suddenly_missing_are_drift() -> None:
    reference, current = RNG.normal(size=2_000), RNG.normal(size=300)
    current[:90] = np.nan
    one = only(numbers(reference, current))

    assert (one.drifted, one.test, one.direction) == (True, "fisher", "more_missing")
    assert one.distance == pytest.approx(0.3)
    assert one.change == "missing in 30.0 %, was 0.0 %"


def test_a_column_with_too_few_known_values_is_compared_by_the_share_that_is_missing() -> None:
    current = np.full(300, np.nan)
    current[:50] = 1e9
    reference = np.where(np.arange(600) % 6 == 0, 1.0, np.nan)
    one = only(numbers(reference, current))

    assert (one.test, one.drifted) == ("fisher", False)


def test_a_constant_that_stays_is_no_drift_and_one_that_moves_is() -> None:
    for rows in (400, 2_000):
        assert not only(numbers(np.ones(4_000), np.ones(rows))).drifted
        assert only(numbers(np.ones(4_000), np.full(rows, 2.0))).drifted


def test_a_new_category_is_drift() -> None:
    one = only(categories(["a", "b"] * 500, ["a", "b", "new"] * 100))

    assert (one.drifted, one.direction) == (True, "shares")
    assert one.change == "'new' in 33.3 %, was 0.0 %"


def test_missing_counts_as_a_category() -> None:
    one = only(categories(["a", "b"] * 500, ["a", "b", None] * 100))

    assert (one.drifted, one.direction) == (True, "more_missing")


def test_rare_categories_are_compared_as_one() -> None:
    pooled = pool_rare(np.array([900, 90, 6, 4]), np.array([90, 9, 1, 0]))

    assert pooled.tolist() == [[900, 90, 10], [90, 9, 1]]


@pytest.mark.parametrize("rows", [300, 5_000])
def test_thousands_of_rare_categories_are_no_drift_by_chance(rows: int) -> None:
    names = np.array([f"c{place}" for place in range(5_000)], object)
    shares = 1 / np.arange(1, 5_001)
    rng = np.random.default_rng(1)
    sides = (rng.choice(names, size, p=shares / shares.sum()) for size in (10_000, rows))
    found = only(Categories("job", *sides))
    assert not found.drifted
    assert found.index < 0.1


def test_however_many_categories_there_are_a_bounded_number_is_permuted() -> None:
    pooled = pool_rare(np.full(4_000, 500), np.full(4_000, 500))
    assert pooled.shape == (2, 201)
    assert pooled.sum() == 4_000_000


def test_all_different_categories_are_no_drift() -> None:
    one = only(categories([f"r{n}" for n in range(500)], [f"c{n}" for n in range(200)]))

    assert one.p_value == 1.0
    assert not one.drifted


def test_the_stability_index_is_that_of_its_formula() -> None:
    before, now = np.array([500, 500]) * 1_000, np.array([600, 400]) * 1_000

    expected = (0.6 - 0.5) * np.log(0.6 / 0.5) + (0.4 - 0.5) * np.log(0.4 / 0.5)
    assert stability_index(before, now) == pytest.approx(expected, rel=1e-4)


def test_the_index_counts_in_tenths_of_the_reference_and_what_is_missing() -> None:
    before, now = tenths(np.arange(100.0), np.array([-5.0, 1000.0, np.nan]))

    assert before.tolist() == [10] * 10 + [0]
    assert now.tolist() == [1] + [0] * 8 + [1, 1]


def test_another_column_changes_no_number_of_those_before_it() -> None:
    first = numbers(RNG.normal(size=3_000), RNG.normal(size=2_000))
    second = numbers(RNG.normal(size=3_000), RNG.normal(size=2_000))

    assert find(first).features[0].p_value == find(first, second).features[0].p_value
