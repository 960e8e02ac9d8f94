from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data_processor.tasks.faces import dlib_net
from data_processor.tasks.faces.crops import only_face
from data_processor.tasks.faces.dlib_net import ExtractorMissingError
from data_processor.tasks.faces.extractors import UnknownExtractorError, available, extractor
from tasks.faces.drawn import drawn


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Look for the weights in an empty folder, as if nothing had been loaded yet."""
    dlib_net._wrong_files.cache_clear()
    monkeypatch.setattr(dlib_net, "_folder", lambda: tmp_path)
    monkeypatch.setattr(dlib_net, "_local", type("Local", (), {})())
    yield tmp_path
    dlib_net._wrong_files.cache_clear()


@pytest.mark.parametrize("name", ["lbp", "dlib"])
def test_an_extractor_says_what_it_returns(name: str) -> None:
    found = extractor(name)
    signature = found.signature(only_face(drawn(1)))
    assert signature.shape == (found.length,)
    assert signature.dtype == np.float32
    assert np.isfinite(signature).all()
    assert found.default_threshold > 0


@pytest.mark.parametrize("name", ["lbp", "dlib"])
def test_pictures_of_one_person_are_nearer_than_those_of_two(name: str) -> None:
    sign = extractor(name).signature
    first, second, other = (sign(only_face(drawn(person, 3))) for person in (1, 1, 2))
    again = sign(only_face(drawn(1, 4)))
    assert np.array_equal(first, second)
    assert np.linalg.norm(first - again) < np.linalg.norm(first - other)


def test_an_unknown_extractor_is_named_with_those_that_there_are() -> None:
    with pytest.raises(UnknownExtractorError, match="'deep'; there are lbp, dlib"):
        extractor("deep")


def test_both_are_available_where_the_extra_is_installed() -> None:
    assert [one.name for one in available()] == ["lbp", "dlib"]


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib_net, "find_spec", lambda _: None)
    assert dlib_net.missing() == (
        "dlib and face_recognition_models not installed: install the extra data-processor[faces]."
    )
    assert [one.name for one in available()] == ["lbp"]
    assert extractor("lbp").missing() is None


def test_weights_that_are_not_there_are_not_asked_for(elsewhere: Path) -> None:
    assert elsewhere.is_dir()
    with pytest.raises(ExtractorMissingError, match=dlib_net.NETWORK):
        extractor("dlib").signature(only_face(drawn(1)))


def test_weights_that_are_not_the_known_ones_are_never_read(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise AssertionError("a file with another hash was read")

    dlib = pytest.importorskip("dlib")
    monkeypatch.setattr(dlib, "shape_predictor", read)
    monkeypatch.setattr(dlib, "face_recognition_model_v1", read)
    for name in dlib_net.SHA256:
        (elsewhere / name).write_bytes(b"other weights")
    with pytest.raises(ExtractorMissingError, match="is not the known file"):
        extractor("dlib").signature(only_face(drawn(1)))


def test_the_file_that_forbids_commercial_use_is_not_among_those_that_are_read() -> None:
    assert not [name for name in dlib_net.SHA256 if "68" in name]
