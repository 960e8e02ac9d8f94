from typing import Any

import cv2
import numpy as np
import pytest
from skimage.feature import local_binary_pattern

from data_processor.tasks.faces import lbp
from data_processor.tasks.faces.crops import only_face
from data_processor.tasks.faces.extractors import Extractors
from tasks.faces.drawn import drawn
from tasks.faces.signatures import of_drawn_faces


@pytest.mark.parametrize("softness", [0, 1, 3])
def test_patterns_are_those_of_scikit_image_under_other_numbers(softness: int) -> None:
    grey = np.random.default_rng(softness).integers(0, 256, (80, 60)).astype(np.uint8)
    if softness:
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), softness), np.uint8)
    found: Any = local_binary_pattern  # it has no types
    theirs = found(grey, lbp.NEIGHBOURS, lbp.RADIUS, "nri_uniform").astype(int)
    together = np.zeros((lbp.PATTERNS, lbp.PATTERNS), int)
    np.add.at(together, (theirs, lbp.patterns(grey)), 1)
    alike = together.max(axis=1).sum() / grey.size
    assert alike > (
        0.98 if softness else 0.9999
    )  # where neighbours are equal, theirs are as they are rounded
    assert len(set(together.argmax(axis=1)[together.any(axis=1)])) == together.any(axis=1).sum()


def test_a_wall_has_one_pattern() -> None:
    inside = lbp.patterns(np.full((20, 20), 77, np.uint8))[lbp.RADIUS : -lbp.RADIUS, lbp.RADIUS : -lbp.RADIUS]
    assert len(np.unique(inside)) == 1


def test_there_are_59_patterns() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300)).astype(np.uint8)
    assert set(np.unique(lbp.patterns(noise))) == set(range(lbp.PATTERNS)) == set(range(59))


def test_a_signature_is_the_square_root_of_shares_in_each_cell() -> None:
    signature = lbp.signature(only_face(drawn(1)))
    assert signature.shape == (lbp.LENGTH,)
    assert signature.dtype == np.float32
    cells = signature.reshape(lbp.CELLS**2, lbp.PATTERNS)
    assert np.allclose((cells**2).sum(axis=1), 1, atol=1e-5)


def test_light_over_the_whole_face_changes_little() -> None:
    crop = only_face(drawn(1))
    dimmed = lbp.signature((crop * 0.6 + 20).astype(np.uint8))
    other = lbp.signature(only_face(drawn(2)))
    assert np.linalg.norm(lbp.signature(crop) - dimmed) < 0.6 * np.linalg.norm(lbp.signature(crop) - other)


def test_drawn_persons_are_told_apart() -> None:
    signatures, persons = of_drawn_faces(range(12), 3)
    apart = np.linalg.norm(signatures[:, None] - signatures, axis=2)
    same = persons[:, None] == persons
    np.fill_diagonal(same, val=False)
    assert apart[same].max() < Extractors().named("lbp").default_threshold
    assert apart[persons[:, None] != persons].min() > Extractors().named("lbp").default_threshold
