import numpy as np
import pytest

from data_processor.features.precision import lost, offset_of, share_blurred

DRAW = np.random.default_rng(1)
INSTANTS = 1_700_000_000_000 + DRAW.integers(0, 600_000, 1_500).astype(np.float64)
"""Milliseconds within ten minutes."""


def apart(values: np.ndarray, offset: float) -> int:
    return len(np.unique((values - offset).astype(np.float32)))


@pytest.mark.parametrize(
    "values",
    [
        INSTANTS,
        -INSTANTS,
        2e9 + DRAW.integers(0, 700, 900) * 37.0,
        20_000_000 + np.arange(3_000.0),
        np.concatenate([np.zeros(2_000), INSTANTS]),
        2**53 - 1 - np.arange(5.0),
    ],
    ids=["instants", "negative", "large offset", "numbered", "mostly a zero", "few"],
)
def test_what_32_bits_blur_is_told_apart_from_its_offset(values: np.ndarray) -> None:
    distinct = len(np.unique(values))
    assert apart(values, 0.0) < distinct
    assert apart(values, offset_of(values)) == distinct


@pytest.mark.parametrize(
    "values",
    [
        np.arange(2_011.0, 2_024.0),
        DRAW.normal(0, 1, 50_000),
        DRAW.normal(300, 10, 50_000),
        np.exp(DRAW.normal(0, 5, 50_000)),
        10.0 ** DRAW.uniform(0, 20, 1_000),
        np.array([1.7e12]),
        np.array([]),
        np.array([1e300, 2e300]),
    ],
    ids=["years", "normal", "kelvin", "log-normal", "all scales", "one value", "none", "too large"],
)
def test_what_needs_no_offset_has_none(values: np.ndarray) -> None:
    assert offset_of(values) == 0.0


def test_of_two_heaps_the_larger_is_told_apart() -> None:
    heaps = np.concatenate([INSTANTS, INSTANTS[:300] + 1e11])
    offset = offset_of(heaps)
    assert abs(offset - INSTANTS.mean()) < 600_000
    assert share_blurred(np.unique(heaps), offset) < 0.2


def test_what_no_offset_helps_is_known() -> None:
    heaps = np.concatenate([INSTANTS, INSTANTS[:900] + 1e11])
    assert lost(heaps, offset_of(heaps)) > 0.3
    assert lost(INSTANTS, offset_of(INSTANTS)) == 0
    assert lost(np.array([]), 0.0) == lost(np.array([1.7e12 + 1]), 0.0) == 0


def test_an_offset_is_one_of_the_values() -> None:
    assert offset_of(INSTANTS) in INSTANTS
