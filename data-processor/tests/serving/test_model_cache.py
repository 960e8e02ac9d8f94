import gc
import os
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
import pytest
from prometheus_client import CollectorRegistry

from data_processor.models.artefact import describe
from data_processor.models.manifest import ONNX_FILE
from data_processor.models.signatures import Signer
from data_processor.service.errors import Conflict, NotFound
from data_processor.serving.loading import Loader
from data_processor.serving.metrics import ModelMetrics
from data_processor.serving.model_manager import ModelManager

M = "census-income"
Wait = Callable[..., None]
MB = 1024 * 1024
WEIGHT_MB = 200


@pytest.fixture
def open_manager() -> Iterator[Callable[[Any], ModelManager]]:
    """Open what a serving process has; two of them on one world are two processes."""
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
        opened[-1].start()
        return opened[-1]

    yield make
    for manager in opened:
        manager.close()


def serves(manager: ModelManager, version: str) -> bool:
    loaded = manager.find(M)
    return loaded is not None and loaded.version == version


def holds(manager: ModelManager, version: str) -> bool:
    return manager._cache.find(M, version) is not None


def test_a_loaded_version_is_held_by_every_process_and_by_those_that_start_later(
    serving_world: Any, open_manager: Callable[[Any], ModelManager], wait_until: Wait
) -> None:
    first, second = open_manager(serving_world), open_manager(serving_world)
    first.load(M, "2", "eve")
    assert holds(first, "2")
    wait_until(lambda: holds(second, "2"))
    third = open_manager(serving_world)
    wait_until(lambda: holds(third, "2"))
    second.unload(M, "2", "eve")
    assert not holds(second, "2")
    wait_until(lambda: not holds(first, "2") and not holds(third, "2"))


def test_a_loaded_version_is_not_evicted_by_what_callers_ask_for(
    new_world: Callable[..., Any], open_manager: Callable[[Any], ModelManager], wait_until: Wait
) -> None:
    world = new_world(pinned_versions=2)
    manager = open_manager(world)
    manager.load(M, "1", "eve")
    manager.load_beside(M, "2").result()
    manager.load_beside(M, "3").result()
    assert (holds(manager, "1"), holds(manager, "2"), holds(manager, "3")) == (True, False, True)
    manager.load(M, "2", "eve")
    wait_until(lambda: not holds(manager, "3"))
    with pytest.raises(Conflict, match=r"Version 3 .* keeps version 1 of .*, version 2 of .* all 2 places"):
        manager.load_beside(M, "3")
    with pytest.raises(Conflict, match="All 2 places"):
        manager.load(M, "3", "eve")
    manager.unload(M, "1", "eve")
    assert manager.load_beside(M, "3").result().version == "3"


def test_the_stages_own_version_is_held_once_and_stays_when_the_stage_moves(
    serving_world: Any, open_manager: Callable[[Any], ModelManager], wait_until: Wait
) -> None:
    manager = open_manager(serving_world)
    wait_until(lambda: serves(manager, "1"))
    own = manager.find(M)
    manager.load(M, "1", "eve")
    manager.poll()
    assert not holds(manager, "1")
    serving_world.promote("2")
    wait_until(lambda: serves(manager, "2"))
    wait_until(lambda: manager._cache.find(M, "1") is own)
    serving_world.ledger.rollback(M, "main", "ann", "worse")
    wait_until(lambda: serves(manager, "1") and not holds(manager, "1"))


def test_a_change_of_the_policy_reaches_versions_beside_the_stages_own(
    serving_world: Any, open_manager: Callable[[Any], ModelManager], wait_until: Wait
) -> None:
    manager = open_manager(serving_world)
    manager.load(M, "2", "eve")
    before = manager._cache.find(M, "2")
    serving_world.registry.change_policy(M, {"ask_rate": 0.5})
    wait_until(lambda: (found := manager._cache.find(M, "2")) is not None and found.policy.ask_rate == 0.5)
    after = manager._cache.find(M, "2")
    assert before is not None
    assert after is not None
    assert after.engine is before.engine


def test_a_version_that_cannot_be_loaded_takes_no_place(
    serving_world: Any, open_manager: Callable[[Any], ModelManager]
) -> None:
    (serving_world.settings.models_dir / M / "2" / ONNX_FILE).write_bytes(b"damaged")
    serving_world.registry._store = None
    manager = open_manager(serving_world)
    with pytest.raises(Conflict, match=r"Version 2 .* cannot be served"):
        manager.load(M, "2", "eve")
    with pytest.raises(NotFound):
        manager.load(M, "9", "eve")
    assert serving_world.loaded.all() == frozenset()


def test_a_deleted_version_is_let_go(
    serving_world: Any, open_manager: Callable[[Any], ModelManager], wait_until: Wait
) -> None:
    manager = open_manager(serving_world)
    manager.load(M, "2", "eve")
    manager.load_beside(M, "3").result()
    assert set(serving_world.registry.delete_unused_versions(M)) == {"2", "3"}
    wait_until(lambda: not manager._cache._held)


def test_memory_comes_back_when_a_version_is_unloaded(
    serving_world: Any, open_manager: Callable[[Any], ModelManager], wait_until: Wait
) -> None:
    make_heavy(serving_world, "2")
    manager = open_manager(serving_world)
    wait_until(lambda: serves(manager, "1"))
    process = psutil.Process(os.getpid())

    def resident() -> float:
        return process.memory_info().rss / MB

    def cycle() -> tuple[float, float]:
        before = resident()
        manager.load(M, "2", "eve")
        gained = resident() - before
        held = manager._cache.find(M, "2")
        assert held is not None
        engine = weakref.ref(held.engine)
        del held
        manager.unload(M, "2", "eve")
        wait_until(lambda: engine() is None and resident() - before < 0.1 * WEIGHT_MB)
        return gained, resident() - before

    cycle()  # the first loading also brings in what every later one finds there
    gained, left = cycle()
    assert gained > 0.9 * WEIGHT_MB
    assert left < 0.1 * WEIGHT_MB
    gc.collect()


def make_heavy(world: Any, version: str) -> None:
    """Let a version's compiled model carry weights of a known size, as a large forest or network would."""
    row = world.registry.version(M, version)
    path = Path(row.artefact_uri) / ONNX_FILE
    model = onnx.load(path)
    weights = np.random.default_rng(1).random(WEIGHT_MB * MB // 4, np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weights, "weights"))
    model.graph.node.append(onnx.helper.make_node("ReduceSum", ["weights"], ["weight"], keepdims=0))
    model.graph.output.append(onnx.helper.make_tensor_value_info("weight", onnx.TensorProto.FLOAT, []))
    folder = world.settings.state_dir / "heavy"
    folder.mkdir()
    onnx.save(model, folder / ONNX_FILE)
    replace(world, version, folder)


def replace(world: Any, version: str, folder: Path) -> None:
    from sqlalchemy import update  # noqa: PLC0415

    from data_processor.rows import VersionRow  # noqa: PLC0415

    row = world.registry.version(M, version)
    for name in row.manifest["artefacts"]:
        if not (folder / name).exists():
            (folder / name).write_bytes((Path(row.artefact_uri) / name).read_bytes())
    artefacts = {name: describe(folder / name).model_dump() for name in row.manifest["artefacts"]}
    manifest = {**row.manifest, "artefacts": artefacts}
    signature = Signer.of(world.settings).sign(manifest)
    values = {"manifest": manifest, "artefact_uri": str(folder), "signature": signature}
    with world.database.transaction() as session:
        mine = (VersionRow.model == M) & (VersionRow.version == version)
        session.execute(update(VersionRow).where(mine).values(**values))
    world.registry._manifests.pop((M, version), None)
