from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from data_processor.tasks.faces.crops import (
    FACE,
    SIDE,
    centre,
    cut,
    decode_crop,
    encode_crop,
    largest_face,
    only_face,
)
from data_processor.tasks.faces.detection import Box, find_faces
from data_processor.tasks.faces.pictures import PictureRefusedError, encode, read_picture
from tasks.faces.drawn import SIDE as PICTURE
from tasks.faces.drawn import drawn, drawn_face, drawn_scene


def reason(picture: NDArray[Any]) -> str:
    with pytest.raises(PictureRefusedError) as refused:
        only_face(np.asarray(picture, np.uint8))
    assert str(refused.value)
    return refused.value.reason


def test_the_face_is_the_middle_of_its_crop() -> None:
    picture = drawn(1)
    crop = only_face(picture)
    assert crop.shape == (SIDE, SIDE, 3)
    assert crop.dtype == np.uint8
    box = find_faces(picture)[0]
    face = cv2.resize(picture[box.y : box.y + box.height, box.x : box.x + box.width], (FACE, FACE))
    assert np.abs(centre(crop, 1.0).astype(int) - face).mean() < 6


def test_a_crop_that_leaves_the_picture_repeats_its_border() -> None:
    picture = np.zeros((50, 60, 3), np.uint8)
    picture[:, :30] = (10, 20, 30)
    crop = cut(picture, Box(0, 0, 50, 50))
    assert (crop[:, 0] == (10, 20, 30)).all()
    assert (crop[0, :60] == (10, 20, 30)).all()
    assert (crop[:, -1] == 0).all()


def test_a_box_beyond_the_picture_can_still_be_cut() -> None:
    assert cut(drawn(1), Box(-900, 900, 10, 10)).shape == (SIDE, SIDE, 3)


def test_a_crop_survives_being_saved() -> None:
    crop = only_face(drawn(1))
    again = decode_crop(encode_crop(crop))
    assert np.abs(again.astype(int) - crop).mean() < 2


@pytest.mark.parametrize("content", [b"", b"no picture", encode(drawn(1)[:-1])])
def test_what_is_no_crop_is_refused(content: bytes) -> None:
    with pytest.raises(PictureRefusedError):
        decode_crop(content)


def test_a_picture_without_a_face_is_refused() -> None:
    assert reason(read_picture(drawn_scene())) == "no-face"


def test_a_picture_of_several_is_refused_where_one_is_wanted() -> None:
    picture = read_picture(drawn_scene(1, 2))
    assert reason(picture) == "several-faces"
    crop, faces = largest_face(picture)
    assert (crop.shape, faces) == ((SIDE, SIDE, 3), 2)


def test_a_face_of_few_pixels_is_refused() -> None:
    assert reason(cv2.resize(drawn(1), (50, 50), interpolation=cv2.INTER_AREA)) == "too-small"


@pytest.mark.parametrize("light", [0.02, 0.1, 0.2])
def test_a_dark_picture_is_refused_whether_or_not_a_face_is_found(light: float) -> None:
    for person in range(5):
        assert reason((drawn(person) * light).astype(np.uint8)) == "too-dark"


@pytest.mark.parametrize("wide", [0.03, 0.05])
def test_a_blurred_face_is_refused(wide: float) -> None:
    for person in range(5):
        assert reason(cv2.GaussianBlur(drawn(person), (0, 0), wide * PICTURE)) == "blurred"


def test_what_a_camera_usually_does_to_a_picture_is_no_reason_to_refuse_it() -> None:
    for person in range(5):
        picture = drawn(person)
        softer = cv2.GaussianBlur(picture, (0, 0), 0.008 * PICTURE)
        half = cv2.resize(picture, (120, 120), interpolation=cv2.INTER_AREA)
        for taken in (softer, half, (picture * 0.5).astype(np.uint8)):
            assert only_face(np.asarray(taken, np.uint8)).shape == (SIDE, SIDE, 3)
    assert only_face(read_picture(drawn_face(0))).shape == (SIDE, SIDE, 3)
