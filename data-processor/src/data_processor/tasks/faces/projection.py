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
    from sklearn.decomposition import PCA  # noqa: PLC0415  # only training fits, and serving imports this
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # noqa: PLC0415

    principal = PCA(svd_solver="full").fit(signatures.astype(np.float64))
    kept = principal.explained_variance_ > NEGLIGIBLE * principal.explained_variance_[0]
    scores = principal.transform(signatures)[:, kept]
    discriminants = LinearDiscriminantAnalysis(solver="eigen", shrinkage=SHRINKAGE).fit(scores, persons)
    width = min(len(np.unique(persons)) - 1, scores.shape[1])
    matrix = principal.components_[kept].T @ discriminants.scalings_[:, :width]
    return Projection(principal.mean_.astype(np.float32), matrix.astype(np.float32))
