"""A loop comes to the same weights from whichever of its states it goes on."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_processor.features.hyperparameters import Value, defaults
from data_processor.tasks.incremental.declared import LIVE_CLASSIFIERS
from data_processor.training.live.data import LiveData
from data_processor.training.live.history import Again, Script
from data_processor.training.live.loop import Position, TrainingLoop

SEED = 3
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "learning_rate": st.sampled_from([0.001, 0.01, 0.1]),
        "schedule": st.sampled_from(["constant", "inverse-scaling", "step"]),
        "alpha": st.sampled_from([0.0, 0.01]),
        "batch_size": st.sampled_from([17, 40, 128]),
        "class_weight": st.sampled_from(["none", "balanced"]),
        "patience": st.sampled_from([None, 3]),
    },
)
HISTORIES = st.lists(st.tuples(st.integers(0, 4), CHANGES), min_size=1, max_size=4)
"""How many batches are learnt before each change; 0: it is made where the last one was."""


def made(data: LiveData, estimator: str, **values: Value) -> TrainingLoop:
    """Return a loop that has learnt nothing yet."""
    declared = next(one for one in LIVE_CLASSIFIERS if one.name == estimator.partition(" ")[0])
    found = {**defaults(declared.hyperparameters), "batch_size": 40, **values}
    if estimator == "mlp sgd":
        found["optimizer"] = "sgd"
    return TrainingLoop(data, declared.name, found, SEED)


@pytest.mark.parametrize("estimator", ["sgd", "mlp", "mlp sgd"])
@given(history=HISTORIES)
@settings(max_examples=12)
def test_it_comes_to_the_same_weights_from_any_state(
    tiny_data: LiveData, estimator: str, history: list[tuple[int, dict[str, Value]]]
) -> None:
    loop, changes = made(tiny_data, estimator), []
    states: dict[Position, bytes] = {loop.position: loop.state()}
    for batches, values in [*history, (3, {})]:
        for _ in range(batches):
            loop.advance()
            states.setdefault(loop.position, loop.state())
        changes.append(Again(loop.position, values, "eve", known=True))
        loop.change(values)
    for state in states.values():
        again = made(tiny_data, estimator)
        again.restore(state)
        script = Script([one for one in changes if one.position >= again.position])
        while True:
            for change in script.due(again.position):
                again.change(change.values)
            if again.position >= loop.position:
                break
            again.advance()
        assert again.weights == loop.weights
        assert (again.settings, again.best, again.is_exhausted) == (
            loop.settings,
            loop.best,
            loop.is_exhausted,
        )
        assert again.learning_rate == loop.learning_rate


def test_an_epoch_that_diverges_is_not_the_best(tiny_data: LiveData) -> None:
    ranked: Any = "roc_auc"
    loop = made(replace(tiny_data, metric=ranked), "sgd")
    while loop.position.epoch == 0:
        loop.advance()
    loop.begin_anew()
    loop.change({"learning_rate": 10.0, "alpha": 10.0})
    while loop.position.epoch == 1:
        measured = loop.advance()
    assert measured is not None
    assert measured.validation_metric is not None
    assert loop.diverged is not None
    assert loop.best is None
