from typing import Any

import optuna
import pytest

from data_processor.tasks.candidates import Candidate, UnknownCandidateError
from data_processor.tasks.registry import task_of
from data_processor.tasks.tables.families import SHAPING, Arm, arms, families, family_of

TASKS: list[str] = ["tabular-classification", "tabular-regression"]


def test_about_few_recent_rows_only_the_quick_estimators_are_tried() -> None:
    quick = ["logistic-regression", "hist-gradient-boosting", "random-forest"]
    assert [arm.family.name for arm in arms("tabular-classification", core_only=True)] == quick
    assert [arm.family.name for arm in arms("tabular-classification")] == [*quick, "extra-trees"]


@pytest.mark.parametrize("task", TASKS)
def test_defaults_and_draws_are_hyperparameters_that_the_estimator_has(task: str) -> None:
    for family in families(task).values():
        trial = optuna.create_study().ask()
        for params in (
            family.defaults,
            family.suggest(trial, "x:"),
            family.first("natural"),
            family.first(0.9),
            *({**family.defaults, **start} for start in family.patience),
            family.suggest(optuna.create_study().ask(), "x:", patient=True),
        ):
            made = family.make(params, 7).get_params()
            own = {name: value for name, value in params.items() if name not in SHAPING}
            assert {name: made[name] for name in own} == own
            assert made["random_state"] == 7
            assert family.cost(params) > 0


@pytest.mark.parametrize("task", TASKS)
def test_every_declared_estimator_can_be_tried(task: str) -> None:
    assert list(families(task)) == [one.name for one in task_of(task).description.estimators]


def test_what_is_asked_for_is_tried_with_its_fixed_hyperparameters() -> None:
    asked: list[dict[str, Any]] = [
        {"estimator": "random-forest", "params": {"min_samples_leaf": 3}},
        {"estimator": "random-forest"},
    ]

    fixed, free = arms("tabular-classification", asked)

    assert fixed.suggest(optuna.create_study().ask(), "0:")["min_samples_leaf"] == 3
    assert free == Arm(free.family, {})


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"estimator": "oracle"}, "no estimator 'oracle'"),
        ({"estimator": "random-forest", "params": {"trees": 3}}, "no hyperparameter 'trees'"),
        ({"estimator": "random-forest", "params": {"n_jobs": 64}}, "no hyperparameter 'n_jobs'"),
        ({"estimator": "random-forest", "params": {"max_features": 2}}, "max_features: 2 is not possible"),
    ],
)
def test_what_cannot_be_tried_is_named(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownCandidateError, match=message):
        arms("tabular-classification", [asked])


def test_a_task_nobody_can_train_yet_is_named() -> None:
    with pytest.raises(UnknownCandidateError, match="'face-recognition'"):
        families("face-recognition")
    with pytest.raises(UnknownCandidateError, match="no estimator 'ridge'"):
        family_of(Candidate(estimator="ridge", params={}), "tabular-classification")
