"""Made-up signatures of persons, for what is computed from signatures alone."""

import numpy as np
from numpy.typing import NDArray

from data_processor.tasks.faces import lbp
from data_processor.tasks.faces.crops import largest_face
from tasks.faces.drawn import drawn

APART = 0.1
"""How far persons are apart, in each number of a signature; 1.0 is how far pictures of one person are."""


def made_up(
    persons: int, pictures: int, seed: int, *, apart: float = APART, length: int = lbp.LENGTH
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return signatures (persons x pictures, length) and whose they are, person by person."""
    rng = np.random.default_rng(seed)
    places = np.repeat(np.arange(persons), pictures)
    centres = rng.normal(0, apart, (persons, length))
    return (centres[places] + rng.normal(0, 1, (len(places), length))).astype(np.float32), places


def of_drawn_faces(persons: range, pictures: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the built-in extractor's signatures of drawn faces, and whose they are."""
    found = [
        lbp.signature(largest_face(drawn(person, picture))[0])
        for person in persons
        for picture in range(pictures)
    ]
    return np.stack(found), np.repeat(np.array(persons), pictures)
