from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data_processor.tasks.faces import dlib_net
from data_processor.tasks.faces.crops import only_face
from data_processor.tasks.faces.dlib_net import ExtractorMissingError
from data_processor.tasks.faces.extractors import Extractors, UnknownExtractorError
from data_processor.tasks.faces.sface_net import SFace
from data_processor.tasks.faces.threshold import midway
from tasks.faces.drawn import drawn
from tasks.faces.networks import write_networks
from tasks.faces.signatures import made_up


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
    found = Extractors().named(name)
    signature = found.signature(only_face(drawn(1)))
    assert signature.shape == (found.length,)
    assert signature.dtype == np.float32
    assert np.isfinite(signature).all()
    assert found.default_threshold > 0


@pytest.mark.parametrize("name", ["lbp", "dlib"])
def test_pictures_of_one_person_are_nearer_than_those_of_two(name: str) -> None:
    sign = Extractors().named(name).signature
    first, second, other = (sign(only_face(drawn(person, 3))) for person in (1, 1, 2))
    again = sign(only_face(drawn(1, 4)))
    assert np.array_equal(first, second)
    assert np.linalg.norm(first - again) < np.linalg.norm(first - other)


def test_an_unknown_extractor_is_named_with_those_that_there_are() -> None:
    with pytest.raises(UnknownExtractorError, match="'deep'; there are sface, lbp, dlib"):
        Extractors().named("deep")


def test_both_are_available_where_the_extra_is_installed() -> None:
    assert [one.name for one in Extractors().available()] == ["lbp", "dlib"]


def test_sface_is_preferred_where_its_weights_are_configured(tmp_path: Path) -> None:
    found = Extractors(SFace.read(*write_networks(tmp_path)))
    assert [one.name for one in found.available()] == ["sface", "lbp", "dlib"]
    assert found.named("sface").missing() is None


def test_the_threshold_of_networks_is_midway_between_the_enrolled_and_never_opencvs_own() -> None:
    signatures, persons = made_up(5, 4, 0, apart=1, length=128)
    signatures /= np.linalg.norm(signatures, axis=1, keepdims=True)
    dlib, sface = (Extractors().named(name) for name in ("dlib", "sface"))
    found = sface.calibrate(signatures, persons, None)
    assert found == dlib.calibrate(signatures, persons, None) == midway(signatures, persons, 0.05)
    assert sface.default_threshold < np.sqrt(2 - 2 * 0.363)


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib_net, "find_spec", lambda _: None)
    assert dlib_net.missing() == (
        "dlib and face_recognition_models not installed: install the extra data-processor[faces]."
    )
    assert [one.name for one in Extractors().available()] == ["lbp"]
    assert Extractors().named("lbp").missing() is None


def test_weights_that_are_not_there_are_not_asked_for(elsewhere: Path) -> None:
    assert elsewhere.is_dir()
    with pytest.raises(ExtractorMissingError, match=dlib_net.NETWORK):
        Extractors().named("dlib").signature(only_face(drawn(1)))


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
        Extractors().named("dlib").signature(only_face(drawn(1)))


def test_the_file_that_forbids_commercial_use_is_not_among_those_that_are_read() -> None:
    assert not [name for name in dlib_net.SHA256 if "68" in name]
