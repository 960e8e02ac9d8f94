"""The projection: what tells enrolled persons apart, found by discriminant analysis of their signatures.

Principal components first, as there are fewer pictures than numbers in a signature; then Fisher's linear
discriminants of the persons, with the scatter within persons shrunk towards a sphere (Belhumeur, Hespanha &
Kriegman 1997; Friedman 1989). Distances between projected signatures are in units of how pictures of one
person differ.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Persons = NDArray[np.int64]
FEWEST_PERSONS = 3
FEWEST_PICTURES = 10
SHRINKAGE = 0.1
"""Of the scatter within persons. More of it, and pictures mirrored or shifted for more scatter, made
strangers more alike to the enrolled."""
MOST_COMPONENTS = 200
"""More principal components make fitting slow where there are many pictures, and tell hardly more."""
NEGLIGIBLE = 1e-9
"""Of the largest variance: components of less hold rounding errors."""


@dataclass(frozen=True)
class Projection:
    """A linear map of signatures."""

    mean: Floats
    """Shape (length of a signature,)."""
    matrix: Floats
    """Shape (length of a signature, discriminants)."""

    @property
    def width(self) -> int:
        """How many discriminants there are: one less than the persons it was fitted to."""
        return int(self.matrix.shape[1])

    def apply(self, signatures: Floats) -> Floats:
        """Return the discriminants of each signature: shape (signatures, `width`)."""
        return np.asarray((signatures - self.mean) @ self.matrix, np.float32)


def enough(persons: Persons) -> bool:
    """Say whether the pictures of these persons, one place each, are enough to fit a projection."""
    _, counts = np.unique(persons, return_counts=True)
    several = counts > 1
    return bool(several.sum() >= FEWEST_PERSONS and len(persons) >= FEWEST_PICTURES)


def fit_projection(signatures: Floats, persons: Persons) -> Projection | None:
    """Fit a projection to signatures (n, length) and their persons (n,); None if there are too few."""
    if not enough(persons):
        return None
    # Only training fits, and serving imports this.
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # noqa: PLC0415

    mean = signatures.mean(axis=0, dtype=np.float64)
    components = _principal_components(signatures - mean)
    scores = (signatures - mean) @ components
    discriminants = LinearDiscriminantAnalysis(solver="eigen", shrinkage=SHRINKAGE).fit(scores, persons)
    width = min(len(np.unique(persons)) - 1, scores.shape[1])
    matrix = components @ discriminants.scalings_[:, :width]
    return Projection(mean.astype(np.float32), matrix.astype(np.float32))


def _principal_components(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest principal components as columns: shape (length of a signature, components).

    They follow from the products of pictures or of columns, whichever are fewer: several times as fast as
    what scikit-learn offers for fewer pictures than columns.
    """
    from scipy.linalg import eigh  # noqa: PLC0415  # see above

    pictures_are_fewer = len(centred) < centred.shape[1]
    variances, vectors = eigh(centred @ centred.T if pictures_are_fewer else centred.T @ centred)
    kept = variances > NEGLIGIBLE * variances[-1]
    kept[:-MOST_COMPONENTS] = False
    components: NDArray[np.float64] = vectors[:, kept]
    if pictures_are_fewer:
        components = centred.T @ (components / np.sqrt(variances[kept]))
    return components
