"""Versions that come through MLflow from the other stage, or from somebody who can write to MLflow."""

import json
from pathlib import Path
from typing import Any

import pytest

from data_processor.adapters.mlflow_aliases import Known
from data_processor.models.exchange import Exchange
from data_processor.models.manifest import MANIFEST_FILE
from data_processor.service.errors import NotFound
from data_processor.training import adoption
from data_processor.training.adoption import VersionCheck

M = "census-income"
KEY = "the-key-of-both-stages"
World = Any


class Child:
    """Stands in for the child process that would load the files."""

    asked: list[str]

    def __init__(self, settings: Any, folder: Path) -> None:
        del settings, folder

    def ask(self, task: str, **arguments: Any) -> None:
        del arguments
        self.asked.append(task)

    def close(self) -> None:
        pass


class Files:
    """The `version.json` of version 1 as MLflow has it."""

    def __init__(self, described: Any) -> None:
        self.described = described

    def fetch(self, artefact_uri: str, name: str, target: Path) -> None:
        assert (artefact_uri, name) == ("mlflow-artifacts:/1", MANIFEST_FILE)
        target.write_text(json.dumps(self.described))


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that children carried out."""
    monkeypatch.setattr(Child, "asked", [], raising=False)
    monkeypatch.setattr(adoption, "Child", Child)
    return Child.asked


@pytest.fixture
def staging(new_world: Any) -> tuple[World, dict[str, Any]]:
    """A stage that has forgotten version 1, and its manifest, which the other stage trained."""
    made = new_world(stage="staging")
    made.settings.runs_dir.mkdir()
    described = dict(made.registry.version(M, "1").manifest)
    described["lineage"] = described["lineage"] | {"feedback_seq": 41}
    made.registry.delete_version(M, "1")
    return made, described


def take_in(world: World, described: Any, tags: dict[str, str]) -> str | None:
    check = VersionCheck(world.settings, world.registry, Files(described), Exchange("staging", KEY))  # type: ignore[arg-type]  # an in-memory stand-in
    return check.take_in(M, Known("1", "mlflow-artifacts:/1", tags))


def signed(described: dict[str, Any], key: str = KEY) -> dict[str, str]:
    return {"loopkeeper.main.signature": str(Exchange("main", key).statement(described, None))}


def test_a_version_that_the_other_stage_signed_becomes_one_of_ours(
    staging: tuple[World, dict[str, Any]], asked: list[str]
) -> None:
    world, described = staging
    assert take_in(world, described, signed(described)) is None
    assert asked == ["take_in_dataset", "inspect"]
    row = world.registry.version(M, "1")
    assert row.manifest == described | {"lineage": described["lineage"] | {"feedback_seq": 0}}
    assert world.registry.problem(row) is None


def test_a_version_that_it_did_not_sign_is_refused_before_anything_is_loaded(
    staging: tuple[World, dict[str, Any]], asked: list[str]
) -> None:
    world, described = staging
    forged = described | {"artefacts": world.registry.version(M, "2").manifest["artefacts"]}
    for told in ({}, signed(described), signed(forged, "another-key-entirely")):
        problem = take_in(world, forged, told)
        assert problem is not None
        assert "main" in problem
    assert asked == []
    with pytest.raises(NotFound):
        world.registry.version(M, "1")


@pytest.mark.parametrize("described", [[], {}, {"lineage": 3}, "no manifest", {"lineage": {}}])
def test_what_is_no_manifest_is_refused(staging: tuple[World, dict[str, Any]], described: Any) -> None:
    assert take_in(staging[0], described, {}) is not None


def test_a_version_of_a_newer_release_is_refused_in_words(staging: tuple[World, dict[str, Any]]) -> None:
    world, described = staging
    problem = take_in(world, {**described, "smoothing": {"by": 2}}, {})
    assert problem is not None
    assert "was made by a newer release: its version.json has fields that this one does not know" in problem
    with pytest.raises(NotFound):
        world.registry.version(M, "1")


def test_what_the_other_stage_says_of_a_version_of_ours_must_be_signed_too(
    staging: tuple[World, dict[str, Any]], asked: list[str]
) -> None:
    world, _ = staging
    check = VersionCheck(world.settings, world.registry, Files({}), Exchange("staging", KEY))  # type: ignore[arg-type]  # as above
    known = Known("2", "mlflow-artifacts:/2", {"loopkeeper.main.served": "forged"})
    assert (
        check.take_in(M, known)
        == "Stage 'main' has not signed what MLflow says of version 2 of 'census-income'."
    )
    assert asked == []


def test_a_version_that_is_adopted_is_inspected_in_a_child(
    staging: tuple[World, dict[str, Any]], asked: list[str]
) -> None:
    world, _ = staging
    check = VersionCheck(world.settings, world.registry, Files({}), Exchange("staging", None))  # type: ignore[arg-type]  # as above
    assert check(M, "2") is None
    assert asked == ["inspect"]
