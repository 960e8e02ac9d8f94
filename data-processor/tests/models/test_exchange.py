"""What one stage believes of what MLflow says that the other one said."""

from typing import Any

import pytest

from data_processor.adapters.mlflow_aliases import Known
from data_processor.models.exchange import Exchange

KEY = "the-key-of-both-stages"
LINEAGE = {"run": "r", "feedback_seq": 7, "cutoff": {"at": "then", "feedback": 7}}
MANIFEST: dict[str, Any] = {
    "model": "m",
    "version": "1",
    "artefacts": {"model.onnx": {"sha256": "hash", "bytes": 1}},
    "lineage": LINEAGE,
}


def said_by(stage: str, served: str | None = "entry", key: str = KEY) -> dict[str, str]:
    """Return the tags by which a stage says that it served the version."""
    signature = Exchange(stage, key).statement(MANIFEST, served)
    assert signature is not None
    told = {f"loopkeeper.{stage}.signature": signature}
    return told if served is None else told | {f"loopkeeper.{stage}.served": served}


def problem(stage: str, tags: dict[str, str], manifest: dict[str, Any] = MANIFEST) -> str | None:
    """Return what a stage has against what MLflow says of the version."""
    return Exchange(stage, KEY).problem(Known("1", "mlflow-artifacts:/1", tags), manifest)


@pytest.mark.parametrize(("speaker", "listener"), [("staging", "main"), ("main", "staging")])
@pytest.mark.parametrize("served", ["entry", None])
def test_what_the_other_stage_signed_is_believed(speaker: str, listener: str, served: str | None) -> None:
    assert problem(listener, said_by(speaker, served)) is None


def test_the_numbers_of_feedback_are_each_stages_own() -> None:
    imported = {**MANIFEST, "lineage": LINEAGE | {"feedback_seq": 0, "cutoff": {"at": "then", "feedback": 0}}}
    assert problem("main", said_by("staging"), imported) is None
    other = {**MANIFEST, "lineage": LINEAGE | {"cutoff": {"at": "another time", "feedback": 7}}}
    assert problem("main", said_by("staging"), other) is not None


def test_what_nobody_signed_is_not_believed() -> None:
    said = problem("main", {"loopkeeper.staging.served": "entry"})
    assert said == "Stage 'staging' has not signed what MLflow says of version 1 of 'm'."


@pytest.mark.parametrize(
    "changed",
    [
        {"artefacts": {"model.onnx": {"sha256": "forged", "bytes": 1}}},
        {"model": "other"},
        {"lineage": {"run": "forged", "feedback_seq": 7}},
        {"table": {"classes": ["swapped"]}},
    ],
)
def test_a_manifest_that_was_changed_is_not_believed(changed: dict[str, Any]) -> None:
    said = problem("main", said_by("staging"), {**MANIFEST, **changed})
    assert said is not None
    assert "is not what stage 'staging' signed" in said


def test_a_login_to_mlflow_cannot_say_that_staging_served_a_version() -> None:
    tags = said_by("staging", served=None) | {"loopkeeper.staging.served": "forged"}
    assert problem("main", tags) is not None


def test_a_stage_cannot_speak_for_the_other_with_its_own_words() -> None:
    own = said_by("main")["loopkeeper.main.signature"]
    tags = {"loopkeeper.staging.signature": own, "loopkeeper.staging.served": "entry"}
    assert problem("main", tags) is not None


def test_another_key_is_worth_nothing() -> None:
    assert problem("main", said_by("staging", key="another-key-entirely")) is not None


def test_without_a_key_nothing_is_said_or_believed() -> None:
    alone = Exchange("main", None)
    assert alone.statement(MANIFEST, "entry") is None
    said = alone.problem(Known("1", "", said_by("staging")), MANIFEST)
    assert said is not None
    assert said.startswith("EXCHANGE_KEY is not set here")
