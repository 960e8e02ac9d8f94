"""Learners: the same numbers from the same state, and estimators that answer what they answer."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from data_processor.features.hyperparameters import defaults
from data_processor.models.artefact import load_pipeline, save_pipeline
from data_processor.tasks.incremental.declared import LIVE_CLASSIFIERS, LIVE_REGRESSORS
from data_processor.tasks.incremental.gradients import gradient_norm, weight_norm
from data_processor.tasks.incremental.learners import DivergedError, digest, make_learner, too_large

ROWS, COLUMNS = 256, 6
KINDS = ["sgd", "mlp adam", "mlp sgd"]


def settings(kind: str, *, classes: int = 2) -> dict[str, Any]:
    name, _, optimizer = kind.partition(" ")
    declared = LIVE_CLASSIFIERS if classes else LIVE_REGRESSORS
    values = defaults(next(one for one in declared if one.name == name).hyperparameters)
    return {**values, **({"optimizer": optimizer, "hidden_units": 5} if optimizer else {})}


def rows(classes: int, dtype: Any = np.float32) -> tuple[NDArray[Any], NDArray[Any]]:
    draw = np.random.default_rng(1)
    features = draw.normal(size=(ROWS, COLUMNS)).astype(dtype)
    sums = features @ draw.normal(size=(COLUMNS, max(1, classes)))
    return features, sums.argmax(axis=1) if classes > 1 else sums[:, 0].astype(np.float64)


def made(kind: str, classes: int = 2, *, seed: int = 3, dtype: Any = np.float32) -> Any:
    return make_learner(
        kind.partition(" ")[0],
        settings(kind, classes=classes),
        columns=COLUMNS,
        classes=classes,
        dtype=dtype,
        seed=seed,
    )


def learn(learner: Any, kind: str, classes: int = 2, batches: int = 4) -> None:
    features, target = rows(classes)
    for batch in range(batches):
        place = slice(batch * 32, batch * 32 + 32)
        learner.learn(features[place], target[place], np.ones(32), 0.05, settings(kind, classes=classes))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_from_the_same_state_it_learns_to_the_last_bit_the_same(kind: str, classes: int) -> None:
    first = made(kind, classes)
    learn(first, kind, classes)
    other = made(kind, classes, seed=99)
    other.restore(first.state())
    for learner in (first, other):
        learn(learner, kind, classes)
    assert digest(first) == digest(other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("classes", [2, 3])
def test_its_estimator_answers_labels_with_its_probabilities(kind: str, classes: int, tmp_path: Any) -> None:
    learner, labels = made(kind, classes), ["a", "b", "c"][:classes]
    learn(learner, kind, classes)
    features, _ = rows(classes)
    save_pipeline(learner.estimator(labels, 1.0), tmp_path / "model.skops")
    estimator = load_pipeline((tmp_path / "model.skops").read_bytes(), [])
    assert estimator.classes_.tolist() == labels
    np.testing.assert_array_equal(estimator.predict_proba(features), learner.outputs(features))


@pytest.mark.parametrize("kind", KINDS)
def test_its_estimator_answers_values_on_their_own_scale(kind: str) -> None:
    learner = made(kind, 0)
    learn(learner, kind, 0)
    features, _ = rows(0)
    found = learner.estimator([], 50.0).predict(features)
    np.testing.assert_allclose(found, 50 * learner.outputs(features)[:, 0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_learning_makes_the_answers_better(kind: str, classes: int) -> None:
    features, target = rows(classes)

    def loss(learner: Any) -> float:
        outputs = learner.outputs(features)
        if classes:
            return float(-np.log(outputs[np.arange(ROWS), target]).mean())
        return float(np.square(outputs[:, 0] - target).mean())

    learner = made(kind, classes)
    before = loss(learner)
    for _ in range(20):
        learn(learner, kind, classes, batches=8)
    assert loss(learner) < before / 2


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_the_gradient_of_a_network_is_that_of_its_loss(classes: int) -> None:
    learner = made("mlp adam", classes, dtype=np.float64)
    features, target = rows(classes, np.float64)
    layers, alpha = learner.layers, 0.1

    def loss() -> float:
        outputs = learner.outputs(features)
        if classes:
            error = -np.log(outputs[np.arange(ROWS), target]).mean()
        else:
            error = np.square(outputs[:, 0] - target).mean() / 2
        return float(error + alpha / 2 * weight_norm(layers) ** 2)

    squares = 0.0
    for layer in layers:
        for part in layer:
            for place in np.ndindex(part.shape):
                kept, step = part[place], 1e-6
                part[place] = kept + step
                above = loss()
                part[place] = kept - step
                squares += ((above - loss()) / (2 * step)) ** 2
                part[place] = kept
    found = gradient_norm(layers, features, learner.outputs(features), target, alpha)
    assert found == pytest.approx(squares**0.5, rel=1e-4)


def test_a_network_learns_sparse_rows_like_dense_ones() -> None:
    features, target = rows(2, np.float64)
    dense, sparse = made("mlp adam", dtype=np.float64), made("mlp adam", dtype=np.float64)
    norms = []
    for learner, given in ((dense, features), (sparse, csr_matrix(features))):
        learner.learn(given, target, np.ones(ROWS), 0.05, settings("mlp adam"))
        norms.append(gradient_norm(learner.layers, given, learner.outputs(given), target, 0.1))
    np.testing.assert_allclose(dense.outputs(features), sparse.outputs(csr_matrix(features)), rtol=1e-9)
    assert norms[0] == pytest.approx(norms[1])


def test_weights_that_are_not_finite_are_a_divergence() -> None:
    learner = made("mlp sgd", 0)
    features, target = rows(0)

    def diverge() -> None:
        for _ in range(50):
            learner.learn(features * 1e6, target * 1e6, np.ones(ROWS), 10.0, settings("mlp sgd", classes=0))

    with pytest.raises(DivergedError):
        diverge()


def test_two_seeds_begin_with_other_weights() -> None:
    assert digest(made("mlp adam", seed=1)) != digest(made("mlp adam", seed=2))


@pytest.mark.parametrize(
    ("kind", "units", "columns", "classes", "refused"),
    [
        ("sgd", 0, 50_000, 2, None),
        ("mlp adam", 32, 50_000, 2, None),
        ("mlp adam", 512, 50_000, 2, "take at most 79 hidden units."),
        ("sgd", 0, 50_000, 200, "take fewer columns."),
    ],
)
def test_more_weights_than_checkpoints_can_hold_are_refused(
    kind: str, units: int, columns: int, classes: int, refused: str | None
) -> None:
    given = {**settings(kind), "hidden_units": units}
    found = too_large(kind.partition(" ")[0], given, columns=columns, classes=classes)
    assert (found is None) if refused is None else (found is not None and found.endswith(refused))
