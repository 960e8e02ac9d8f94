import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from data_processor.tasks.faces import dlib_net, lbp, recogniser
from data_processor.tasks.faces.extractors import Extractors
from data_processor.tasks.faces.nearest import NOBODY, Known, nearest
from data_processor.tasks.faces.projection import Projection
from data_processor.tasks.faces.recogniser import (
    Recogniser,
    RecogniserRejectedError,
    default_recogniser,
    fit_recogniser,
    load_recogniser,
)
from data_processor.tasks.faces.sface_net import SFace
from tasks.faces.networks import sface, write_networks, yunet
from tasks.faces.signatures import made_up, of_drawn_faces

LENGTH = lbp.LENGTH
EXTRACTORS = Extractors()
LBP = EXTRACTORS.named("lbp")


def written(**arrays: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, **{name: np.asarray(array) for name, array in arrays.items()})
    return file.getvalue()


def whole(**changed: object) -> bytes:
    arrays: dict[str, object] = {
        "extractor": "lbp",
        "threshold": 3.0,
        "mean": np.zeros(LENGTH, np.float32),
        "matrix": np.ones((LENGTH, 2), np.float32),
    }
    arrays |= changed
    return written(**{name: value for name, value in arrays.items() if value is not None})


def places_of(
    found: Recogniser,
    asked: NDArray[np.float32],
    enrolled: NDArray[np.float32],
    persons: NDArray[np.int64],
) -> list[int]:
    """Return whose the signatures are that are asked for."""
    vectors = found.vectors(enrolled)
    known = Known(vectors, persons, vectors[:0], persons[:0])
    whose: list[int] = nearest(found.vectors(asked), known, found.threshold).places.tolist()
    return whose


def test_too_few_faces_make_the_default_recogniser() -> None:
    signatures, persons = made_up(3, 9, 0)
    assert fit_recogniser(LBP, signatures, persons) == default_recogniser(LBP)
    assert default_recogniser(LBP).vectors(signatures) is signatures


def test_a_fitted_recogniser_knows_the_enrolled_and_nobody_else() -> None:
    signatures, persons = of_drawn_faces(range(9), 6)
    learnt = (np.arange(len(persons)) % 6 < 4) & (persons < 8)
    found = fit_recogniser(LBP, signatures[learnt], persons[learnt])
    assert found.projection is not None
    asked = ~learnt
    places = places_of(found, signatures[asked], signatures[learnt], persons[learnt])
    assert places == [person if person < 8 else NOBODY for person in persons[asked].tolist()]


def test_the_default_recogniser_knows_drawn_faces_from_their_first_picture() -> None:
    signatures, persons = of_drawn_faces(range(6), 2)
    first, second = np.arange(0, 10, 2), np.arange(1, 12, 2)
    found = default_recogniser(LBP)
    places = places_of(found, signatures[second], signatures[first], persons[first])
    assert places == [0, 1, 2, 3, 4, NOBODY]


@pytest.mark.parametrize("projected", [True, False])
def test_what_is_saved_is_loaded_and_answers_the_same(tmp_path: Path, *, projected: bool) -> None:
    signatures, persons = made_up(5 if projected else 2, 5, 0)
    found = fit_recogniser(LBP, signatures, persons)
    found.save(tmp_path / "recogniser.npz")
    again = load_recogniser((tmp_path / "recogniser.npz").read_bytes(), EXTRACTORS)
    assert (again.extractor, again.threshold, again.width) == (found.extractor, found.threshold, found.width)
    assert np.array_equal(again.vectors(signatures), found.vectors(signatures))


def test_confidence_is_one_half_at_the_threshold_and_falls_with_the_distance() -> None:
    found = Recogniser(LBP, None, 2.0)
    sure = found.confidence(np.array([0.0, 1.0, 1.9, 2.0, 2.1, 4.0, 1e9, np.inf]))
    assert sure[3] == 0.5
    assert (np.diff(sure) <= 0).all()
    assert sure[0] > 0.99
    assert sure[-1] == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        whole(extractor=None),
        whole(extractor="another"),
        whole(threshold=None),
        whole(threshold=0.0),
        whole(threshold=-1.0),
        whole(threshold=np.nan),
        whole(threshold=np.inf),
        whole(threshold=[1.0, 2.0]),
        whole(threshold="near"),
        whole(mean=None),
        whole(matrix=None),
        whole(mean=np.zeros(9, np.float32)),
        whole(mean=np.zeros(LENGTH)),
        whole(mean=np.full(LENGTH, np.nan, np.float32)),
        whole(matrix=np.ones((9, 2), np.float32)),
        whole(matrix=np.ones((LENGTH, 0), np.float32)),
        whole(matrix=np.ones(LENGTH, np.float32)),
        whole(matrix=np.full((LENGTH, 2), np.inf, np.float32)),
        whole(matrix=np.ones((LENGTH, 2), np.int64)),
        whole(weights=["a" * 64]),
    ],
)
def test_what_is_not_whole_is_rejected(content: bytes) -> None:
    with pytest.raises(RecogniserRejectedError):
        load_recogniser(content, EXTRACTORS)


def test_a_recogniser_whose_extractor_is_missing_is_rejected_and_it_is_said_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dlib = EXTRACTORS.named("dlib")
    default_recogniser(dlib).save(tmp_path / "recogniser.npz")
    content = (tmp_path / "recogniser.npz").read_bytes()
    assert load_recogniser(content, EXTRACTORS) == default_recogniser(dlib)
    monkeypatch.setattr(dlib_net, "find_spec", lambda _: None)
    with pytest.raises(RecogniserRejectedError, match=r"'dlib' cannot be used here.*data-processor\[faces\]"):
        load_recogniser(content, EXTRACTORS)


@pytest.fixture
def made_by_sface(tmp_path: Path) -> tuple[bytes, Extractors]:
    """A recogniser's file that SFace made, and the extractors of the process that made it."""
    extractors = Extractors(SFace.read(*write_networks(tmp_path)))
    default_recogniser(extractors.named("sface")).save(tmp_path / "recogniser.npz")
    return (tmp_path / "recogniser.npz").read_bytes(), extractors


def test_a_recogniser_asks_for_the_weights_it_was_made_with(made_by_sface: tuple[bytes, Extractors]) -> None:
    content, extractors = made_by_sface
    assert load_recogniser(content, extractors) == default_recogniser(extractors.named("sface"))
    (_, made_with), others = extractors.named("sface").weights, SFace(yunet(), sface(seed=2))
    with pytest.raises(RecogniserRejectedError, match=f"{made_with}, than .* {others.weights[1]} that"):
        load_recogniser(content, Extractors(others))
    with pytest.raises(RecogniserRejectedError, match=f"ONNX are not set.* was made with .*{made_with}"):
        load_recogniser(content, EXTRACTORS)


def test_a_recogniser_of_sface_that_names_no_weights_is_rejected(
    made_by_sface: tuple[bytes, Extractors],
) -> None:
    _, extractors = made_by_sface
    with pytest.raises(RecogniserRejectedError, match="other weights of its extractor 'sface', no files"):
        load_recogniser(written(extractor="sface", threshold=0.8), extractors)


def test_a_pickle_is_never_loaded() -> None:
    for name in ("extractor", "weights", "threshold", "mean", "matrix"):
        with pytest.raises(RecogniserRejectedError, match="no recogniser's file"):
            load_recogniser(whole(**{name: np.array({"a": 1}, dtype=object)}), EXTRACTORS)


def test_a_file_that_unpacks_to_too_much_is_rejected_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("matrix.npy", bytes(2_000_000))
    monkeypatch.setattr(recogniser, "MAX_BYTES", 1_000_000)
    with pytest.raises(RecogniserRejectedError, match="2000000 bytes"):
        load_recogniser(packed.getvalue(), EXTRACTORS)
    with pytest.raises(RecogniserRejectedError, match="at most"):
        load_recogniser(bytes(1_000_001), EXTRACTORS)


def test_a_header_that_claims_more_numbers_than_there_are_is_rejected() -> None:
    npy = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        npy, {"descr": "<f4", "fortran_order": False, "shape": (LENGTH, 10**12)}
    )
    packed = io.BytesIO(whole(matrix=None))
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("matrix.npy", npy.getvalue() + bytes(99))
    with pytest.raises(RecogniserRejectedError):
        load_recogniser(packed.getvalue(), EXTRACTORS)


@given(st.binary(max_size=200))
def test_any_bytes_are_loaded_or_rejected(content: bytes) -> None:
    for start in (b"", b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY\x01\x00"):
        with pytest.raises(RecogniserRejectedError):
            load_recogniser(start + content, EXTRACTORS)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_file_is_loaded_or_rejected(changes: list[tuple[int, int]]) -> None:
    content = bytearray(whole(mean=None, matrix=None))
    for place, value in changes:
        content[place % len(content)] = value
    try:
        found = load_recogniser(bytes(content), EXTRACTORS)
    except RecogniserRejectedError:
        return
    assert isinstance(found.projection, Projection | None)
    assert found.threshold > 0
