"""A recogniser: extractor, projection and threshold. It is what a version of a model for faces is.

Its file holds arrays and nothing else (`numpy.savez`, read without pickle), and each is checked.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_processor.tasks.faces.extractors import Extractor, Extractors
from data_processor.tasks.faces.projection import Floats, Persons, Projection, fit_projection
from data_processor.tasks.faces.threshold import can_calibrate

MAX_BYTES = 256 * 1024 * 1024
KEPT = ("extractor", "weights", "threshold", "mean", "matrix")
STEEPNESS = 8.0
"""How quickly confidence changes about the threshold: at nine tenths of it, it is 0.69."""


class RecogniserRejectedError(ValueError):
    """A file is not that of a recogniser."""


@dataclass(frozen=True)
class Recogniser:
    """One way to compare faces."""

    extractor: Extractor
    projection: Projection | None
    threshold: float
    """The largest distance between two faces of one person."""

    @property
    def width(self) -> int:
        """The length of the vectors that are compared."""
        return self.projection.width if self.projection is not None else self.extractor.length

    def vectors(self, signatures: Floats) -> Floats:
        """Return what is compared of signatures: shape (signatures, `width`)."""
        return self.projection.apply(signatures) if self.projection is not None else signatures

    def confidence(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how sure it is, at each distance, that two faces are one person's.

        From 0 to 1, and 0.5 at the threshold. It is no probability: nobody knows how many strangers come.
        """
        with np.errstate(over="ignore"):
            found: NDArray[np.float64] = 1 / (1 + np.exp(STEEPNESS * (distances / self.threshold - 1)))
        return found

    def save(self, path: Path) -> None:
        """Write it to a file."""
        arrays = {"extractor": np.array(self.extractor.name), "threshold": np.array(self.threshold)}
        if self.extractor.weights:
            arrays["weights"] = np.array(self.extractor.weights)
        if self.projection is not None:
            arrays |= {"mean": self.projection.mean, "matrix": self.projection.matrix}
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)


def default_recogniser(extractor: Extractor) -> Recogniser:
    """Return the recogniser of an extractor for as long as too few are enrolled to learn from."""
    return Recogniser(extractor, None, extractor.default_threshold)


def fit_recogniser(
    extractor: Extractor, signatures: Floats, persons: Persons, *, projected: bool = True
) -> Recogniser:
    """Fit a recogniser to enrolled signatures (n, length) and their persons (n,).

    With too few of them it is the default one. `projected`: with a projection, if the extractor gains by one.
    """
    if not can_calibrate(persons):
        return default_recogniser(extractor)
    fit = fit_projection if extractor.projects and projected else None
    projection = fit(signatures, persons) if fit is not None else None
    return Recogniser(extractor, projection, extractor.calibrate(signatures, persons, fit))


def load_recogniser(content: bytes, extractors: Extractors) -> Recogniser:
    """Return the recogniser that a file holds.

    Raises `RecogniserRejectedError`, also if its extractor cannot be used here, or has other weights.
    """
    if len(content) > MAX_BYTES:
        raise RecogniserRejectedError(
            f"A recogniser's file has at most {MAX_BYTES} bytes, not {len(content)}."
        )
    try:
        held = _arrays(content)
        name, threshold = str(held["extractor"]), float(held["threshold"])
        weights = tuple(np.atleast_1d(held.get("weights", np.zeros(0, str))).astype(str).tolist())
        found = extractors.named(name)
    except Exception as error:  # a damaged archive makes its reader raise all sorts of errors
        raise RecogniserRejectedError(f"This is no recogniser's file: {error}") from error
    if (why := found.missing()) is not None:
        asked = f" It was made with {_in_words(weights)}." if weights else ""
        raise RecogniserRejectedError(f"Its extractor {name!r} cannot be used here: {why}{asked}")
    if weights != found.weights:
        raise RecogniserRejectedError(
            f"It was made with other weights of its extractor {name!r}, {_in_words(weights)}, than the "
            f"{_in_words(found.weights)} that are configured here: configure those again, or train anew."
        )
    if not 0 < threshold < np.inf:
        raise RecogniserRejectedError(f"A threshold is a positive number, not {threshold}.")
    return Recogniser(found, _projection(held, found), threshold)


def _in_words(weights: Sequence[str]) -> str:
    return f"files of the SHA-256 {' and '.join(weights)}" if weights else "no files"


def _arrays(content: bytes) -> dict[str, NDArray[np.generic]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MAX_BYTES:
        raise ValueError(f"unpacked it has {unpacked} bytes, and {MAX_BYTES} are the most.")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in KEPT if name in arrays.files}


def _projection(held: dict[str, NDArray[np.generic]], found: Extractor) -> Projection | None:
    if "mean" not in held and "matrix" not in held:
        return None
    mean, matrix = (held.get(name, np.zeros(0)) for name in ("mean", "matrix"))
    fits = mean.shape == (found.length,) and matrix.ndim == 2 and matrix.shape[0] == found.length  # noqa: PLR2004
    numbers = all(one.dtype == np.float32 and np.isfinite(one).all() for one in (mean, matrix))
    if not fits or not numbers or not matrix.shape[1]:
        raise RecogniserRejectedError(
            f"The projection has shapes {mean.shape} and {matrix.shape}, which do not suit {found.name!r}."
        )
    return Projection(mean.astype(np.float32), matrix.astype(np.float32))
