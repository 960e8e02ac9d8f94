import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from data_processor.models.manifest import ONNX_FILE
from data_processor.service.errors import Conflict, NotFound, NotReady
from data_processor.serving.loading import LoadedModel, Loader
from data_processor.serving.metrics import ModelMetrics
from data_processor.serving.model_manager import ModelManager

M = "census-income"
Wait = Callable[..., None]


class Store:
    """An artefact store that has nothing."""

    def fetch(self, artefact_uri: str, name: str, target: Path) -> None:
        raise FileNotFoundError(f"{artefact_uri}/{name} for {target}")


@pytest.fixture
def open_manager() -> Iterator[Callable[[Any], ModelManager]]:
    opened: list[ModelManager] = []

    def make(world: Any) -> ModelManager:
        metrics = ModelMetrics(CollectorRegistry())
        opened.append(
            ModelManager(
                world.settings,
                world.registry,
                world.ledger,
                metrics,
                loader=Loader(world.settings, world.registry, world.predictions),
                loaded=world.loaded,
            )
        )
        return opened[-1]

    yield make
    for manager in opened:
        manager.close()


def version_of(manager: ModelManager) -> str | None:
    loaded = manager.find(M)
    return loaded.version if loaded else None


def break_files(world: Any, version: str) -> None:
    """Damage a version's local copy, and leave no place to fetch another from."""
    world.registry._store = Store()
    (world.settings.models_dir / M / version / ONNX_FILE).write_bytes(b"damaged")


def test_a_promotion_and_a_rollback_are_followed(
    serving_world: Any, open_manager: Callable[[Any], ModelManager], wait_until: Wait
) -> None:
    manager = open_manager(serving_world)
    manager.start()
    wait_until(lambda: version_of(manager) == "1")
    serving_world.promote("2")
    wait_until(lambda: version_of(manager) == "2")
    serving_world.ledger.rollback(M, "main", "ann", "worse")
    wait_until(lambda: version_of(manager) == "1")


def test_only_the_stacks_own_stage_is_served(
    serving_world: Any, new_world: Callable[..., Any], open_manager: Callable[[Any], ModelManager]
) -> None:
    staging = new_world(stage="staging")
    staging.ledger.promote(M, "main", "1", "ann", "another stage's business")
    manager = open_manager(staging)
    manager.poll()
    assert manager.missing() is None
    assert not manager._loading
    del serving_world


def test_a_version_that_fails_its_checks_is_kept_out(
    serving_world: Any, open_manager: Callable[[Any], ModelManager], wait_until: Wait
) -> None:
    manager = open_manager(serving_world)
    manager.start()
    wait_until(lambda: version_of(manager) == "1")
    break_files(serving_world, "2")
    serving_world.promote("2")
    wait_until(lambda: manager.failure(M) is not None)
    failure = manager.failure(M)
    assert failure is not None
    assert (failure.version, version_of(manager)) == ("2", "1")
    assert "FileNotFoundError" in failure.reason
    assert manager.missing() is None
    serving_world.ledger.rollback(M, "main", "ann", "broken")
    wait_until(lambda: manager.failure(M) is None)
    assert version_of(manager) == "1"


def test_a_failed_version_is_tried_again_after_a_pause(
    serving_world: Any, open_manager: Callable[[Any], ModelManager], wait_until: Wait, tiny_versions: Any
) -> None:
    break_files(serving_world, "1")
    manager = open_manager(serving_world)
    manager.start()
    wait_until(lambda: manager.failure(M) is not None)
    assert "is not served: loading it failed" in str(manager.missing())
    assert isinstance(manager.unavailable(M), NotReady)
    content = (tiny_versions["1"].folder / ONNX_FILE).read_bytes()
    (serving_world.settings.models_dir / M / "1" / ONNX_FILE).write_bytes(content)
    wait_until(lambda: version_of(manager) == "1")
    assert manager.failure(M) is None
    assert manager.missing() is None


def test_an_unreadable_ledger_stops_nothing(
    serving_world: Any, open_manager: Callable[[Any], ModelManager], wait_until: Wait, monkeypatch: Any
) -> None:
    manager = open_manager(serving_world)
    manager.start()
    wait_until(lambda: version_of(manager) == "1")
    with monkeypatch.context() as patched:
        patched.setattr(serving_world.ledger, "all_current", None)
        time.sleep(0.2)
        assert version_of(manager) == "1"
    serving_world.promote("2")
    wait_until(lambda: version_of(manager) == "2")


def test_readiness_waits_for_the_ledger_and_for_the_sample_model(
    new_world: Callable[..., Any], open_manager: Callable[[Any], ModelManager]
) -> None:
    manager = open_manager(new_world(sample_model=True))
    assert "not been read" in str(manager.missing())
    manager.poll()
    assert "sample model is being trained" in str(manager.missing())
    without = open_manager(new_world())
    without.poll()
    assert without.missing() is None


def test_a_rehearsed_version_is_swapped_in_without_loading_it_again(
    serving_world: Any, open_manager: Callable[[Any], ModelManager], wait_until: Wait
) -> None:
    manager = open_manager(serving_world)
    manager.rehearse(M, "2")
    break_files(serving_world, "2")
    serving_world.promote("2")
    manager.start()
    wait_until(lambda: version_of(manager) == "2")


def test_a_rehearsal_that_fails_is_a_conflict_and_one_of_nothing_is_not_found(
    serving_world: Any, open_manager: Callable[[Any], ModelManager]
) -> None:
    manager = open_manager(serving_world)
    break_files(serving_world, "2")
    with pytest.raises(Conflict, match=r"Version 2 .* cannot be served"):
        manager.rehearse(M, "2")
    with pytest.raises(NotFound):
        manager.rehearse(M, "9")


def test_a_rehearsal_without_a_promotion_is_let_go(
    serving_world: Any, open_manager: Callable[[Any], ModelManager]
) -> None:
    manager = open_manager(serving_world)
    manager.rehearse(M, "2")
    manager.poll()
    assert not manager._rehearsed


def test_pinned_versions_are_kept_up_to_the_limit(
    new_world: Callable[..., Any], open_manager: Callable[[Any], ModelManager]
) -> None:
    world = new_world(pinned_versions=1)
    manager = open_manager(world)
    two = manager.load_beside(M, "2").result()
    assert manager.load_beside(M, "2").result() is two
    assert manager.load_beside(M, "3").result().version == "3"
    assert list(manager._cache._held) == [(M, "3")]
    with pytest.raises(NotFound, match="no version '9'"):
        manager.load_beside(M, "9")


def test_pinning_can_be_switched_off(
    new_world: Callable[..., Any], open_manager: Callable[[Any], ModelManager], wait_until: Wait
) -> None:
    world = new_world(pinned_versions=0)
    world.promote("1")
    manager = open_manager(world)
    manager.poll()
    wait_until(lambda: version_of(manager) == "1")
    with pytest.raises(Conflict, match="PINNED_VERSIONS is 0"):
        manager.load_beside(M, "2")


def test_callers_who_pin_the_same_version_share_one_loading(
    serving_world: Any, open_manager: Callable[[Any], ModelManager], monkeypatch: Any
) -> None:
    manager = open_manager(serving_world)
    load = manager._loader.load
    loads: list[str] = []

    def counted(model: str, version: str) -> LoadedModel:
        loads.append(version)
        return load(model, version)

    monkeypatch.setattr(manager._loader, "load", counted)
    loadings = [manager.load_beside(M, "2") for _ in range(8)]
    assert len({id(loading.result()) for loading in loadings}) == 1
    assert loads == ["2"]


def test_a_pinned_version_that_cannot_be_loaded_is_tried_again(
    serving_world: Any, open_manager: Callable[[Any], ModelManager], tiny_versions: Any
) -> None:
    manager = open_manager(serving_world)
    break_files(serving_world, "2")
    with pytest.raises(NotReady, match="cannot be loaded"):
        manager.load_beside(M, "2").result()
    content = (tiny_versions["2"].folder / ONNX_FILE).read_bytes()
    (serving_world.settings.models_dir / M / "2" / ONNX_FILE).write_bytes(content)
    assert manager.load_beside(M, "2").result().version == "2"


def test_a_model_that_was_deleted_is_no_longer_served(
    serving_world: Any, open_manager: Callable[[Any], ModelManager], wait_until: Wait
) -> None:
    from sqlalchemy import delete  # noqa: PLC0415

    from data_processor.rows import ModelRow  # noqa: PLC0415

    manager = open_manager(serving_world)
    manager.start()
    wait_until(lambda: version_of(manager) == "1")
    with serving_world.database.transaction() as session:
        session.execute(delete(ModelRow))
    wait_until(lambda: version_of(manager) is None)
