"""The extractors: what turns a face crop into a signature, and the rule for the threshold that suits it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from data_processor.tasks.faces import dlib_net, lbp, threshold
from data_processor.tasks.faces.crops import FaceCrop
from data_processor.tasks.faces.projection import Floats, Persons
from data_processor.tasks.faces.threshold import Fit

PLAIN_MARGIN = 0.97
"""Of the threshold for signatures as they are: strangers come nearer to them than to projected ones."""
LBP, DLIB = "lbp", "dlib"


class UnknownExtractorError(LookupError):
    """There is no extractor of this name."""


@dataclass(frozen=True)
class Extractor:
    """One way to describe a face."""

    name: str
    title: str
    length: int
    """Of a signature."""
    default_threshold: float
    """Between signatures as they are, for as long as too few are enrolled to find a better one. It is
    below what the rule gave without a projection for the eight persons of the benchmark: strangers rather
    stay outside than the known come in."""
    projects: bool
    """Whether a projection fitted to the enrolled persons makes it better."""
    signature: Callable[[FaceCrop], NDArray[np.float32]]
    calibrate: Callable[[Floats, Persons, Fit | None], float]
    """Returns the threshold for enrolled signatures (n, length) and their persons (n,), with a projection
    that is fitted as told, or without one."""
    missing: Callable[[], str | None] = lambda: None
    """Returns what must be installed before it can be used, if something must."""


def _lbp_threshold(signatures: Floats, persons: Persons, fit: Fit | None) -> float:
    found = threshold.low_quantile(signatures, persons, 0.02, fit)
    return found if fit is not None else PLAIN_MARGIN * found


def _dlib_threshold(signatures: Floats, persons: Persons, _fit: Fit | None) -> float:
    return threshold.midway(signatures, persons, 0.05)


_EXTRACTORS: Final = {
    one.name: one
    for one in (
        Extractor(
            name=LBP,
            title="Local binary patterns (built in)",
            length=lbp.LENGTH,
            default_threshold=5.4,
            projects=True,
            signature=lbp.signature,
            calibrate=_lbp_threshold,
        ),
        Extractor(
            name=DLIB,
            title="ResNet of dlib",
            length=dlib_net.LENGTH,
            default_threshold=0.45,
            projects=False,
            signature=dlib_net.signature,
            calibrate=_dlib_threshold,
            missing=dlib_net.missing,
        ),
    )
}


def extractor(name: str) -> Extractor:
    """Return the extractor of this name; raises `UnknownExtractorError`."""
    try:
        return _EXTRACTORS[name]
    except KeyError:
        raise UnknownExtractorError(
            f"There is no extractor {name!r}; there are {', '.join(_EXTRACTORS)}."
        ) from None


def available() -> list[Extractor]:
    """Return the extractors that can be used on this machine."""
    return [one for one in _EXTRACTORS.values() if one.missing() is None]
