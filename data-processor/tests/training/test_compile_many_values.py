"""Columns with many values, and texts in a table: the fitted pipeline, the compiled one and the kept one."""

from pathlib import Path

import numpy as np
import pytest

from data_processor.models.artefact import load_pipeline, save_pipeline
from data_processor.settings import Settings
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.fitting import fit
from data_processor.tasks.pipelines import answer
from data_processor.training.compile import compile_model
from data_processor.training.scale import scale_of
from many_values import sales, split_of

TRUSTED = Settings.model_fields["trusted_types"].default


@pytest.mark.parametrize(
    ("target", "estimator"),
    [
        ("price", "ridge"),
        ("price", "hist-gradient-boosting"),
        ("dear", "logistic-regression"),
        ("dear", "hist-gradient-boosting"),
        ("class", "random-forest"),
        ("class", "hist-gradient-boosting"),
    ],
)
def test_a_compiled_model_answers_alike_and_a_kept_one_is_the_same(
    target: str, estimator: str, tmp_path: Path
) -> None:
    split, schema = split_of(sales(5, 900, target), target)
    pipeline = fit(Candidate(estimator=estimator, params={}), split.allowed, schema, 1)
    asked = split.holdout.frame

    scale = None if schema.classes else scale_of(split.allowed.target)
    compiled = compile_model(pipeline, schema, asked, tmp_path / "model.onnx", scale=scale)
    assert compiled.engine == "onnx", compiled.parity.reason
    save_pipeline(pipeline, tmp_path / "model.skops")
    kept = load_pipeline((tmp_path / "model.skops").read_bytes(), TRUSTED)
    assert np.array_equal(answer(kept, asked), answer(pipeline, asked))
