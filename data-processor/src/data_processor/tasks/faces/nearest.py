"""Whose face is nearest: every enrolled face is compared, and a face beyond the threshold is nobody's."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int64]
NOBODY = -1
FEW = 8
"""Up to so many vectors are compared one by one: thousands of wide ones need not be converted first."""


class Known(NamedTuple):
    """The faces that queries are compared with."""

    vectors: Floats
    """Of enrolled faces: shape (faces, width)."""
    persons: Places
    """Whose they are: shape (faces,)."""
    impostors: Floats
    """Of faces that were taken for somebody they are not: shape (impostors, width)."""
    not_whom: Places
    """For whom each of them must not be taken: shape (impostors,)."""


class Nearest(NamedTuple):
    """Whose face each query is."""

    places: Places
    """The person, or `NOBODY`: shape (queries,)."""
    distances: NDArray[np.float64]
    """To the nearest enrolled face of the person; for nobody, to the nearest face that comes into question.
    Infinite where there is none: shape (queries,)."""


def nearest(queries: Floats, known: Known, threshold: float, without: Places | None = None) -> Nearest:
    """Find the person of each query: shape (queries, width).

    A person is passed over if an impostor's face is nearer to the query than all of the person's own.
    `without` names an enrolled face for each query that is left out: itself, where enrolled faces are asked.
    """
    distances = distances_between(queries, known.vectors)
    if without is not None:
        distances[np.arange(len(queries)), without] = np.inf
    if len(known.impostors):
        _pass_over(distances, known, distances_between(queries, known.impostors))
    if not distances.shape[1]:
        return Nearest(np.full(len(queries), NOBODY), np.full(len(queries), np.inf))
    faces = distances.argmin(axis=1)
    found = distances[np.arange(len(queries)), faces]
    return Nearest(np.where((found <= threshold) & np.isfinite(found), known.persons[faces], NOBODY), found)


def distances_between(first: Floats, second: Floats) -> NDArray[np.float64]:
    """Return the Euclidean distances between vectors: shape (first, second)."""
    if len(first) <= FEW:
        found = np.empty((len(first), len(second)))
        for place, one in enumerate(first):
            apart = second - one
            found[place] = np.einsum("ij,ij->i", apart, apart)
        return np.sqrt(found)
    a, b = first.astype(np.float64), second.astype(np.float64)
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * (a @ b.T)
    root: NDArray[np.float64] = np.sqrt(np.maximum(squares, 0))
    return root


def _pass_over(distances: NDArray[np.float64], known: Known, to_impostors: NDArray[np.float64]) -> None:
    """Put the faces of whoever is nearer to an impostor's face than to their own out of reach."""
    for person in np.unique(known.not_whom):
        own = known.persons == person
        if not own.any():
            continue
        impostor = to_impostors[:, known.not_whom == person].min(axis=1)
        passed = impostor <= distances[:, own].min(axis=1)
        distances[np.ix_(passed, own)] = np.inf
