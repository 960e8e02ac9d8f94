import io
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data_processor.tasks.faces.detection import Box
from data_processor.tasks.faces.editing import black_and_white, cropped, largest_face_box
from data_processor.tasks.faces.pictures import PictureRefusedError
from tasks.faces.drawn import as_jpeg, drawn, drawn_face, drawn_scene

ON_ITS_SIDE = 6
"""In the EXIF data: turn it by a quarter to the right to see it upright."""


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def scene(width: int, height: int) -> bytes:
    """Return a picture with a face in its middle and a flat wall around it."""
    face = np.asarray(Image.fromarray(drawn(1)).resize((height // 2, height // 2)))
    wall = np.full((height, width, 3), 185, np.uint8)
    top, left = height // 4, (width - height // 2) // 2
    wall[top : top + height // 2, left : left + height // 2] = face
    return as_jpeg(wall)


def ramp(width: int, height: int) -> bytes:
    """Return a PNG whose red says the column and whose green says the row."""
    grid = np.zeros((height, width, 3), np.uint8)
    grid[:, :, 0], grid[:, :, 1] = np.arange(width), np.arange(height)[:, None]
    written = io.BytesIO()
    Image.fromarray(grid).save(written, "PNG")
    return written.getvalue()


@pytest.mark.parametrize(("width", "height"), [(320, 240), (640, 480), (4000, 3000)])
def test_a_box_is_in_pixels_of_the_whole_picture_however_large(width: int, height: int) -> None:
    box, faces = largest_face_box(scene(width, height))
    assert box is not None
    assert faces == 1
    assert box.x + box.width / 2 == pytest.approx(width / 2, abs=0.05 * height)
    assert box.y + box.height / 2 == pytest.approx(height / 2, abs=0.06 * height)
    assert 0.2 * height < box.width < 0.4 * height


def test_a_box_is_in_pixels_of_the_upright_picture() -> None:
    upright = scene(1000, 2000)
    turned = opened(upright).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = ON_ITS_SIDE
    lying = as_jpeg(np.asarray(turned), exif=exif)
    expected, found = largest_face_box(upright)[0], largest_face_box(lying)[0]
    assert expected is not None
    assert found is not None
    assert np.abs(np.subtract(found, expected)).max() <= 20


def test_without_a_face_there_is_no_box() -> None:
    assert largest_face_box(drawn_scene()) == (None, 0)


def test_of_several_faces_the_largest_has_the_box() -> None:
    box, faces = largest_face_box(drawn_scene(1, 2))
    assert box is not None
    assert faces == 2


@given(*(st.integers(-60, 60) for _ in range(2)), *(st.integers(1, 90) for _ in range(2)))
def test_a_crop_is_what_of_the_picture_is_in_the_box(x: int, y: int, width: int, height: int) -> None:
    part = cropped(ramp(50, 40), Box(x, y, width, height))
    columns = range(max(0, x), min(50, x + width))
    rows = range(max(0, y), min(40, y + height))
    if not columns or not rows:
        assert part is None
        return
    assert part is not None
    made = opened(part)
    assert made.size == (len(columns), len(rows))
    red, green, _ = np.asarray(made.convert("RGB"), np.float64).mean(axis=(0, 1))
    assert (red, green) == pytest.approx((np.mean(columns), np.mean(rows)), abs=4)


def test_a_crop_keeps_the_pixels_of_a_large_picture() -> None:
    part = cropped(scene(4000, 3000), Box(100, 200, 2500, 2000))
    assert part is not None
    assert opened(part).size == (2500, 2000)


@pytest.mark.parametrize("make", [black_and_white, lambda content: cropped(content, Box(0, 0, 999, 999))])
def test_what_is_made_is_upright_and_says_nothing_of_where_it_was_taken(
    make: Callable[[bytes], bytes],
) -> None:
    exif = Image.Exif()
    exif[0x0112] = ON_ITS_SIDE
    exif[0x010E] = "taken at home"
    made = opened(make(as_jpeg(np.zeros((40, 60, 3), np.uint8), exif=exif)))
    assert made.size == (40, 60)
    assert not made.getexif()


def test_black_and_white_has_no_colours() -> None:
    made = opened(black_and_white(ramp(50, 40)))
    assert (made.mode, made.size, made.format) == ("L", (50, 40), "JPEG")
    assert np.asarray(made)[-1, -1] == pytest.approx(0.299 * 49 + 0.587 * 39, abs=3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_pictures_of_every_kind_are_taken(mode: str) -> None:
    written = io.BytesIO()
    Image.new(mode, (30, 20)).save(written, "JPEG" if mode == "CMYK" else "PNG")
    assert cropped(written.getvalue(), Box(0, 0, 10, 10)) is not None
    assert opened(black_and_white(written.getvalue())).size == (30, 20)
    assert largest_face_box(written.getvalue()) == (None, 0)


@given(st.binary(max_size=200) | st.binary(max_size=50).map(lambda tail: drawn_face(1)[:600] + tail))
def test_whatever_is_no_picture_is_refused(content: bytes) -> None:
    for work in (largest_face_box, black_and_white, lambda content: cropped(content, Box(0, 0, 9, 9))):
        with pytest.raises(PictureRefusedError):
            work(content)


def test_each_takes_less_than_a_tenth_of_a_second() -> None:
    content = scene(640, 480)
    for work in (largest_face_box, black_and_white, lambda content: cropped(content, Box(80, 80, 400, 300))):
        taken = []
        for _ in range(5):
            started = time.thread_time()  # of this thread alone: other tests run beside it
            work(content)
            taken.append(time.thread_time() - started)
        assert min(taken) <= 0.1
