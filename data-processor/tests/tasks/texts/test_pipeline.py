from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from data_processor.features.packing import pack
from data_processor.features.split import Split
from data_processor.models.artefact import UntrustedTypeError, load_pipeline, save_pipeline
from data_processor.settings import Settings
from data_processor.tasks.candidates import Candidate, TooFewRowsError, Vectorizer
from data_processor.tasks.fitting import fit
from data_processor.tasks.pipelines import answer
from data_processor.tasks.texts.declared import ESTIMATORS
from data_processor.tasks.texts.engine import TextEngine
from data_processor.training.compile import compile_model
from data_processor.training.odd_texts import odd_texts

NAMES = [one.name for one in ESTIMATORS]
TRUSTED = Settings.model_fields["trusted_types"].default
CHARACTERS = Vectorizer(name="character-tf-idf")
LEMMAS = Vectorizer(name="tf-idf", params={"lemmas": "en", "stop_words": "english"})


def fitted(split: Split, estimator: str, vectorizer: Vectorizer | None = None, **params: object) -> Pipeline:
    candidate = Candidate(estimator=estimator, params=params, vectorizer=vectorizer)
    return fit(candidate, split.fitting, split.schema, seed=1)


@pytest.mark.parametrize("name", NAMES)
def test_a_fitted_pipeline_tells_the_classes_apart(comments_split: Split, name: str) -> None:
    rows = comments_split.holdout
    said = answer(fitted(comments_split, name), rows.frame)

    assert said.shape == (len(rows), 2)
    np.testing.assert_allclose(said.sum(axis=1), 1)
    rude = rows.target == "yes"
    assert said[rude, 1].mean() > said[~rude, 1].mean() + 0.2


@pytest.mark.parametrize("vectorizer", [None, LEMMAS, CHARACTERS])
@pytest.mark.parametrize("name", NAMES)
def test_a_model_file_comes_back_with_the_trusted_types_alone_and_answers_alike(
    comments_split: Split, name: str, vectorizer: Vectorizer | None, tmp_path: Path
) -> None:
    pipeline = fitted(comments_split, name, vectorizer)
    save_pipeline(pipeline, tmp_path / "model.skops")
    content = (tmp_path / "model.skops").read_bytes()
    texts = odd_texts(comments_split.holdout.frame["comment"].tolist()[:5])
    frame = comments_split.holdout.frame.iloc[np.zeros(len(texts), int)].assign(comment=texts)
    packed = pack(frame, comments_split.schema)
    said = TextEngine(load_pipeline(content, TRUSTED), comments_split.schema).predict(*packed)

    np.testing.assert_allclose(said, answer(pipeline, frame), atol=1e-6)
    if vectorizer is LEMMAS:
        with pytest.raises(UntrustedTypeError, match="LemmaTokenizer"):
            load_pipeline(content, [name for name in TRUSTED if "LemmaTokenizer" not in name])


@pytest.mark.parametrize("ngrams", ["1-1", "1-2"])
@pytest.mark.parametrize("name", NAMES)
def test_words_compile_to_the_same_answers_odd_texts_included(
    comments_split: Split, name: str, ngrams: str, tmp_path: Path
) -> None:
    vectorizer = Vectorizer(name="tf-idf", params={"ngrams": ngrams})
    compiled = compile_model(
        fitted(comments_split, name, vectorizer),
        comments_split.schema,
        comments_split.holdout.frame,
        tmp_path / "model.onnx",
    )

    assert compiled.parity.passed, compiled.parity.reason
    assert "One row takes" in compiled.parity.reason
    assert (tmp_path / "model.onnx").exists() == (compiled.engine == "onnx")


@pytest.mark.parametrize("vectorizer", [LEMMAS, CHARACTERS])
def test_lemmas_and_characters_are_served_by_scikit_learn(
    comments_split: Split, vectorizer: Vectorizer, tmp_path: Path
) -> None:
    pipeline = fitted(comments_split, "logistic-regression", vectorizer)
    target = tmp_path / "model.onnx"
    compiled = compile_model(pipeline, comments_split.schema, comments_split.holdout.frame, target)

    assert (compiled.engine, compiled.parity.passed, target.exists()) == ("scikit-learn", False, False)


def test_a_blend_is_the_mean_of_its_members_and_comes_back_from_its_file(
    comments_split: Split, tmp_path: Path
) -> None:
    members = [
        {"estimator": "naive-bayes", "params": {}, "vectorizer": {"name": "tf-idf", "params": {}}},
        {"estimator": "linear-svc", "params": {"C": 1.0}, "vectorizer": CHARACTERS.model_dump()},
    ]
    blend = fit(
        Candidate(estimator="blend", params={"members": members}),
        comments_split.fitting,
        comments_split.schema,
        seed=1,
    )
    frame = comments_split.holdout.frame
    each = [
        answer(fitted(comments_split, "naive-bayes"), frame),
        answer(fitted(comments_split, "linear-svc", CHARACTERS, C=1.0), frame),
    ]
    save_pipeline(blend, tmp_path / "model.skops")
    loaded = load_pipeline((tmp_path / "model.skops").read_bytes(), TRUSTED)
    said = TextEngine(loaded, comments_split.schema).predict(*pack(frame, comments_split.schema))

    np.testing.assert_allclose(answer(blend, frame), np.mean(each, axis=0), atol=1e-9)
    np.testing.assert_allclose(said, np.mean(each, axis=0), atol=1e-6)
    compiled = compile_model(blend, comments_split.schema, frame, tmp_path / "model.onnx")
    assert (compiled.engine, "cannot be compiled" in compiled.parity.reason) == ("scikit-learn", True)


def test_rows_that_cannot_carry_a_fit_are_refused_with_the_reason(comments_split: Split) -> None:
    one_class = comments_split.fitting.take(comments_split.fitting.target == "no")
    candidate = Candidate(estimator="naive-bayes", params={})

    with pytest.raises(TooFewRowsError, match="The class 'yes' has 0 rows"):
        fit(candidate, one_class, comments_split.schema, seed=1)
    with pytest.raises(TooFewRowsError, match="No term"):
        fitted(comments_split, "naive-bayes", Vectorizer(name="tf-idf", params={"min_df": 5000}))
