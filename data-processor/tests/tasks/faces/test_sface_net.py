import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from data_processor.tasks.faces import sface_net
from data_processor.tasks.faces.crops import FaceCrop, only_face
from data_processor.tasks.faces.extractors import Extractors
from data_processor.tasks.faces.sface_net import LENGTH, USUAL, SFace, WeightsRejectedError
from tasks.faces.drawn import drawn
from tasks.faces.networks import POINTS, sface, write_networks, yunet


@pytest.fixture(scope="module")
def crop() -> FaceCrop:
    return only_face(drawn(1))


@pytest.fixture
def networks(tmp_path: Path) -> SFace:
    return SFace.read(*write_networks(tmp_path))


def as_opencv_does(crop: FaceCrop, points: tuple[tuple[float, float], ...]) -> NDArray[np.float32]:
    """Return the signature of a face whose points are known, by OpenCV's class alone."""
    nothing = np.zeros(0, np.uint8)
    network = cv2.FaceRecognizerSF.create("onnx", np.frombuffer(sface(), np.uint8), nothing)
    face = np.array([0, 0, 9, 9, *np.ravel(points), 1], np.float32)
    aligned = network.alignCrop(cv2.cvtColor(crop, cv2.COLOR_RGB2BGR), face)
    found = np.asarray(network.feature(aligned), np.float32).reshape(-1)
    return found / np.linalg.norm(found)


def test_a_face_is_described_as_opencv_does_with_the_points_that_yunet_finds(
    networks: SFace, crop: FaceCrop
) -> None:
    signature = networks.signature(crop)
    assert signature.shape == (LENGTH,)
    assert signature.dtype == np.float32
    assert signature == pytest.approx(as_opencv_does(crop, POINTS), abs=1e-5)
    assert np.linalg.norm(signature) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    "detector",
    [
        yunet(None),
        yunet(box=(0.0, 0.0, 60.0, 60.0)),  # beside the middle: it is somebody else
        yunet(((np.nan, 95.0), *POINTS[1:])),
    ],
)
def test_a_face_in_which_yunet_sees_none_has_the_usual_points(
    networks: SFace, crop: FaceCrop, detector: bytes
) -> None:
    signature = SFace(detector, sface()).signature(crop)
    assert signature == pytest.approx(as_opencv_does(crop, USUAL), abs=1e-5)
    assert np.abs(signature - networks.signature(crop)).max() > 0.01


def test_the_usual_points_are_in_the_middle_of_a_crop_and_upright() -> None:
    left, right, nose, left_corner, right_corner = np.array(USUAL)
    assert (left + right) / 2 == pytest.approx([120, 106], abs=2)
    assert left[1] == right[1] < nose[1] < left_corner[1] == right_corner[1]


def test_a_network_that_answers_nothing_but_zeros_gives_a_signature_of_zeros(crop: FaceCrop) -> None:
    black = np.zeros_like(crop)
    assert SFace(yunet(), sface()).signature(black).tolist() == [0.0] * LENGTH


def test_pictures_of_one_person_are_nearer_than_those_of_two(networks: SFace) -> None:
    first, again, other = (networks.signature(only_face(drawn(*one))) for one in ((1, 3), (1, 4), (2, 3)))
    assert np.linalg.norm(first - again) < np.linalg.norm(first - other)


def test_threads_describe_at_the_same_time_as_one_does_alone(networks: SFace) -> None:
    crops = [only_face(drawn(person)) for person in range(4)]
    alone = [networks.signature(one).tolist() for one in crops]
    found: dict[int, list[list[float]]] = {}

    def describe(number: int) -> None:
        found[number] = [networks.signature(one).tolist() for one in crops]

    threads = [threading.Thread(target=describe, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(range(4), alone)


def test_the_hashes_of_both_files_are_kept_and_logged(tmp_path: Path) -> None:
    paths = write_networks(tmp_path)
    with capture_logs() as logged:
        found = SFace.read(*paths)
    first, second = (hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    assert found.weights == Extractors(found).named("sface").weights == (first, second)
    (line,) = (one for one in logged if one["event"] == "face_networks_read")
    assert (line["detector_sha256"], line["embedding_sha256"]) == (first, second)


NOT_YUNET = r"FACE_DETECTOR_ONNX names '.*yunet\.onnx', which is not YuNet: "
NOT_SFACE = r"FACE_EMBEDDING_ONNX names '.*sface\.onnx', which is not SFace: "


@pytest.mark.parametrize(
    ("detector", "embedding", "message"),
    [
        (b"", sface(), NOT_YUNET + "OpenCV cannot read it as ONNX. Take the ONNX file of YuNet from"),
        (b"<html>", sface(), NOT_YUNET + "OpenCV cannot read it as ONNX"),
        (sface(), yunet(), NOT_YUNET + "of a picture of 256 by 256 pixels it gives no output 'cls_8'"),
        (yunet(without="kps_32"), sface(), NOT_YUNET + ".* it gives no output 'kps_32'"),
        (
            yunet(widths={"kps_16": 8}),
            sface(),
            NOT_YUNET + r"its output 'kps_16' is float32 of the shape \(1, 256, 8\), not .*\(1, 256, 10\)",
        ),
        (yunet(), b"\x08\x07 ", NOT_SFACE + "OpenCV cannot read it as ONNX. Take the ONNX file of SFace"),
        (yunet(), sface(512), NOT_SFACE + r"its output is .* shape \(1, 512\), not .* shape \(1, 128\)"),
        (yunet(), yunet(), NOT_SFACE + "its output is float32 of the shape"),
        (yunet(), sface(times=np.nan), NOT_SFACE + "its output has numbers that are not finite"),
    ],
)
def test_a_file_that_is_not_the_network_it_is_named_for_is_refused_with_the_remedy(
    tmp_path: Path, detector: bytes, embedding: bytes, message: str
) -> None:
    paths = write_networks(tmp_path)
    for path, content in zip(paths, (detector, embedding), strict=True):
        path.write_bytes(content)
    with pytest.raises(WeightsRejectedError, match=message):
        SFace.read(*paths)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda _path: None, "there is no such file"),
        (Path.mkdir, "Is a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_setting(
    tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    detector, embedding = write_networks(tmp_path)
    embedding.unlink()
    make(embedding)
    with pytest.raises(
        WeightsRejectedError, match=f"FACE_EMBEDDING_ONNX names '{embedding}'.*{why}.*neither"
    ):
        SFace.read(detector, embedding)


def test_without_the_files_nothing_is_described(crop: FaceCrop) -> None:
    found = Extractors().named("sface")
    assert found.missing() == sface_net.NOT_CONFIGURED
    with pytest.raises(WeightsRejectedError, match="FACE_DETECTOR_ONNX and FACE_EMBEDDING_ONNX are not set"):
        found.signature(crop)
