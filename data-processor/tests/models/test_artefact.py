import hashlib
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from data_processor.features.split import Split
from data_processor.models.artefact import (
    UntrustedTypeError,
    build_manifest,
    describe,
    load_pipeline,
    save_pipeline,
    write_manifest,
)
from data_processor.models.manifest import MANIFEST_FILE, ONNX_FILE, SKOPS_FILE, Lineage, Manifest, Parity
from data_processor.models.policy import Policy
from data_processor.settings import Settings
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.fitting import fit
from data_processor.tasks.pipelines import answer
from data_processor.tasks.tables.families import families

TRUSTED = Settings.model_fields["trusted_types"].default


@pytest.mark.parametrize(
    ("task", "name"),
    [(task, name) for task in ("tabular-classification", "tabular-regression") for name in families(task)],
)
def test_every_estimator_comes_back_with_the_types_that_settings_trust(
    census_split: Split, price_split: Split, task: str, name: str, tmp_path: Path
) -> None:
    split = census_split if task == "tabular-classification" else price_split
    pipeline = fit(Candidate(estimator=name, params={}), split.fitting, split.schema, seed=1)
    path = tmp_path / SKOPS_FILE

    save_pipeline(pipeline, path)
    again = load_pipeline(path.read_bytes(), TRUSTED)

    frame = split.holdout.frame
    np.testing.assert_array_equal(answer(again, frame), answer(pipeline, frame))


def test_a_file_is_compressed_and_holds_no_pickle(census_split: Split, tmp_path: Path) -> None:
    candidate = Candidate(estimator="hist-gradient-boosting", params={"max_iter": 5})
    save_pipeline(fit(candidate, census_split.fitting, census_split.schema, seed=1), tmp_path / SKOPS_FILE)

    with zipfile.ZipFile(tmp_path / SKOPS_FILE) as file:
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_DEFLATED}
        assert {Path(name).suffix for name in file.namelist()} <= {".json", ".npy"}


def test_a_type_that_is_not_trusted_is_named_and_never_made() -> None:
    content = skops.io.dumps(Pipeline([("evil", FunctionTransformer(func=shouting))]))

    with pytest.raises(UntrustedTypeError, match=r"not trusted: .*shouting"):
        load_pipeline(content, TRUSTED)


def shouting(values: object) -> object:
    """Do what a model file must not."""
    raise AssertionError(values)


def test_the_manifest_names_every_file_with_its_hash(census_split: Split, tmp_path: Path) -> None:
    (tmp_path / SKOPS_FILE).write_bytes(b"trained")
    (tmp_path / ONNX_FILE).write_bytes(b"compiled")

    manifest = make_manifest(census_split, tmp_path, passed=True)

    assert manifest.engine == "onnx"
    assert set(manifest.artefacts) == {SKOPS_FILE, ONNX_FILE}
    assert manifest.artefacts[ONNX_FILE].sha256 == hashlib.sha256(b"compiled").hexdigest()
    assert manifest.artefacts[ONNX_FILE].bytes == len(b"compiled")
    assert describe(tmp_path / SKOPS_FILE) == manifest.artefacts[SKOPS_FILE]


def test_without_parity_the_engine_is_scikit_learn_and_no_compiled_file_is_named(
    census_split: Split, tmp_path: Path
) -> None:
    (tmp_path / SKOPS_FILE).write_bytes(b"trained")
    (tmp_path / ONNX_FILE).write_bytes(b"left over")

    manifest = make_manifest(census_split, tmp_path, passed=False)

    assert manifest.engine == "scikit-learn"
    assert set(manifest.artefacts) == {SKOPS_FILE}


def test_a_manifest_is_read_back_as_it_was_written(census_split: Split, tmp_path: Path) -> None:
    (tmp_path / SKOPS_FILE).write_bytes(b"trained")
    manifest = make_manifest(census_split, tmp_path, passed=False)

    written = write_manifest(manifest, tmp_path)

    assert written == tmp_path / MANIFEST_FILE
    assert Manifest.model_validate_json(written.read_text(encoding="utf-8")) == manifest


def make_manifest(split: Split, directory: Path, *, passed: bool) -> Manifest:
    return build_manifest(
        directory,
        model="census-income",
        version="3",
        schema=split.schema,
        policy=Policy(),
        candidate={"estimator": "random-forest", "params": {}, "recent_share": "natural"},
        metrics={"roc_auc": 0.9},
        lineage=Lineage(
            dataset="census-income",
            dataset_version=1,
            dataset_revision="0" * 40,
            feedback_seq=0,
            run="run",
            mlflow_run=None,
            code_revision="1",
            trained_at=datetime(2026, 1, 1, tzinfo=UTC),
        ),
        receipt=None,
        parity=Parity(rows=1, labels_differing=0, max_difference=0.0, passed=passed, reason="So."),
    )
