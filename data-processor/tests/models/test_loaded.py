from typing import Any

import pytest

from data_processor.models.loaded import LoadedVersions
from data_processor.service.errors import Conflict, NotFound

M = "census-income"


@pytest.fixture
def two(world: Any) -> LoadedVersions:
    return LoadedVersions(world.database, "main", 2)


def test_kept_versions_are_known_to_whoever_reads_the_database(two: LoadedVersions, world: Any) -> None:
    two.keep(M, "1", "eve")
    two.keep(M, "1", "eve")
    assert two.all() == world.loaded.all() == {(M, "1")}
    assert two.of(M) == {"1"}
    assert two.of("another") == frozenset()


def test_a_place_that_is_let_go_is_free_again(two: LoadedVersions) -> None:
    two.keep(M, "1", "eve")
    two.keep(M, "2", "eve")
    with pytest.raises(Conflict, match=r"All 2 places .* by version 1 of .*, version 2 of .* Unload one"):
        two.keep(M, "3", "eve")
    with pytest.raises(Conflict):
        two.require_place(M, "3")
    two.require_place(M, "2")
    two.let_go(M, "1")
    two.let_go(M, "1")
    two.keep(M, "3", "eve")
    assert two.of(M) == {"2", "3"}


def test_two_processes_cannot_take_the_last_place(two: LoadedVersions, world: Any, monkeypatch: Any) -> None:
    two.keep(M, "1", "eve")
    rows = two._rows
    seen: list[list[Any]] = []

    def late(session: Any) -> list[Any]:
        seen.append(rows(session) if seen else [])  # at first it sees what was before the other's commit
        return seen[-1]

    monkeypatch.setattr(two, "_rows", late)
    two.keep(M, "2", "eve")
    assert len(seen) == 2
    assert world.loaded.of(M) == {"1", "2"}


def test_another_stage_keeps_its_own(two: LoadedVersions, world: Any) -> None:
    staging = LoadedVersions(world.database, "staging", 1)
    staging.keep(M, "2", "eve")
    assert two.all() == frozenset()


def test_what_does_not_exist_cannot_be_kept_and_what_is_deleted_is_not(
    two: LoadedVersions, world: Any
) -> None:
    with pytest.raises(NotFound, match="no version '9'"):
        two.keep(M, "9", "eve")
    two.keep(M, "2", "eve")
    world.registry.delete_version(M, "2")
    assert two.all() == frozenset()


def test_without_places_nothing_is_kept(world: Any) -> None:
    with pytest.raises(Conflict, match="PINNED_VERSIONS is 0"):
        LoadedVersions(world.database, "main", 0).keep(M, "1", "eve")
