import numpy as np
import pytest

from data_processor.tasks.faces.nearest import distances_between
from data_processor.tasks.faces.projection import fit_projection
from data_processor.tasks.faces.threshold import (
    MOST_REFITS,
    can_calibrate,
    genuine_distances,
    impostor_distances,
    low_quantile,
    midway,
)
from tasks.faces.signatures import made_up


def test_a_stranger_takes_no_part_in_the_projection_that_they_are_seen_in() -> None:
    signatures, persons = made_up(5, 4, 0)
    out = persons == 2
    projection = fit_projection(signatures[~out], persons[~out])
    assert projection is not None
    vectors = projection.apply(signatures)
    expected = distances_between(vectors[out], vectors[~out]).min(axis=1)
    assert np.allclose(impostor_distances(signatures, persons)[out], expected, rtol=1e-4)


def test_of_many_persons_several_play_strangers_at_once() -> None:
    fitted: list[int] = []

    def fit(signatures: np.ndarray, _persons: np.ndarray) -> None:
        fitted.append(len(signatures))

    signatures, persons = made_up(3 * MOST_REFITS, 2, 0, length=4)
    found = impostor_distances(signatures, persons, fit)
    assert np.isfinite(found).all()
    assert fitted == [len(persons) - 6] * MOST_REFITS


def test_a_genuine_picture_is_compared_with_the_others_of_its_person() -> None:
    vectors = np.array([[0, 0], [3, 4], [9, 9], [9, 9], [5, 5]], np.float32)
    found = genuine_distances(vectors, np.array([1, 1, 2, 2, 3]))
    assert found.tolist() == [5, 5, 0, 0, np.inf]


def test_the_rules_take_their_shares() -> None:
    signatures, persons = made_up(8, 5, 1, apart=3.0, length=16)
    strangers = impostor_distances(signatures, persons, None)
    assert np.mean(strangers < low_quantile(signatures, persons, 0.25, None)) == 0.25
    genuine = genuine_distances(signatures, persons)
    assert genuine.max() < midway(signatures, persons, 0.05) < strangers.min()


@pytest.mark.parametrize(
    ("counts", "enough"),
    [([], False), ([10], False), ([5, 5, 5], False), ([3, 3, 3, 3], False), ([4, 4, 4, 4], True)],
)
def test_a_threshold_needs_enough_pictures_also_without_one_of_the_persons(
    counts: list[int], enough: bool
) -> None:
    persons = np.repeat(np.arange(len(counts)), counts)
    assert can_calibrate(persons) is enough
