"""The short way to ask a model for texts, compared with scikit-learn's own."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from data_processor.datasets.inference import infer_schema
from data_processor.datasets.tables import keepable
from data_processor.features.hyperparameters import defaults
from data_processor.features.schema import Schema
from data_processor.features.split import Rows, prepare_data
from data_processor.tasks.candidates import Candidate, Vectorizer
from data_processor.tasks.fitting import fit
from data_processor.tasks.incremental.declared import LIVE_TEXT_CLASSIFIERS
from data_processor.tasks.incremental.learners import make_learner
from data_processor.tasks.texts.declared import ESTIMATORS, VECTORIZERS
from data_processor.tasks.texts.engine import TextEngine, linear_form
from data_processor.tasks.texts.learner import TextLearner

WORDS = {
    "war": ["army", "Battle", "gun"],
    "sport": ["ball", "Goal", "team"],
    "art": ["song", "Paint", "film"],
}
Fitted = tuple[Pipeline, TextEngine, Schema]


@pytest.fixture(scope="module", params=[2, 3], ids=["two classes", "three classes"])
def table(request: Any) -> pd.DataFrame:
    draw = np.random.default_rng(4)
    topics = draw.choice(list(WORDS)[: request.param], 150)
    texts = [
        " ".join([*draw.choice(WORDS[topic], 3), "the", "and", f"n{n}"]) for n, topic in enumerate(topics)
    ]
    return pd.DataFrame({"text": texts, "topic": topics})


@pytest.fixture(scope="module")
def fitted(table: pd.DataFrame) -> list[Fitted]:
    """Every estimator on every vectorizer."""
    schema = infer_schema(table, "topic", task="text-classification", kinds={"text": "text"})
    split = prepare_data(keepable(table, schema), schema, "salt", None, validate_on_recent=False)
    made = []
    for estimator in ESTIMATORS:
        for vectorizer in VECTORIZERS:
            chosen = Vectorizer(
                name=vectorizer.name, params={"ngrams": vectorizer.hyperparameters[0].default}
            )
            candidate = Candidate(estimator=estimator.name, params={}, vectorizer=chosen)
            pipeline = fit(candidate, split.fitting, schema, seed=1)
            made.append((pipeline, TextEngine(pipeline, schema), schema))
    return [*made, *(learnt_live(one.name, split.fitting, schema) for one in LIVE_TEXT_CLASSIFIERS)]


def learnt_live(estimator: str, rows: Rows, schema: Schema) -> Fitted:
    """Return what a live run would make of rows in one batch."""
    learner = TextLearner()
    prepared = learner.prepare(Candidate(estimator=estimator, params={}), rows, schema)
    declared = next(one for one in LIVE_TEXT_CLASSIFIERS if one.name == estimator)
    values = defaults(declared.hyperparameters)
    classes = schema.classes
    live = make_learner(
        estimator, values, columns=prepared.features.shape[1], classes=len(classes), dtype=np.float64, seed=1
    )
    target = np.searchsorted(np.asarray(classes, object), rows.target)
    live.learn(prepared.features, target, np.ones(len(target)), 0.5, values)
    pipeline = learner.assemble(prepared, live.estimator(classes, 1.0), 0.0)
    return pipeline, TextEngine(pipeline, schema), schema


words = st.sampled_from([word for each in WORDS.values() for word in each] + ["the", "THE", "unseen", "n1"])
texts = st.lists(words, max_size=8).map(" ".join) | st.text(max_size=60)


@settings(max_examples=30, deadline=None)
@given(st.lists(texts, min_size=1, max_size=5))
def test_every_text_is_answered_as_by_the_pipeline(fitted: list[Fitted], asked: list[str]) -> None:
    strings = np.array(asked, object)[:, None]
    for pipeline, engine, schema in fitted:
        assert tuple(pipeline.classes_) == schema.classes
        said = engine.predict(np.empty((len(asked), 0), np.float32), strings)
        expected = pipeline.predict_proba(pd.DataFrame({"text": pd.Series(asked, dtype=object)}))
        np.testing.assert_allclose(said, expected, atol=1e-6)


def test_a_model_that_is_not_linear_in_its_terms_is_refused() -> None:
    with pytest.raises(TypeError, match="DummyClassifier is not a model for texts"):
        linear_form(DummyClassifier())
