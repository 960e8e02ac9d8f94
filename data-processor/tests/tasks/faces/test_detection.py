import threading

import cv2
import numpy as np
import pytest

from data_processor.tasks.faces.detection import Box, find_faces
from data_processor.tasks.faces.pictures import Picture, read_picture
from tasks.faces.drawn import SIDE, drawn, drawn_face, drawn_scene


def on_a_wall(picture: Picture, x: int, y: int, side: int, *, width: int, height: int) -> Picture:
    """Return a wall with a picture on it."""
    wall = np.full((height, width, 3), 170, np.uint8)
    wall[y : y + side, x : x + side] = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return wall


def test_the_box_is_a_square_about_the_face() -> None:
    (box,) = find_faces(drawn(1))
    assert box.width == box.height
    assert 130 <= box.width <= 190
    assert abs(box.x + box.width / 2 - SIDE / 2) < 25
    assert abs(box.y + box.height / 2 - SIDE / 2) < 30


@pytest.mark.parametrize("larger", [2, 5])
def test_a_box_is_in_the_pixels_of_the_picture_however_large_it_is(larger: int) -> None:
    side = SIDE * larger
    (small,) = find_faces(on_a_wall(drawn(1), 80, 40, SIDE, width=320, height=300))
    (large,) = find_faces(
        on_a_wall(
            np.repeat(np.repeat(drawn(1), larger, axis=0), larger, axis=1),
            80 * larger,
            40 * larger,
            side,
            width=320 * larger,
            height=300 * larger,
        )
    )
    assert np.allclose(np.array(large) / larger, small, atol=8)


def test_a_tight_portrait_without_room_around_the_face_is_found() -> None:
    box = find_faces(drawn(1))[0]
    tight = drawn(1)[box.y : box.y + box.height, box.x : box.x + box.width]
    assert len(find_faces(np.ascontiguousarray(tight))) == 1


def test_faces_are_counted_and_the_largest_comes_first() -> None:
    picture = read_picture(drawn_scene(1, 2, 3))
    boxes = find_faces(picture)
    assert len(boxes) == 3
    assert boxes == sorted(boxes, key=lambda box: -box.width)


def test_a_face_far_behind_another_is_left_out() -> None:
    wall = on_a_wall(drawn(1), 20, 20, SIDE, width=400, height=300)
    wall[20:110, 290:380] = cv2.resize(drawn(2), (90, 90), interpolation=cv2.INTER_AREA)
    assert len(find_faces(wall)) == 1


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_wall_has_no_face(grey: int) -> None:
    assert find_faces(np.full((480, 640, 3), grey, np.uint8)) == []


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5000), (3, 2), (5000, 2)])
def test_pictures_of_any_shape_are_searched(height: int, width: int) -> None:
    assert find_faces(np.zeros((height, width, 3), np.uint8)) == []


def test_threads_find_the_same_faces_side_by_side() -> None:
    pictures = [read_picture(drawn_face(person)) for person in range(4)]
    alone = [find_faces(picture) for picture in pictures]
    found: dict[int, list[list[Box]]] = {}

    def work(number: int) -> None:
        found[number] = [find_faces(picture) for picture in pictures]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[number] == alone for number in range(4))
