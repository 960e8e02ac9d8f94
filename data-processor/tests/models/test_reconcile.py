from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from data_processor.adapters.mlflow_aliases import Mirrored
from data_processor.adapters.mlflow_connection import MlflowUnreachableError
from data_processor.models.reconcile import Reconciler
from data_processor.models.refusals import Refusals, alias_counter
from data_processor.rows import VersionRow

M = "census-income"
World = Any


@dataclass
class Aliases:
    """MLflow's aliases in memory; `away` is a server that does not answer."""

    versions: dict[str, str] = field(default_factory=dict)
    entries: dict[str, str] = field(default_factory=dict)
    away: bool = False
    moves: int = 0

    def read(self, model: str, stage: str) -> Mirrored | None:
        del model
        self._answer()
        return Mirrored(self.versions.get(stage), self.entries.get(stage))

    def follow(self, model: str, stage: str, version: str, entry: str) -> None:
        del model
        self._answer()
        self.versions[stage], self.entries[stage] = version, entry
        self.moves += 1

    def _answer(self) -> None:
        if self.away:
            raise MlflowUnreachableError("http://mlflow", "connection refused")


@pytest.fixture
def aliases() -> Aliases:
    return Aliases()


def reconciler(
    world: World, aliases: Aliases, problem: str | None = None, *, shared: bool = False
) -> Reconciler:
    def check(_model: str, _version: str) -> str | None:
        return problem

    refusals = Refusals(world.database, "main")
    return Reconciler("main", world.ledger, aliases, check, refusals, shared=shared)  # type: ignore[arg-type]  # an in-memory stand-in


def refusals_of(world: World) -> list[tuple[str, int, str]]:
    return [(row.version, row.times, row.reason) for row in Refusals(world.database, "main").of(M)]


def set_receipt(world: World, version: str, receipt: dict[str, Any] | None) -> None:
    with world.database.transaction() as session:
        row = session.get(VersionRow, (M, version))
        row.manifest = {**row.manifest, "receipt": receipt}


def versions_served(world: World) -> list[tuple[str, str]]:
    return [(entry.kind, entry.version) for entry in reversed(world.ledger.entries(M))]


def test_the_alias_follows_the_ledger(serving_world: World, aliases: Aliases) -> None:
    mirror = reconciler(serving_world, aliases)
    assert mirror.mirror(M)
    assert aliases.versions == {"main": "1"}
    serving_world.promote("2")
    mirror.reconcile()
    assert aliases.versions == {"main": "2"}
    assert aliases.entries == {"main": serving_world.ledger.current(M, "main").id}


def test_nothing_is_moved_when_both_say_the_same(serving_world: World, aliases: Aliases) -> None:
    mirror = reconciler(serving_world, aliases)
    mirror.reconcile()
    mirror.reconcile()
    assert aliases.moves == 1


def test_a_model_that_serves_nothing_has_no_alias(world: World, aliases: Aliases) -> None:
    mirror = reconciler(world, aliases)
    mirror.reconcile()
    assert mirror.mirror(M)
    assert aliases.versions == {}


def test_an_alias_moved_by_hand_is_adopted_with_an_entry_that_says_so(
    serving_world: World, aliases: Aliases
) -> None:
    mirror = reconciler(serving_world, aliases)
    mirror.reconcile()
    aliases.versions["main"] = "2"
    mirror.reconcile()
    assert versions_served(serving_world) == [("promotion", "1"), ("adoption", "2")]
    assert "by hand" in serving_world.ledger.entries(M)[0].reason
    assert aliases.versions == {"main": "2"}
    assert aliases.entries == {"main": serving_world.ledger.current(M, "main").id}


@pytest.mark.parametrize("version", ["2", "99"])
def test_an_alias_moved_to_a_version_that_fails_the_checks_is_moved_back(
    serving_world: World, aliases: Aliases, version: str
) -> None:
    mirror = reconciler(serving_world, aliases, "Its files are not what its manifest says.")
    mirror.reconcile()
    aliases.versions["main"] = version
    mirror.reconcile()
    assert versions_served(serving_world) == [("promotion", "1")]
    assert aliases.versions == {"main": "1"}
    assert [found for found, _, _ in refusals_of(serving_world)] == [version]


@pytest.mark.parametrize(
    ("receipt", "reason"),
    [
        (None, "it has passed no gate"),
        ({"verdict": "hold"}, "its gate said 'hold'"),
        ({"verdict": "reject"}, "its gate said 'reject'"),
    ],
)
def test_an_alias_moved_to_a_version_without_a_receipt_is_moved_back_and_the_reason_is_kept(
    serving_world: World, aliases: Aliases, receipt: dict[str, Any] | None, reason: str
) -> None:
    set_receipt(serving_world, "2", receipt)
    counted = CollectorRegistry()
    refusals = Refusals(serving_world.database, "main", alias_counter(counted))
    mirror = Reconciler("main", serving_world.ledger, aliases, lambda *_: None, refusals)  # type: ignore[arg-type]  # as above
    mirror.reconcile()
    for _ in range(2):
        aliases.versions["main"] = "2"
        mirror.reconcile()
    assert versions_served(serving_world) == [("promotion", "1")]
    assert aliases.versions == {"main": "1"}
    [(version, times, said)] = refusals_of(serving_world)
    assert (version, times) == ("2", 2)
    assert "from version 1 to 2, and is moved back: Version 2" in said
    assert reason in said
    assert counted.get_sample_value("loopkeeper_alias_refusals_total", {"model": M}) == 2


def test_a_version_that_is_barred_is_not_adopted(serving_world: World, aliases: Aliases) -> None:
    serving_world.promote("2")
    serving_world.ledger.rollback(M, "main", "loopkeeper", "It is worse.", bar="It was worse.")
    mirror = reconciler(serving_world, aliases)
    mirror.reconcile()
    aliases.versions["main"] = "2"
    mirror.reconcile()
    assert aliases.versions == {"main": "1"}
    assert "barred from automatic promotion" in refusals_of(serving_world)[0][2]


def test_where_a_maintainer_decides_an_alias_can_only_return_to_what_was_served(
    serving_world: World, aliases: Aliases
) -> None:
    serving_world.promote("2")
    serving_world.registry.change_policy(M, {"auto_promote": False})
    mirror = reconciler(serving_world, aliases)
    mirror.reconcile()
    for version in ("3", "1"):
        aliases.versions["main"] = version
        mirror.reconcile()
    assert versions_served(serving_world)[-1] == ("adoption", "1")
    [(version, _, said)] = refusals_of(serving_world)
    assert version == "3"
    assert "leaves promotions to a maintainer" in said


def test_an_alias_that_another_stage_may_have_moved_is_never_adopted(
    serving_world: World, aliases: Aliases
) -> None:
    mirror = reconciler(serving_world, aliases, shared=True)
    mirror.reconcile()
    aliases.versions["main"] = "2"
    mirror.reconcile()
    assert versions_served(serving_world) == [("promotion", "1")]
    assert aliases.versions == {"main": "1"}
    assert "two stages share this MLflow" in refusals_of(serving_world)[0][2]


def test_an_alias_that_lags_behind_is_not_taken_for_one_moved_by_hand(
    serving_world: World, aliases: Aliases
) -> None:
    mirror = reconciler(serving_world, aliases)
    mirror.reconcile()
    serving_world.promote("2")
    aliases.versions["main"] = "3"  # and somebody moved it as well
    mirror.reconcile()
    assert versions_served(serving_world) == [("promotion", "1"), ("promotion", "2")]
    assert aliases.versions == {"main": "2"}


def test_an_alias_of_an_earlier_life_is_not_taken_for_one_moved_by_hand(
    serving_world: World, aliases: Aliases
) -> None:
    aliases.versions["main"], aliases.entries["main"] = "2", "an entry of a ledger that was thrown away"
    reconciler(serving_world, aliases).reconcile()
    assert versions_served(serving_world) == [("promotion", "1")]
    assert aliases.versions == {"main": "1"}


def test_an_alias_that_was_deleted_comes_back(serving_world: World, aliases: Aliases) -> None:
    mirror = reconciler(serving_world, aliases)
    mirror.reconcile()
    del aliases.versions["main"]
    mirror.reconcile()
    assert aliases.versions == {"main": "1"}


def test_a_promotion_during_the_checks_wins_over_the_adoption(serving_world: World, aliases: Aliases) -> None:
    def check(_model: str, _version: str) -> None:
        serving_world.promote("3")

    refusals = Refusals(serving_world.database, "main")
    mirror = Reconciler("main", serving_world.ledger, aliases, check, refusals)  # type: ignore[arg-type]  # as above
    mirror.reconcile()
    aliases.versions["main"] = "2"
    mirror.reconcile()
    mirror.reconcile()
    assert versions_served(serving_world) == [("promotion", "1"), ("promotion", "3")]
    assert aliases.versions == {"main": "3"}


def test_mlflow_being_away_hurts_nobody_and_is_repaired_after(serving_world: World, aliases: Aliases) -> None:
    mirror = reconciler(serving_world, aliases)
    aliases.away = True
    mirror.reconcile()
    assert not mirror.mirror(M)
    aliases.away = False
    mirror.reconcile()
    assert aliases.versions == {"main": "1"}


def test_reconciling_a_rejected_alias_again_does_not_grow_the_ledger(
    serving_world: World, aliases: Aliases
) -> None:
    mirror = reconciler(serving_world, aliases, "It does not load.")
    mirror.reconcile()
    for _ in range(3):
        aliases.versions["main"] = "2"
        mirror.reconcile()
    assert len(versions_served(serving_world)) == 1
