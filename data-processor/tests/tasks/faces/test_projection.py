import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from data_processor.tasks.faces.nearest import distances_between
from data_processor.tasks.faces.projection import SHRINKAGE, fit_projection
from tasks.faces.signatures import made_up


@pytest.mark.parametrize(("persons", "pictures"), [(2, 9), (9, 1), (3, 3), (0, 0)])
def test_too_few_persons_or_pictures_make_no_projection(persons: int, pictures: int) -> None:
    assert fit_projection(*made_up(persons, pictures, 0)) is None


def test_it_has_a_discriminant_less_than_persons() -> None:
    signatures, persons = made_up(6, 4, 0)
    projection = fit_projection(signatures, persons)
    assert projection is not None
    assert projection.width == 5
    assert projection.apply(signatures).shape == (24, 5)
    assert projection.apply(signatures).dtype == np.float32


@pytest.mark.parametrize("length", [8, 500])
def test_distances_are_those_after_scikit_learns_two_steps(length: int) -> None:
    signatures, persons = made_up(6, 5, 1, apart=1.0, length=length)
    projection = fit_projection(signatures, persons)
    assert projection is not None
    principal = PCA(svd_solver="full").fit(signatures.astype(np.float64))
    kept = principal.explained_variance_ > 1e-9 * principal.explained_variance_[0]
    scores = principal.transform(signatures)[:, kept]
    theirs = LinearDiscriminantAnalysis(solver="eigen", shrinkage=SHRINKAGE).fit(scores, persons)
    expected = theirs.transform(scores).astype(np.float32)
    ours = projection.apply(signatures)
    assert np.allclose(
        distances_between(ours, ours), distances_between(expected, expected), rtol=1e-2, atol=1e-2
    )


def test_it_tells_persons_apart_who_are_alike_without_it() -> None:
    signatures, places = made_up(12, 8, 2, apart=0.12)
    learnt = np.arange(len(places)) % 2 == 0
    projection = fit_projection(signatures[learnt], places[learnt])
    assert projection is not None

    def right(vectors: np.ndarray) -> float:
        found = distances_between(vectors[~learnt], vectors[learnt]).argmin(axis=1)
        return float(np.mean(places[learnt][found] == places[~learnt]))

    assert right(projection.apply(signatures)) > right(signatures) + 0.2


def test_the_same_picture_twice_and_numbers_that_never_change_do_no_harm() -> None:
    signatures, persons = made_up(5, 3, 3)
    signatures[:, ::7] = 0.5
    twice = np.concatenate([signatures, signatures])
    projection = fit_projection(twice, np.concatenate([persons, persons]))
    assert projection is not None
    assert np.isfinite(projection.apply(twice)).all()
