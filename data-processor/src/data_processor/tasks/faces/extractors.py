"""The extractors: what turns a face crop into a signature, and the rule for the threshold that suits it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data_processor.settings import Settings
from data_processor.tasks.faces import dlib_net, lbp, sface_net, threshold
from data_processor.tasks.faces.crops import FaceCrop
from data_processor.tasks.faces.projection import Floats, Persons
from data_processor.tasks.faces.sface_net import SFace
from data_processor.tasks.faces.threshold import Fit

PLAIN_MARGIN = 0.97
"""Of the threshold for signatures as they are: strangers come nearer to them than to projected ones."""
LBP, DLIB, SFACE = "lbp", "dlib", "sface"


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
    """Returns what must be installed or configured before it can be used, if something must."""
    weights: tuple[str, ...] = ()
    """The SHA-256 of each file of weights that is configured: a version asks for the same ones."""


def _lbp_threshold(signatures: Floats, persons: Persons, fit: Fit | None) -> float:
    found = threshold.low_quantile(signatures, persons, 0.02, fit)
    return found if fit is not None else PLAIN_MARGIN * found


def _network_threshold(signatures: Floats, persons: Persons, _fit: Fit | None) -> float:
    return threshold.midway(signatures, persons, 0.05)


class Extractors:
    """The extractors of a process."""

    def __init__(self, sface: SFace | None = None) -> None:
        """Have those that come with the code, and SFace if its weights are given."""
        self._by_name = {one.name: one for one in (_sface(sface), _LBP, _DLIB)}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read the weights that the settings name; raises `WeightsRejectedError`."""
        detector, embedding = settings.face_detector_onnx, settings.face_embedding_onnx
        return cls(SFace.read(detector, embedding) if detector and embedding else None)

    def named(self, name: str) -> Extractor:
        """Return the extractor of this name; raises `UnknownExtractorError`."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownExtractorError(
                f"There is no extractor {name!r}; there are {', '.join(self._by_name)}."
            ) from None

    def available(self) -> list[Extractor]:
        """Return those that can be used here, the preferred one first."""
        return [one for one in self._by_name.values() if one.missing() is None]


_LBP = Extractor(
    name=LBP,
    title="Local binary patterns (built in)",
    length=lbp.LENGTH,
    default_threshold=5.4,
    projects=True,
    signature=lbp.signature,
    calibrate=_lbp_threshold,
)
_DLIB = Extractor(
    name=DLIB,
    title="ResNet of dlib",
    length=dlib_net.LENGTH,
    default_threshold=0.45,
    projects=False,
    signature=dlib_net.signature,
    calibrate=_network_threshold,
    missing=dlib_net.missing,
)


def _sface(networks: SFace | None) -> Extractor:
    """Return the extractor of weights that are configured, or one that says that none are."""

    def unconfigured(_crop: FaceCrop) -> NDArray[np.float32]:
        raise sface_net.WeightsRejectedError(sface_net.NOT_CONFIGURED)

    return Extractor(
        name=SFACE,
        title="SFace, with YuNet",
        length=sface_net.LENGTH,
        default_threshold=0.85,  # as far below OpenCV's own 1.128 as dlib's default is below dlib's own
        projects=False,
        signature=unconfigured if networks is None else networks.signature,
        calibrate=_network_threshold,
        missing=lambda: sface_net.NOT_CONFIGURED if networks is None else None,
        weights=() if networks is None else networks.weights,
    )
