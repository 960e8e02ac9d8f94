"""Estimators that learn batch by batch: steered between two batches, and stored as arrays alone.

Both are scikit-learn's, driven by `partial_fit`. What it keeps to itself between two batches, the state of
the network's optimizer, is read and set under its private name, because there is no other; a test fails if a
release renames it. Rows are shuffled by whoever asks, so a learner draws random numbers only for its first
weights, and those from the seed it is given.

Classes are learnt as their places among the schema's, values as distances from an offset on a scale of their
own: neither needs the other's care for labels or large numbers.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor

from data_processor.features.hyperparameters import Value
from data_processor.tasks.incremental.declared import ADAM, MLP, SGD
from data_processor.tasks.incremental.gradients import Layer

Floats = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]
Settings = Mapping[str, Value]


MOST_WEIGHTS = 4_000_000
"""A network's checkpoint holds each weight three times: this is 96 MB of it, in memory more than once."""


class DivergedError(ArithmeticError):
    """A batch left weights that are not finite."""


class IncrementalLearner(Protocol):
    """What learns from one batch after the other."""

    def learn(
        self, features: Any, target: NDArray[Any], weights: Floats, rate: float, settings: Settings
    ) -> None:
        """Learn from a batch, shape (rows, columns); raises `DivergedError`."""

    def outputs(self, features: Any) -> Floats:
        """Return probabilities (rows, classes), or values on the scale of learning (rows, 1)."""

    @property
    def layers(self) -> list[Layer]:
        """The weights as they are, first layer first."""

    def state(self) -> Arrays:
        """Return everything that learning on depends on."""

    def restore(self, state: Arrays) -> None:
        """Go back to a state."""

    def estimator(self, labels: Sequence[str], scale: float) -> Any:
        """Return a fitted estimator that answers labels, or values on their own scale less the offset."""


def make_learner(
    estimator: str, settings: Settings, *, columns: int, classes: int, dtype: Any, seed: int
) -> IncrementalLearner:
    """Return a learner that has learnt nothing yet; `classes` is 0 for values."""
    kinds: dict[str, type[LinearLearner | NetworkLearner]] = {SGD: LinearLearner, MLP: NetworkLearner}
    return kinds[estimator](settings, columns=columns, classes=classes, dtype=dtype, seed=seed)


def too_large(estimator: str, settings: Settings, *, columns: int, classes: int) -> str | None:
    """Return why a learner would have too many weights and what to do about it; None if it has not."""
    outputs = 1 if classes <= 2 else classes  # noqa: PLR2004  # two classes share an output
    units = int(settings["hidden_units"] or 1) if estimator == MLP else 0
    weights = units * (columns + outputs) if units else columns * outputs
    if weights <= MOST_WEIGHTS:
        return None
    found = f"{columns} columns by {units or outputs} {'hidden units' if units else 'classes'}"
    most = MOST_WEIGHTS // (columns + outputs)
    remedy = f"take at most {most} hidden units" if units and most else "take fewer columns"
    return f"{weights} weights ({found}) are more than the {MOST_WEIGHTS} of a live run; {remedy}."


def digest(learner: IncrementalLearner) -> str:
    """Return the SHA-256 of a learner's weights, to the last bit."""
    found = hashlib.sha256()
    for layer in learner.layers:
        for part in (layer.weights, layer.intercepts):
            found.update(f"{part.dtype.str}{part.shape}".encode())
            found.update(np.ascontiguousarray(part).tobytes())
    return found.hexdigest()


class LinearLearner:
    """A weighted sum of the columns, moved by every row of a batch in turn."""

    def __init__(self, settings: Settings, *, columns: int, classes: int, dtype: Any, seed: int) -> None:
        """Begin with weights of zero."""
        del settings, seed
        self._columns, self._classes, self._dtype = columns, classes, dtype
        self._model = self._made(np.arange(classes))

    def learn(
        self, features: Any, target: NDArray[Any], weights: Floats, rate: float, settings: Settings
    ) -> None:
        """Learn from a batch."""
        self._model.eta0, self._model.alpha = rate, settings["alpha"]
        _learn(self._model, features, target, weights)

    def outputs(self, features: Any) -> Floats:
        """Return what it answers."""
        return _outputs(self._model, features)

    @property
    def layers(self) -> list[Layer]:
        """The weights as they are."""
        return [Layer(self._model.coef_.reshape(-1, self._columns).T, np.atleast_1d(self._model.intercept_))]

    def state(self) -> Arrays:
        """Return weights and the number of rows learnt from."""
        model = self._model
        return {"coef": model.coef_.copy(), "intercept": model.intercept_.copy(), "t": np.array(model.t_)}

    def restore(self, state: Arrays) -> None:
        """Go back to a state."""
        _set_linear(self._model, state["coef"], state["intercept"])
        self._model.t_ = float(state["t"])

    def estimator(self, labels: Sequence[str], scale: float) -> Any:
        """Return a fitted estimator."""
        made, model = self._made(np.asarray(labels, object)), self._model
        _set_linear(made, model.coef_ * made.coef_.dtype.type(scale), model.intercept_ * scale)
        made.t_ = model.t_
        made.eta0, made.alpha = model.eta0, model.alpha
        return _without(made, "_loss_function_")

    def _made(self, labels: NDArray[Any]) -> Any:
        """Return a model that knows its columns and classes, with weights of zero."""
        common = {"penalty": "l2", "learning_rate": "constant", "shuffle": False, "random_state": 0}
        if self._classes:
            model: Any = SGDClassifier(loss="log_loss", eta0=0.01, **common)
        else:
            model = SGDRegressor(loss="squared_error", eta0=0.01, **common)
        _introduce(model, self._columns, labels, self._dtype)
        _set_linear(model, np.zeros_like(model.coef_), np.zeros_like(model.intercept_))
        model.t_ = 1.0
        return model


class NetworkLearner:
    """A network with one hidden layer, moved by the mean of a batch."""

    def __init__(self, settings: Settings, *, columns: int, classes: int, dtype: Any, seed: int) -> None:
        """Begin with weights drawn from the seed, on the scale of Glorot & Bengio (2010)."""
        self._columns, self._classes, self._dtype = columns, classes, dtype
        self._settings = dict(settings)
        self._model = self._made(np.arange(classes))
        generator = np.random.default_rng(seed)
        for weights, intercepts in zip(self._model.coefs_, self._model.intercepts_, strict=True):
            bound = (6.0 / sum(weights.shape)) ** 0.5
            weights[:] = generator.uniform(-bound, bound, weights.shape)
            intercepts[:] = 0.0

    def learn(
        self, features: Any, target: NDArray[Any], weights: Floats, rate: float, settings: Settings
    ) -> None:
        """Learn from a batch."""
        model, optimizer = self._model, self._model._optimizer  # noqa: SLF001  # see the module
        model.alpha, model.batch_size = settings["alpha"], len(target)
        if self._adam:
            optimizer.learning_rate_init = rate
        else:
            optimizer.learning_rate, optimizer.momentum = rate, settings["momentum"]
        _learn(model, features, target, weights)
        model.loss_curve_.clear()  # it would grow with every batch
        model._no_improvement_count = 0  # noqa: SLF001  # see the module

    def outputs(self, features: Any) -> Floats:
        """Return what it answers."""
        return _outputs(self._model, features)

    @property
    def layers(self) -> list[Layer]:
        """The weights as they are."""
        return [Layer(*pair) for pair in zip(self._model.coefs_, self._model.intercepts_, strict=True)]

    def state(self) -> Arrays:
        """Return weights and what the optimizer remembers of earlier batches."""
        found = {
            f"{name}{place}": np.array(one)
            for name, every in self._parts().items()
            for place, one in enumerate(every)
        }
        return {**found, "t": np.array(self._model._optimizer.t)}  # noqa: SLF001  # see the module

    def restore(self, state: Arrays) -> None:
        """Go back to a state; what is remembered of gradients keeps the precision that it had."""
        for name, every in self._parts().items():
            every[:] = [np.array(state[f"{name}{place}"]) for place in range(len(every))]
        self._model._optimizer.t = int(state["t"])  # noqa: SLF001  # see the module

    def estimator(self, labels: Sequence[str], scale: float) -> Any:
        """Return a fitted estimator."""
        made = self._made(np.asarray(labels, object))
        for mine, its in ((self._model.coefs_, made.coefs_), (self._model.intercepts_, made.intercepts_)):
            for one, other in zip(mine, its, strict=True):
                other[...] = one
        for parts in (made.coefs_, made.intercepts_):
            parts[-1] = parts[-1] * parts[-1].dtype.type(scale)
        return _without(made, "_optimizer", "_random_state")

    @property
    def _adam(self) -> bool:
        return self._settings["optimizer"] == ADAM

    def _parts(self) -> dict[str, list[Any]]:
        """Return the lists of arrays that learning on depends on, themselves and no copies."""
        model, optimizer = self._model, self._model._optimizer  # noqa: SLF001  # see the module
        weights = {"coef": model.coefs_, "intercept": model.intercepts_}
        if self._adam:
            return {**weights, "first": optimizer.ms, "second": optimizer.vs}
        return {**weights, "velocity": optimizer.velocities}

    def _made(self, labels: NDArray[Any]) -> Any:
        """Return a model that knows its columns and classes; its optimizer remembers nothing."""
        kind = MLPClassifier if self._classes else MLPRegressor
        model = kind(
            hidden_layer_sizes=(int(self._settings["hidden_units"] or 1),),
            solver=self._settings["optimizer"],
            learning_rate_init=0.001,
            shuffle=False,
            random_state=0,
            batch_size=1,
        )
        _introduce(model, self._columns, labels, self._dtype)
        optimizer = model._optimizer  # noqa: SLF001  # see the module
        for remembered in ("velocities", "ms", "vs"):
            for one in getattr(optimizer, remembered, ()):
                one[...] = 0.0
        optimizer.t = 0
        return model


def _introduce(model: Any, columns: int, labels: NDArray[Any], dtype: Any) -> None:
    """Show a model a row of each class, so that it knows columns and classes."""
    rows = np.zeros((max(2, len(labels)), columns), dtype)
    if len(labels):
        model.partial_fit(rows, labels, classes=labels)
    else:
        model.partial_fit(rows, np.zeros(len(rows)))


def _learn(model: Any, features: Any, target: NDArray[Any], weights: Floats) -> None:
    try:
        with np.errstate(all="ignore"):  # what is not finite is found out after the epoch
            model.partial_fit(features, target, sample_weight=weights)
    except ValueError as error:
        if "finite" in str(error) or "overflow" in str(error):
            raise DivergedError(str(error)) from error
        raise


def _outputs(model: Any, features: Any) -> Floats:
    with np.errstate(all="ignore"):
        if hasattr(model, "predict_proba"):
            return np.asarray(model.predict_proba(features), np.float64)
        return np.asarray(model.predict(features), np.float64).reshape(-1, 1)


def _set_linear(model: Any, coef: NDArray[Any], intercept: NDArray[Any]) -> None:
    model.coef_ = np.array(coef, model.coef_.dtype)
    model.intercept_ = np.array(intercept, model.intercept_.dtype)


def _without(model: Any, *names: str) -> Any:
    """Return a model without what it only needs to learn on: version files hold no such thing."""
    for name in names:
        vars(model).pop(name, None)
    return model
