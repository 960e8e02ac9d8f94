"""The threshold beyond which a face is nobody's: a rule for each extractor, and enrolled pictures alone.

Strangers are not at hand, so each enrolled person plays one in turn: their pictures are compared with
everybody else's, in a projection fitted without them.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from data_processor.tasks.faces.nearest import distances_between
from data_processor.tasks.faces.projection import Floats, Persons, Projection, enough, fit_projection

MOST_REFITS = 20
"""Of more persons, several play strangers at the same time."""

Distances = NDArray[np.float64]
Fit = Callable[[Floats, Persons], Projection | None]


def impostor_distances(signatures: Floats, persons: Persons, fit: Fit | None = fit_projection) -> Distances:
    """Return how far each picture is from the nearest face of others, its own person not being enrolled.

    `fit` fits the projection to the pictures that are left; None: signatures are compared as they are.
    """
    found = np.full(len(persons), np.inf)
    for out in _strangers(persons):
        rest = ~out
        if rest.any():
            vectors = _vectors(signatures, signatures[rest], persons[rest], fit)
            found[out] = distances_between(vectors[out], vectors[rest]).min(axis=1)
    return found


def genuine_distances(vectors: Floats, persons: Persons) -> Distances:
    """Return how far each picture is from the nearest other one of its person; infinite for an only one."""
    distances = distances_between(vectors, vectors)
    distances[persons[:, None] != persons] = np.inf
    np.fill_diagonal(distances, np.inf)
    return np.asarray(distances.min(axis=1))


def low_quantile(signatures: Floats, persons: Persons, share: float, fit: Fit | None) -> float:
    """Return the distance that this share of strangers' pictures come nearer than."""
    return float(np.quantile(impostor_distances(signatures, persons, fit), share))


def midway(signatures: Floats, persons: Persons, share: float) -> float:
    """Return the middle between what all but a share of genuine pictures stay within, and of strangers'."""
    genuine = genuine_distances(signatures, persons)
    genuine = genuine[np.isfinite(genuine)]
    strangers = impostor_distances(signatures, persons, None)
    return float(np.quantile(genuine, 1 - share) + np.quantile(strangers, share)) / 2


def can_calibrate(persons: Persons) -> bool:
    """Say whether a threshold follows from these persons' pictures: also with one of the persons left out."""
    return enough(persons) and all(enough(persons[~out]) for out in _strangers(persons))


def _strangers(persons: Persons) -> Iterator[NDArray[np.bool_]]:
    """Yield which pictures are those of strangers, each person's once."""
    names = np.unique(persons)
    for part in np.array_split(names, min(len(names), MOST_REFITS)):
        yield np.isin(persons, part)


def _vectors(signatures: Floats, fitted: Floats, persons: Persons, fit: Fit | None) -> Floats:
    projection = fit(fitted, persons) if fit is not None else None
    return projection.apply(signatures) if projection is not None else signatures
