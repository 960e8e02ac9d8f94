"""Versions that were stored before modules moved are loaded and answer as they did."""

import json
from pathlib import Path

import numpy as np
import pytest
import skops.io

from data_processor.features.packing import pack_rows
from data_processor.models.artefact import FORMER_TYPES
from data_processor.models.engine import load_engine
from data_processor.models.manifest import MANIFEST_FILE, SKOPS_FILE, Manifest
from data_processor.models.registry import ArtefactRejectedError
from data_processor.settings import Settings

STORED = Path(__file__).parent / "stored"
TRUSTED: tuple[str, ...] = Settings.model_fields["trusted_types"].default


def manifest_of(folder: Path) -> Manifest:
    return Manifest.model_validate_json((folder / MANIFEST_FILE).read_text())


@pytest.mark.parametrize("name", ["table", "texts"])
def test_a_version_of_before_answers_as_it_did(name: str) -> None:
    manifest = manifest_of(STORED / name)
    known = json.loads((STORED / name / "answers.json").read_text())
    engine = load_engine(STORED / name, manifest, TRUSTED)
    answers = engine.predict(*pack_rows(known["inputs"], manifest.table))
    assert np.allclose(answers, known["outputs"], atol=2e-6)


@pytest.mark.parametrize("name", ["table", "texts"])
def test_a_scikit_learn_file_of_before_is_loaded_too(name: str) -> None:
    manifest = manifest_of(STORED / name).model_copy(update={"engine": "scikit-learn"})
    known = json.loads((STORED / name / "answers.json").read_text())
    engine = load_engine(STORED / name, manifest, TRUSTED)
    answers = engine.predict(*pack_rows(known["inputs"], manifest.table))
    assert np.allclose(answers, known["outputs"], atol=1e-5)


def test_the_file_of_before_names_its_types_by_their_former_paths() -> None:
    content = (STORED / "texts" / SKOPS_FILE).read_bytes()
    named = set(skops.io.get_untrusted_types(data=content))
    assert named >= set(FORMER_TYPES.values())


def test_who_trusts_none_of_our_types_does_not_load_them_under_former_paths() -> None:
    manifest = manifest_of(STORED / "texts")
    others = [name for name in TRUSTED if not name.startswith("data_processor.")]
    with pytest.raises(ArtefactRejectedError, match=r"training\.texts"):
        load_engine(STORED / "texts", manifest, others)
