import numpy as np
import pytest

from data_processor.statistics.calibration import Calibration, calibrate, estimate


def reference(rows: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Draw confidences of a model that is less often right than it is sure."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.5, 1.0, rows)
    return confidence, rng.random(rows) < 0.9 * confidence


def test_an_overconfident_model_is_expected_to_be_right_as_often_as_it_was() -> None:
    calibration = calibrate(*reference(4_000))
    assert calibration is not None
    found = estimate(calibration, np.random.default_rng(2).uniform(0.5, 1.0, 400).tolist())
    assert found is not None
    assert found.value == pytest.approx(0.675, abs=0.03)
    assert found.low < 0.675 < found.high


def test_less_certain_answers_lower_the_estimate() -> None:
    calibration = calibrate(*reference(4_000))
    assert calibration is not None
    sure, unsure = (estimate(calibration, [level] * 100) for level in (0.95, 0.55))
    assert sure is not None
    assert unsure is not None
    assert unsure.high < sure.low


def test_shares_rise_with_confidence_and_no_row_is_lost() -> None:
    calibration = calibrate(*reference(1_000))
    assert calibration is not None
    shares = np.array(calibration.right) / np.array(calibration.rows)
    assert (np.diff(shares) > 0).all()
    assert (np.diff(calibration.up_to) > 0).all()
    assert sum(calibration.rows) == 1_000


def test_equal_confidences_are_one_block() -> None:
    calibration = calibrate(np.full(200, 0.7), np.arange(200) % 4 > 0)
    assert calibration == Calibration(up_to=(0.7,), right=(150,), rows=(200,))


def test_few_rows_calibrate_nothing_and_few_answers_are_not_estimated() -> None:
    assert calibrate(*reference(99)) is None
    calibration = calibrate(*reference(100))
    assert calibration is not None
    assert estimate(calibration, [0.9] * 49) is None
    assert estimate(calibration, [0.9] * 50) is not None


def test_confidences_beyond_those_of_the_reference_belong_to_the_nearest_block() -> None:
    calibration = Calibration(up_to=(0.6, 0.8), right=(50, 90), rows=(100, 100))
    low, high = (estimate(calibration, [level] * 60) for level in (0.1, 0.99))
    assert low is not None
    assert high is not None
    assert (low.value, high.value) == (0.5, 0.9)


def test_rows_that_belong_together_widen_the_interval() -> None:
    confidence, _ = reference(1_000)
    right = np.repeat(np.arange(50) % 3 > 0, 20)
    alone, grouped = (
        calibrate(confidence, right),
        calibrate(confidence, right, np.repeat(range(50), 20).tolist()),
    )
    assert alone is not None
    assert grouped is not None
    wide, narrow = (estimate(one, confidence.tolist()) for one in (grouped, alone))
    assert wide is not None
    assert narrow is not None
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
