"""The training loop of a live run: batch by batch, to the same numbers whenever it is repeated.

Where it stands is a position: whole epochs, and rows of the next one. Everything that follows depends on
nothing but the state there (the weights, what the optimizer remembers, the hyperparameters, the seed) and the
changes that are made later, each at a position of its own. So any run can be repeated, or left for another
from any of its positions. The rows of an epoch are shuffled by the seed and the epoch's number.
"""

import io
import json
import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from data_processor.features.hyperparameters import Value
from data_processor.statistics.measures import LOWER_IS_BETTER
from data_processor.tasks.incremental.declared import BALANCED
from data_processor.tasks.incremental.gradients import gradient_norm, weight_norm
from data_processor.tasks.incremental.learners import DivergedError, digest, make_learner
from data_processor.tasks.incremental.schedules import rate_in_force
from data_processor.training.live.data import LiveData

TEN_FOLD = 10.0
SMALL_LOSS = 0.01
"""Ten times less than this is no divergence, whatever the lowest loss was."""
RATE = ("learning_rate", "schedule")


class Position(NamedTuple):
    """Where a run stands; positions are in order."""

    epoch: int
    """Whole epochs that it learnt."""
    row: int
    """Rows of the next epoch that it learnt."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured after an epoch; None: not finite."""

    epoch: int
    seconds: float
    """What learning took, without what was measured."""
    learning_rate: float
    training_loss: float | None
    validation_loss: float | None
    training_metric: float | None
    validation_metric: float | None
    gradient_norm: float | None
    weight_norm: float | None

    def as_event(self, metric: str) -> dict[str, Any]:
        """Return the body of the event that tells of it."""
        body = asdict(self)
        return {"name": metric, "value": body.pop("validation_metric"), **body}


def one_thread() -> AbstractContextManager[object]:
    """Let a loop learn with one thread: sums are added in one order then, and the other cores are free.

    It is for the whole of a run: to enter it takes longer than a batch.
    """
    limit: AbstractContextManager[object] = threadpool_limits(1)
    return limit


class TrainingLoop:
    """An estimator on its way; whoever lets it learn holds `one_thread`."""

    def __init__(self, data: LiveData, estimator: str, settings: Mapping[str, Value], seed: int) -> None:
        """Stand before the first batch."""
        self._data, self._seed = data, seed
        self._learner = make_learner(
            estimator,
            settings,
            columns=data.features.shape[1],
            classes=len(data.labels),
            dtype=data.features.dtype,
            seed=seed,
        )
        self.settings = dict(settings)
        self.position = Position(0, 0)
        self.diverged: str | None = None
        """Why it cannot learn on."""
        self.best: tuple[int, float] | None = None
        """The best epoch so far, and its value of the metric on the validation rows."""
        self._stale = 0
        """Epochs since the best one."""
        self._since = 0
        """The epoch at which the learning rate was last set."""
        self._seconds = 0.0
        self._order: tuple[int, NDArray[np.int64]] | None = None
        self._lowest = self._loss(data.sample_target, self._learner.outputs(data.sample))

    @property
    def weights(self) -> str:
        """The SHA-256 of the weights."""
        return digest(self._learner)

    @property
    def size_bytes(self) -> int:
        """What the weights take in memory."""
        return sum(layer.weights.nbytes + layer.intercepts.nbytes for layer in self._learner.layers)

    @property
    def learning_rate(self) -> float:
        """The learning rate in force."""
        settings = self.settings
        rate, schedule = float(settings["learning_rate"] or 0), str(settings["schedule"])
        return rate_in_force(rate, schedule, self.position.epoch - self._since)

    @property
    def is_exhausted(self) -> bool:
        """Whether early stopping says that it is enough."""
        patience = self.settings["patience"]
        return patience is not None and self._stale >= int(patience)

    def begin_anew(self) -> None:
        """Forget which epoch was the best: a fork looks for its own."""
        self.best, self._stale = None, 0

    def change(self, values: Mapping[str, Value]) -> None:
        """Set hyperparameters from the next batch on."""
        if any(self.settings[name] != value for name, value in values.items() if name in RATE):
            self._since = self.position.epoch
        self.settings.update(values)
        if "patience" in values:
            self._stale = 0

    def advance(self) -> Measured | None:
        """Learn from the next batch; return what is measured if it was the last one of its epoch.

        Nothing is learnt any more once `diverged` says why.
        """
        epoch, row = self.position
        batch = self._shuffled(epoch)[row : row + int(self.settings["batch_size"] or 1)]
        data, began = self._data, time.perf_counter()
        weights = data.balanced if self.settings.get("class_weight") == BALANCED else data.uniform
        try:
            self._learner.learn(
                data.features[batch], data.target[batch], weights[batch], self.learning_rate, self.settings
            )
        except DivergedError as error:
            self.diverged = f"It diverged in epoch {epoch + 1}: {error}"
        self._seconds += time.perf_counter() - began
        if row + len(batch) < len(data.target) and self.diverged is None:
            self.position = Position(epoch, row + len(batch))
            return None
        rate = self.learning_rate
        self.position = Position(epoch + 1, 0)
        return self._measured(rate)

    def state(self) -> bytes:
        """Return everything that learning on depends on: arrays in NumPy's own format, and no pickle."""
        progress = {
            "position": self.position,
            "settings": self.settings,
            "since": self._since,
            "best": self.best,
            "stale": self._stale,
            "lowest": self._lowest,
            "diverged": self.diverged,
        }
        written = io.BytesIO()
        arrays: dict[str, Any] = {**self._learner.state(), "progress": np.array(json.dumps(progress))}
        np.savez(written, **arrays)
        return written.getvalue()

    def restore(self, state: bytes) -> None:
        """Go back to a state."""
        with np.load(io.BytesIO(state), allow_pickle=False) as arrays:
            progress = json.loads(str(arrays["progress"]))
            self._learner.restore({name: arrays[name] for name in arrays.files if name != "progress"})
        self.position = Position(*progress["position"])
        self.settings = dict(progress["settings"])
        self.best = tuple(progress["best"]) if progress["best"] else None
        self._since, self._stale, self._lowest = progress["since"], progress["stale"], progress["lowest"]
        self.diverged, self._seconds = progress["diverged"], 0.0

    def estimator(self) -> Any:
        """Return a fitted scikit-learn estimator with the weights of now."""
        return self._learner.estimator(self._data.labels, self._data.scale)

    def _shuffled(self, epoch: int) -> NDArray[np.int64]:
        """Return the places of the rows in the order of an epoch."""
        if self._order is None or self._order[0] != epoch:
            order = np.random.default_rng((self._seed, epoch)).permutation(len(self._data.target))
            self._order = (epoch, order)
        return self._order[1]

    def _measured(self, rate: float) -> Measured:
        data, learner, epoch = self._data, self._learner, self.position.epoch
        training, validation = learner.outputs(data.sample), learner.outputs(data.validation)
        gradient = gradient_norm(
            learner.layers, data.sample, training, data.sample_target, float(self.settings["alpha"] or 0)
        )
        loss = self._loss(data.sample_target, training)
        value = data.value(validation)
        self._judge(loss, value)
        seconds, self._seconds = self._seconds, 0.0
        return Measured(
            epoch=epoch,
            seconds=round(seconds, 6),
            learning_rate=rate,
            training_loss=_finite(loss),
            validation_loss=_finite(self._loss(data.validation_target, validation)),
            training_metric=_finite(data.value(training, sample=True)),
            validation_metric=_finite(value),
            gradient_norm=_finite(gradient),
            weight_norm=_finite(weight_norm(learner.layers)),
        )

    def _judge(self, loss: float, value: float) -> None:
        """See whether the epoch diverged, and else whether it is the best so far."""
        most = TEN_FOLD * max(self._lowest, SMALL_LOSS)
        if self.diverged is None and not loss <= most:
            found = f"{loss:.3g}" if math.isfinite(loss) else "not finite"
            self.diverged = (
                f"It diverged in epoch {self.position.epoch}: the training loss is {found}, more than ten "
                f"times its lowest, {self._lowest:.3g}."
            )
        if self.diverged is not None:
            return
        self._lowest = min(self._lowest, loss)
        sign = 1.0 if self._data.metric in LOWER_IS_BETTER else -1.0
        if math.isfinite(value) and (self.best is None or sign * value < sign * self.best[1]):
            self.best, self._stale = (self.position.epoch, value), 0
        else:
            self._stale += 1

    def _loss(self, target: NDArray[Any], outputs: NDArray[np.float64]) -> float:
        return self._data.loss(target, outputs)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
