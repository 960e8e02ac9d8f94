import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_processor.models.manifest import ONNX_FILE, Manifest
from data_processor.models.policy import Policy
from data_processor.models.registry import ArtefactRejectedError, Registry
from data_processor.models.signatures import Signer
from data_processor.rows import ModelRow
from data_processor.service.errors import Conflict, Invalid, NotFound

M = "census-income"


def test_a_model_is_created_once(world: Any) -> None:
    with pytest.raises(Conflict, match="already a model"):
        world.registry.create_model(None, M, task="t", dataset="d", target="t", policy=Policy())
    made = world.registry.create_model(None, "other", task="t", dataset="d", target="t", policy=Policy())
    assert len(made.salt) == 32
    assert [row.name for row in world.registry.list_models()] == [M, "other"]
    with pytest.raises(NotFound, match="no model 'x'"):
        world.registry.get_model("x")


def test_a_policy_change_is_merged(world: Any) -> None:
    world.registry.change_policy(M, {"threshold": 0.9})
    policy = world.registry.change_policy(M, {"ask_rate": 0.5})
    assert (policy.threshold, policy.ask_rate) == (0.9, 0.5)
    assert Policy.model_validate(world.registry.get_model(M).policy) == policy


def test_every_bad_field_of_a_policy_is_named_and_nothing_changed(world: Any) -> None:
    with pytest.raises(Invalid) as refused:
        world.registry.change_policy(M, {"threshold": 2, "window": "x", "nope": 1, "ask_rate": 0.1})
    assert [error["loc"][-1] for error in refused.value.errors or ()] == ["threshold", "window", "nope"]
    assert Policy.model_validate(world.registry.get_model(M).policy) == Policy()


@pytest.mark.parametrize(
    "change", [{"cooldown_s": float("inf")}, {"selection_metric": "rmse"}, {"threshold": float("nan")}]
)
def test_values_that_fit_the_type_and_make_no_sense_are_refused(world: Any, change: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        world.registry.change_policy(M, change)
    assert [error["loc"] for error in refused.value.errors or ()] == [["body", "policy", *change]]


def test_adding_a_version_again_changes_nothing_and_another_one_is_a_conflict(world: Any) -> None:
    manifest: Manifest = world.registry.manifest(M, "1")
    row = world.registry.add_version(manifest, "elsewhere")
    assert row.artefact_uri != "elsewhere"
    with pytest.raises(Conflict, match="already exists and differs"):
        world.registry.add_version(manifest.model_copy(update={"engine": "scikit-learn"}), "elsewhere")


def test_versions_are_listed_newest_first(world: Any) -> None:
    assert [row.version for row in world.registry.versions(M)] == ["3", "2", "1"]
    with pytest.raises(NotFound):
        world.registry.versions("x")


class CountingStore:
    """A folder of files, and how often it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked = 0

    def fetch(self, artefact_uri: str, name: str, target: Path) -> None:
        del artefact_uri
        self.asked += 1
        shutil.copyfile(self.folder / name, target)


@pytest.fixture
def fetching(world: Any, tmp_path: Path, tiny_versions: Any) -> tuple[Registry, CountingStore]:
    store = CountingStore(tmp_path / "store")
    shutil.copytree(tiny_versions["1"].folder, store.folder)
    return Registry(world.database, tmp_path / "copies", store, Signer.of(world.settings)), store


def test_files_are_fetched_once_and_verified(fetching: tuple[Registry, CountingStore]) -> None:
    registry, store = fetching
    folder = registry.directory(M, "1")
    found = sorted(path.name for path in folder.iterdir())
    assert found == ["background.json", "model.onnx", "model.skops", "version.json"]
    assert Manifest.model_validate_json((folder / "version.json").read_text()) == registry.manifest(M, "1")
    assert registry.directory(M, "1") == folder
    assert store.asked == 3


def test_a_damaged_copy_is_fetched_again(fetching: tuple[Registry, CountingStore]) -> None:
    registry, _ = fetching
    path = registry.directory(M, "1") / ONNX_FILE
    content = path.read_bytes()
    path.write_bytes(b"damaged")
    assert (registry.directory(M, "1") / ONNX_FILE).read_bytes() == content


def test_a_file_that_is_not_the_manifests_is_rejected(fetching: tuple[Registry, CountingStore]) -> None:
    registry, store = fetching
    (store.folder / ONNX_FILE).write_bytes(b"another model")
    with pytest.raises(ArtefactRejectedError, match=r"model\.onnx of version 1"):
        registry.directory(M, "1")
    assert not any(registry._models_dir.rglob("*.onnx"))


def test_a_version_cannot_be_deleted_while_it_is_used(serving_world: Any) -> None:
    registry = serving_world.registry
    with pytest.raises(Conflict, match="stage 'main' points to it"):
        registry.delete_version(M, "1")
    serving_world.promote("2")
    with pytest.raises(Conflict, match="the watch over version 2 still compares with it"):
        registry.delete_version(M, "1")
    folder = registry.directory(M, "3")
    registry.delete_version(M, "3")
    assert not folder.exists()
    with pytest.raises(NotFound):
        registry.manifest(M, "3")
    with pytest.raises(NotFound):
        registry.delete_version(M, "3")


def test_unused_versions_go_together(serving_world: Any) -> None:
    assert sorted(serving_world.registry.delete_unused_versions(M)) == ["2", "3"]
    assert [row.version for row in serving_world.registry.versions(M)] == ["1"]


def test_a_model_goes_with_its_versions_unless_a_stage_points_to_it(
    new_world: Callable[..., Any],
) -> None:
    world = new_world()
    world.promote("1")
    with pytest.raises(Conflict, match="version 1 is needed, because stage 'main' points to it"):
        world.registry.delete_model(M)
    other = new_world()
    other.registry.delete_model(M)
    with other.database.reading() as session:
        assert session.get(ModelRow, M) is None


def test_a_model_with_an_open_run_stays(world: Any) -> None:
    from data_processor.runs.service import Runs  # noqa: PLC0415  # only this test opens a run

    run = Runs(world.database, "main").open(None, M, trigger="manual", reason="test", subject="ann")
    with pytest.raises(Conflict, match=run.id):
        world.registry.delete_model(M)
