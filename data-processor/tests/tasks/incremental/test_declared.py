"""What may be set of estimators that learn epoch by epoch."""

import pytest

from data_processor.features.hyperparameters import LiveEstimator, defaults, problems
from data_processor.tasks.incremental.declared import (
    LIVE_CLASSIFIERS,
    LIVE_REGRESSORS,
    LIVE_TEXT_CLASSIFIERS,
    conflict,
)

EVERY = [*LIVE_CLASSIFIERS, *LIVE_REGRESSORS, *LIVE_TEXT_CLASSIFIERS]


@pytest.mark.parametrize("estimator", EVERY)
def test_every_default_is_possible(estimator: LiveEstimator) -> None:
    assert problems(estimator.hyperparameters, defaults(estimator.hyperparameters), estimator.name) == []


@pytest.mark.parametrize("estimator", EVERY)
def test_only_declared_hyperparameters_are_adjustable(estimator: LiveEstimator) -> None:
    assert set(estimator.adjustable) <= {one.name for one in estimator.hyperparameters}


@pytest.mark.parametrize(
    "wrong", [{"learning_rate": 0}, {"batch_size": 0}, {"momentum": 1.0}, {"alpha": -1}, {"patience": 0}]
)
def test_what_would_divide_by_zero_or_never_end_is_out_of_range(wrong: dict[str, float]) -> None:
    network = LIVE_CLASSIFIERS[1]
    assert len(problems(network.hyperparameters, wrong, network.name)) == 1


def test_adam_has_no_momentum() -> None:
    assert conflict({"optimizer": "adam", "momentum": 0.5}, ["momentum"]) is not None
    assert conflict({"optimizer": "sgd", "momentum": 0.5}, ["momentum"]) is None


def test_only_classes_have_weights() -> None:
    assert not any(one.name == "class_weight" for each in LIVE_REGRESSORS for one in each.hyperparameters)
