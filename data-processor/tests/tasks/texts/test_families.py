from typing import Any

import optuna
import pytest

from data_processor.tasks.candidates import Candidate, UnknownCandidateError
from data_processor.tasks.requests import estimator_problems, vectorizer_problems
from data_processor.tasks.texts.declared import ESTIMATORS, VECTORIZERS
from data_processor.tasks.texts.families import make_estimator, text_arms
from data_processor.tasks.texts.task import TextClassification


def test_without_a_wish_every_estimator_is_tried_on_every_vectorizer() -> None:
    tried = {(arm.estimator.name, arm.vectorizer.name) for arm in text_arms()}

    assert tried == {(one.name, other.name) for one in ESTIMATORS for other in VECTORIZERS}


@pytest.mark.parametrize(
    "vectorizer", ["tf-idf", {"name": "tf-idf", "params": {"ngrams": "2-2", "min_df": 7}}]
)
def test_what_is_asked_for_is_tried_with_its_fixed_hyperparameters(vectorizer: Any) -> None:
    asked = {"estimator": "linear-svc", "params": {"C": 0.5}, "vectorizer": vectorizer}
    (arm,) = text_arms([asked])
    study = optuna.create_study()

    for candidate in (arm.default("natural"), arm.suggest(study.ask(), "natural")):
        assert (candidate.estimator, candidate.params["C"]) == ("linear-svc", 0.5)
        assert candidate.vectorizer is not None
        assert candidate.vectorizer.name == "tf-idf"
        if not isinstance(vectorizer, str):
            assert vectorizer["params"].items() <= candidate.vectorizer.params.items()


def test_a_draw_is_possible_and_can_be_made() -> None:
    for seed in range(5):
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        for arm in text_arms():
            drawn = arm.suggest(study.ask(), "natural")
            assert drawn.vectorizer is not None
            assert estimator_problems(TextClassification.description, drawn.estimator, drawn.params) == []
            assert (
                vectorizer_problems(
                    TextClassification.description, drawn.vectorizer.name, drawn.vectorizer.params
                )
                == []
            )
            assert Candidate.model_validate(drawn.as_json()) == drawn
            make_estimator(drawn, seed, 3)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"estimator": "random-forest"}, "there is no 'random-forest' for text-classification"),
        ({"estimator": "naive-bayes", "params": {"alpha": -1}}, "alpha: -1 is not possible"),
        ({"estimator": "naive-bayes", "vectorizer": "word2vec"}, "there is no 'word2vec'"),
        (
            {"estimator": "naive-bayes", "vectorizer": {"name": "tf-idf", "params": {"ngrams": "3-1"}}},
            "ngrams: '3-1' is not possible; give one of 1-1",
        ),
    ],
)
def test_what_cannot_be_tried_is_named(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownCandidateError, match=message):
        text_arms([asked])
