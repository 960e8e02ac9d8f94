import io

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from canned_faces import photo
from streamlit_ui.thumbnails import SIDE_PX, thumbnail

ROTATED = 6
"""By EXIF: the camera was turned by a quarter."""


def size(content: bytes | None) -> tuple[int, int]:
    with Image.open(io.BytesIO(content or b"")) as picture:
        return picture.size


def test_a_large_picture_becomes_small_and_a_small_one_stays_so() -> None:
    assert size(thumbnail(photo("teal", (3000, 1500)))) == (SIDE_PX, SIDE_PX // 2)
    assert size(thumbnail(photo("teal", (60, 80)))) == (60, 80)


def test_a_picture_is_shown_upright() -> None:
    made, turned = io.BytesIO(), Image.Exif()
    turned[0x0112] = ROTATED
    Image.new("RGB", (80, 60)).save(made, "JPEG", exif=turned)
    assert size(thumbnail(made.getvalue())) == (60, 80)


def test_a_picture_with_transparency_is_shown_too() -> None:
    made = io.BytesIO()
    Image.new("RGBA", (20, 20)).save(made, "PNG")
    assert size(thumbnail(made.getvalue())) == (20, 20)


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF"]))
def test_what_is_no_picture_is_none(content: bytes, beginning: bytes) -> None:
    assert thumbnail(beginning + content) is None


def test_a_picture_that_breaks_off_is_none() -> None:
    assert thumbnail(photo("teal", (600, 600))[:300]) is None
