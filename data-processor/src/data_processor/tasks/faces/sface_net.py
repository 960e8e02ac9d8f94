"""The extractor of two ONNX files that no package brings: YuNet finds eyes, nose and mouth, SFace describes.

Whoever runs a stage names the files (`FACE_DETECTOR_ONNX`, `FACE_EMBEDDING_ONNX`). A process reads them once
and checks what OpenCV takes for granted about them: what describes faces is what was checked. Face crops come
from the detector that all extractors have in common (`crops.py`); YuNet looks for the points in them.
"""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import structlog
from numpy.typing import NDArray

from data_processor.tasks.faces.crops import SIDE, FaceCrop

if TYPE_CHECKING:
    import cv2

LENGTH = 128
DETECTOR, EMBEDDING = "FACE_DETECTOR_ONNX", "FACE_EMBEDDING_ONNX"
"""The settings that name the files, as messages call them."""
NOT_CONFIGURED = f"{DETECTOR} and {EMBEDDING} are not set: name the ONNX files of YuNet and SFace there."
ALIGNED = 112
"""Pixels of a side of what SFace describes."""
SEARCHED = 256
"""Pixels of a side of what YuNet searches: OpenCV widens a crop to a multiple of 32."""
OUTPUTS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
"""What YuNet answers of each place, and in how many numbers. OpenCV reads them whatever their shapes are."""
STRIDES = (8, 16, 32)
LEAST_SCORE = 0.6
"""Of a face that YuNet finds. OpenCV's usual 0.9 is for pictures of anything: in a crop there is a face."""
USUAL = ((92, 106), (149, 106), (121, 138), (97, 171), (144, 171))
"""Where eyes, tip of the nose and corners of the mouth usually are in a crop, from left to right in it: for a
face in which YuNet sees none. SFace's own pattern, put on the eyes that dlib found in 80 portraits, where
those were within 4 pixels of it."""

log = structlog.get_logger(__name__)


class WeightsRejectedError(ValueError):
    """A file that a setting names cannot be used; the message says which, why, and what to do."""


@dataclass(frozen=True)
class SFace:
    """YuNet and SFace with the weights of two files."""

    detector: bytes = field(repr=False)
    embedding: bytes = field(repr=False)
    _local: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    @classmethod
    def read(cls, detector: Path, embedding: Path) -> Self:
        """Read both files and try them; raises `WeightsRejectedError`."""
        found = cls(_read(DETECTOR, detector), _read(EMBEDDING, embedding))
        _check(DETECTOR, detector, found.detector, SEARCHED, _of_yunet())
        _check(EMBEDDING, embedding, found.embedding, ALIGNED, {"": (1, LENGTH)})
        found.signature(np.full((SIDE, SIDE, 3), 128, np.uint8))
        of_detector, of_embedding = found.weights
        log.info("face_networks_read", detector_sha256=of_detector, embedding_sha256=of_embedding)
        return found

    @property
    def weights(self) -> tuple[str, str]:
        """The SHA-256 of both files."""
        return _sha256(self.detector), _sha256(self.embedding)

    def signature(self, crop: FaceCrop) -> NDArray[np.float32]:
        """Return the signature of a face, of length 1: shape (`LENGTH`,).

        Euclidean distances between such signatures are in the order of the cosines that SFace is made for.
        """
        import cv2  # noqa: PLC0415  # see detection.py

        detector, embedding = self._networks()
        picture = cv2.cvtColor(crop, cv2.COLOR_RGB2BGR)
        _, faces = detector.detect(picture)
        aligned = embedding.alignCrop(picture, _likeliest(faces))
        found = np.array(embedding.feature(aligned), np.float32).reshape(-1)
        length = np.linalg.norm(found)
        return np.divide(found, length, out=np.zeros_like(found), where=length > 0)

    def _networks(self) -> "tuple[cv2.FaceDetectorYN, cv2.FaceRecognizerSF]":
        """Return the networks of this thread: two threads must not use one at the same time."""
        import cv2  # noqa: PLC0415  # see detection.py

        if not hasattr(self._local, "networks"):
            nothing = np.zeros(0, np.uint8)
            self._local.networks = (
                cv2.FaceDetectorYN.create("onnx", _bytes(self.detector), nothing, (SIDE, SIDE), LEAST_SCORE),
                cv2.FaceRecognizerSF.create("onnx", _bytes(self.embedding), nothing),
            )
        networks: tuple[cv2.FaceDetectorYN, cv2.FaceRecognizerSF] = self._local.networks
        return networks


def _likeliest(faces: NDArray[Any] | None) -> NDArray[np.float32]:
    """Return the likeliest of the faces (n, 15) that the middle of a crop is in, or one of the usual points.

    As OpenCV describes a face: its box, five points, and a score: shape (15,).
    """
    for face in () if faces is None else sorted(faces, key=lambda one: -float(one[-1])):
        x, y, width, height = face[:4].tolist()
        if x <= SIDE / 2 < x + width and y <= SIDE / 2 < y + height and np.isfinite(face).all():
            return np.asarray(face, np.float32)
    return np.array([0, 0, SIDE, SIDE, *np.ravel(USUAL), 0], np.float32)


def _of_yunet() -> dict[str, tuple[int, ...]]:
    """Return the shape of each of YuNet's outputs."""
    return {
        f"{name}_{stride}": (1, (SEARCHED // stride) ** 2, width)
        for stride in STRIDES
        for name, width in OUTPUTS.items()
    }


def _read(setting: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        why = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise WeightsRejectedError(
            f"{setting} names {str(path)!r}, which cannot be read: {why}. Name an ONNX file, or set "
            f"neither {DETECTOR} nor {EMBEDDING}."
        ) from error


def _check(
    setting: str, path: Path, content: bytes, side: int, expected: Mapping[str, tuple[int, ...]]
) -> None:
    """Have a network look at a grey picture; raises `WeightsRejectedError` for other outputs than expected.

    An output without a name is the only one.
    """
    import cv2  # noqa: PLC0415  # see detection.py

    name = "YuNet" if setting == DETECTOR else "SFace"
    rejected = f"{setting} names {str(path)!r}, which is not {name}"
    remedy = f"Take the ONNX file of {name} from OpenCV's model zoo (opencv_zoo)."
    try:
        network = cv2.dnn.readNetFromONNX(_bytes(content))
    except cv2.error as error:
        raise WeightsRejectedError(f"{rejected}: OpenCV cannot read it as ONNX. {remedy}") from error
    network.setInput(np.full((1, 3, side, side), 128, np.float32))
    for output, shape in expected.items():
        called = f"output {output!r}" if output else "output"
        try:
            found = np.asarray(network.forward(output) if output else network.forward())
        except cv2.error as error:
            raise WeightsRejectedError(
                f"{rejected}: of a picture of {side} by {side} pixels it gives no {called}. {remedy}"
            ) from error
        if found.shape != shape or found.dtype != np.float32:
            raise WeightsRejectedError(
                f"{rejected}: its {called} is {found.dtype} of the shape {found.shape}, not float32 of the "
                f"shape {shape}. {remedy}"
            )
        if not np.isfinite(found).all():
            raise WeightsRejectedError(f"{rejected}: its {called} has numbers that are not finite. {remedy}")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _bytes(content: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(content, np.uint8)
