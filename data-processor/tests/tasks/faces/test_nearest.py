import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from data_processor.tasks.faces.nearest import FEW, NOBODY, Known, distances_between, nearest

COORDINATES = st.integers(-8, 8)
NONE = np.zeros((0, 2), np.float32)


def vectors(*rows: tuple[float, float]) -> NDArray[np.float32]:
    return np.array(rows, np.float32).reshape(-1, 2)


def known(
    enrolled: NDArray[np.float32],
    persons: list[int],
    impostors: NDArray[np.float32] = NONE,
    not_whom: tuple[int, ...] = (),
) -> Known:
    return Known(enrolled, np.array(persons, np.int64), impostors, np.array(not_whom, np.int64))


@st.composite
def points(draw: st.DrawFn, fewest: int = 0) -> NDArray[np.float32]:
    return vectors(*draw(st.lists(st.tuples(COORDINATES, COORDINATES), min_size=fewest, max_size=12)))


def test_the_person_of_the_nearest_face_is_found() -> None:
    found = nearest(vectors((0.2, 0), (4, 4)), known(vectors((0, 0), (4, 3), (9, 9)), [7, 8, 9]), 2.0)
    assert found.places.tolist() == [7, 8]
    assert found.distances == pytest.approx([0.2, 1.0])


def test_beyond_the_threshold_is_nobody_and_the_distance_is_still_told() -> None:
    found = nearest(vectors((3, 4)), known(vectors((0, 0)), [7]), 4.9)
    assert (found.places.tolist(), found.distances.tolist()) == ([NOBODY], [5.0])
    assert nearest(vectors((3, 4)), known(vectors((0, 0)), [7]), 5.0).places.tolist() == [7]


def test_among_nobody_is_nobody_however_large_the_threshold() -> None:
    found = nearest(vectors((3, 4)), known(NONE, []), np.inf)
    assert (found.places.tolist(), found.distances.tolist()) == ([NOBODY], [np.inf])


def test_a_person_is_passed_over_where_an_impostor_is_nearer() -> None:
    gallery = known(vectors((0, 0), (5, 0)), [7, 8], vectors((2, 0)), (7,))
    found = nearest(vectors((0.5, 0), (1.9, 0)), gallery, 9.0)
    assert found.places.tolist() == [7, 8]
    assert found.distances == pytest.approx([0.5, 3.1])


def test_an_impostor_of_one_person_may_be_another() -> None:
    gallery = known(vectors((0, 0), (2, 0)), [7, 8], vectors((2, 0)), (7,))
    assert nearest(vectors((2, 0)), gallery, 1.0).places.tolist() == [8]


def test_the_only_person_taken_for_whom_somebody_was_is_nobody_to_them() -> None:
    gallery = known(vectors((0, 0)), [7], vectors((1, 0)), (7,))
    found = nearest(vectors((1, 0)), gallery, 9.0)
    assert (found.places.tolist(), found.distances.tolist()) == ([NOBODY], [np.inf])


def test_a_face_can_be_asked_for_without_itself() -> None:
    enrolled = vectors((0, 0), (1, 0), (5, 0))
    found = nearest(enrolled, known(enrolled, [7, 7, 8]), 2.0, without=np.arange(3))
    assert found.places.tolist() == [7, 7, NOBODY]
    assert found.distances.tolist() == [1.0, 1.0, 4.0]


@given(points(), points())
def test_distances_are_those_of_euclid_however_many_are_asked(
    first: NDArray[np.float32], second: NDArray[np.float32]
) -> None:
    expected = np.sqrt(((first[:, None].astype(float) - second) ** 2).sum(axis=2))
    assert np.allclose(distances_between(first, second), expected, atol=1e-5)
    many = np.repeat(first, FEW + 1, axis=0)
    assert np.allclose(distances_between(many, second), np.repeat(expected, FEW + 1, axis=0), atol=1e-5)


@given(points(fewest=1), points(), points(), st.floats(0, 30), st.data())
def test_nobody_is_named_whose_face_is_farther_than_the_threshold_or_an_impostor(
    queries: NDArray[np.float32],
    enrolled: NDArray[np.float32],
    impostors: NDArray[np.float32],
    threshold: float,
    data: st.DataObject,
) -> None:
    persons = data.draw(st.lists(st.integers(0, 3), min_size=len(enrolled), max_size=len(enrolled)))
    not_whom = data.draw(st.lists(st.integers(0, 3), min_size=len(impostors), max_size=len(impostors)))
    gallery = known(enrolled, persons, impostors, tuple(not_whom))
    found = nearest(queries, gallery, threshold)
    for query, place, distance in zip(queries, found.places, found.distances, strict=True):
        to_faces = dict.fromkeys(persons, np.inf)
        for one, face in zip(persons, enrolled, strict=True):
            to_faces[one] = min(to_faces[one], float(np.linalg.norm(query - face)))
        allowed = dict(to_faces)
        for one, face in zip(not_whom, impostors, strict=True):
            if one in allowed and np.linalg.norm(query - face) <= to_faces[one]:
                allowed[one] = np.inf
        best = min(allowed.values(), default=np.inf)
        assert distance == pytest.approx(best)
        if place == NOBODY:
            assert best == np.inf or best >= threshold - 1e-6
        else:
            assert allowed[int(place)] == pytest.approx(best)
            assert best <= threshold + 1e-6
