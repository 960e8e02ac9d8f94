"""Chance does not look like drift, however many features there are, and drift does."""

from collections.abc import Callable

import numpy as np
import pytest

from data_processor.statistics.drift import LEVEL, Categories, Feature, Numbers, find_drift

REFERENCE, FEATURES = 3_000, 30
MOST = 300
"""Seeds at most: each takes a tenth of a second."""
LETTERS = np.array(list("abcdefgh"), object)
SHARES = [0.4, 0.2, 0.1, 0.1, 0.1, 0.05, 0.03, 0.02]


def sample(rng: np.random.Generator, rows: int, features: int) -> list[np.ndarray]:
    """Draw a table: normal columns, skewed ones with missing values, and categories, in turn."""
    columns: list[np.ndarray] = []
    for place in range(features):
        if place % 3 == 0:
            columns.append(rng.normal(size=rows))
        elif place % 3 == 1:
            columns.append(np.where(rng.random(rows) < 0.1, np.nan, rng.exponential(size=rows)))
        else:
            columns.append(rng.choice(LETTERS, rows, p=SHARES))
    return columns


def paired(reference: list[np.ndarray], current: list[np.ndarray]) -> list[Feature]:
    return [
        (Categories if before.dtype == object else Numbers)(f"f{place}", before, now)
        for place, (before, now) in enumerate(zip(reference, current, strict=True))
    ]


@pytest.mark.parametrize("rows", [100, 400])
def test_without_drift_at_most_one_report_in_twenty_finds_some_among_thirty_features(
    rows: int, seeds: range, at_most: Callable[[int, int, float], None]
) -> None:
    alarms = 0
    seeds = seeds[:MOST]
    for seed in seeds:
        rng = np.random.default_rng([1, seed])
        features = paired(sample(rng, REFERENCE, FEATURES), sample(rng, rows, FEATURES))
        alarms += find_drift(features, reference_rows=REFERENCE, rows=rows, seed=seed).verdict == "drift"
    at_most(alarms, len(seeds), LEVEL)


def test_permuted_p_values_keep_their_level_without_the_help_of_the_minimum_effect(
    seeds: range, at_most: Callable[[int, int, float], None]
) -> None:
    passed = 0
    seeds = seeds[:MOST]
    for seed in seeds:
        rng = np.random.default_rng([2, seed])
        features = paired(sample(rng, REFERENCE, 3), sample(rng, 1_200, 3))
        found = find_drift(features, reference_rows=REFERENCE, rows=1_200, seed=seed)
        passed += min(one.adjusted for one in found.features) <= LEVEL
    at_most(passed, len(seeds), 0.06)  # two tests of a column with missing values share its p-value


@pytest.mark.parametrize("rows", [400, 1_200])
def test_a_shift_of_half_a_standard_deviation_is_found_among_many_features(
    rows: int, seeds: range, at_least: Callable[[int, int, float], None]
) -> None:
    features = FEATURES if rows == 400 else 6
    seen = 0
    seeds = seeds[:MOST]
    for seed in seeds:
        rng = np.random.default_rng([3, seed])
        reference, current = sample(rng, REFERENCE, features), sample(rng, rows, features)
        current[0] = current[0] + 0.5
        found = find_drift(paired(reference, current), reference_rows=REFERENCE, rows=rows, seed=seed)
        seen += "f0" in found.drifted and found.features[0].direction == "higher"
    at_least(seen, len(seeds), 0.99)
