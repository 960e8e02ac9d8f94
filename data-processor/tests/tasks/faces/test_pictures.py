import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from data_processor.tasks.faces import pictures
from data_processor.tasks.faces.pictures import PictureRefusedError, encode, read_picture
from tasks.faces.drawn import as_jpeg, drawn, drawn_face

ORIENTATION = 0x0112
STORED = {1: 0, 8: 3, 3: 2, 6: 1}
"""How many quarter turns to the left undo each orientation that a camera writes: the picture is stored so."""


def saved(picture: NDArray[np.generic], form: str, **options: object) -> bytes:
    written = io.BytesIO()
    Image.fromarray(picture).save(written, form, **options)
    return written.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")


def reason(content: bytes) -> str:
    with pytest.raises(PictureRefusedError) as refused:
        read_picture(content)
    assert str(refused.value)
    return refused.value.reason


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_pictures_are_read_as_they_were_saved(form: str) -> None:
    picture = drawn(1)
    assert np.array_equal(read_picture(saved(picture, form, lossless=True)), picture)


def test_a_jpeg_is_read_nearly_as_it_was_saved() -> None:
    assert np.abs(read_picture(drawn_face(1)).astype(int) - drawn(1)).mean() < 4
    assert np.abs(read_picture(encode(drawn(1))).astype(int) - drawn(1)).mean() < 4


@pytest.mark.parametrize("orientation", STORED)
def test_a_picture_is_turned_upright_as_its_exif_data_says(orientation: int) -> None:
    upright = np.ascontiguousarray(drawn(2)[:160])
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    turned = as_jpeg(np.ascontiguousarray(np.rot90(upright, STORED[orientation])), exif=exif)
    read = read_picture(turned)
    assert read.shape == upright.shape
    assert np.abs(read.astype(int) - upright).mean() < 5


def test_every_kind_of_pixel_becomes_red_green_and_blue() -> None:
    grey = drawn(1)[:, :, 0]
    clear = np.dstack([drawn(1), np.full(grey.shape, 255, np.uint8)])
    palette = Image.fromarray(grey).quantize(256)
    written = io.BytesIO()
    palette.save(written, "PNG")
    for content in (saved(grey, "PNG"), saved(grey, "PPM"), saved(clear, "PNG"), written.getvalue()):
        read = read_picture(content)
        assert read.shape == (*grey.shape, 3)
        assert read.dtype == np.uint8


def test_sixteen_bits_are_made_eight_and_not_cut_off() -> None:
    grey = drawn(1)[:, :, 0]
    wide = (grey.astype(np.uint16) * 257).astype(np.uint16)
    assert np.array_equal(read_picture(saved(wide, "PNG"))[:, :, 1], grey)
    netpbm = b"P5 %d %d 65535\n" % (grey.shape[1], grey.shape[0]) + wide.astype(">u2").tobytes()
    assert np.array_equal(read_picture(netpbm)[:, :, 2], grey)


def test_a_large_picture_is_made_smaller() -> None:
    large = np.repeat(np.repeat(drawn(1)[:120], 10, axis=0), 10, axis=1)
    assert read_picture(encode(large)).shape == (800, 1600, 3)


@pytest.mark.parametrize("content", [b"", b"not a picture", b"GIF89a" + bytes(100), b"<svg/>", b"%PDF-1.7"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    assert reason(content) == "not-an-image"


def test_a_picture_that_breaks_off_is_refused() -> None:
    whole = drawn_face(1)
    assert reason(whole[: len(whole) // 2]) == "not-an-image"


@pytest.mark.parametrize("side", [7_100, 12_000, 50_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_by_its_header(side: int) -> None:
    assert reason(png_that_claims(side, side)) == "too-many-pixels"


def test_too_many_bytes_are_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_BYTES", 99)
    assert reason(bytes(100)) == "too-large"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_picture_or_refused(content: bytes) -> None:
    for start in (b"", b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n", b"RIFF\x24\0\0\0WEBPVP8 ", b"P6 9 9 255\n"):
        with np.errstate(all="raise"):
            tried(start + content)


@given(st.sampled_from(["JPEG", "PNG", "WEBP", "PPM"]), st.data())
def test_a_damaged_picture_is_read_or_refused(form: str, data: st.DataObject) -> None:
    content = bytearray(saved(drawn(1)[::6, ::6], form))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    tried(bytes(content))


def tried(content: bytes) -> None:
    try:
        picture = read_picture(content)
    except PictureRefusedError as refused:
        assert refused.reason in {"not-an-image", "too-large", "too-many-pixels"}  # noqa: PT017
    else:
        assert picture.dtype == np.uint8
        assert picture.shape[2:] == (3,)
        assert max(picture.shape) <= pictures.LONGEST_SIDE
