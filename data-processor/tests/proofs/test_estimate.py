"""The estimate without labels covers the truth where only inputs changed, and is blind where more did."""

from collections.abc import Callable

import numpy as np
import pytest

from data_processor.statistics.calibration import calibrate, estimate


def truth(confidence: np.ndarray) -> np.ndarray:
    return 0.4 + 0.55 * (2 * confidence - 1) ** 1.5


@pytest.mark.parametrize(("less", "more", "share"), [(4, 2, 0.93), (3, 3, 0.93), (2, 4, 0.85)])
def test_its_interval_covers_the_accuracy_after_a_covariate_shift(
    seeds: range, at_least: Callable[[int, int, float], None], less: int, more: int, share: float
) -> None:
    """Of the last shift most answers are as sure as few reference rows were: what those say is less exact."""
    covered = 0
    expected = float(truth(np.random.default_rng(0).beta(less, more, 400_000) * 0.5 + 0.5).mean())
    for seed in seeds:
        rng = np.random.default_rng(seed)
        before = 0.5 + 0.5 * rng.beta(4, 2, 2_000)
        calibration = calibrate(before, rng.random(2_000) < truth(before))
        assert calibration is not None
        found = estimate(calibration, (0.5 + 0.5 * rng.beta(less, more, 200)).tolist())
        assert found is not None
        covered += found.low <= expected <= found.high
    at_least(covered, len(seeds), share)


def test_a_changed_relation_to_the_target_is_not_seen(seeds: range) -> None:
    for seed in seeds[:20]:
        rng = np.random.default_rng(seed)
        before = 0.5 + 0.5 * rng.beta(4, 2, 2_000)
        calibration = calibrate(before, rng.random(2_000) < truth(before))
        assert calibration is not None
        now = 0.5 + 0.5 * rng.beta(4, 2, 400)
        found = estimate(calibration, now.tolist())
        assert found is not None
        assert found.low > (rng.random(400) < 0.5).mean()
