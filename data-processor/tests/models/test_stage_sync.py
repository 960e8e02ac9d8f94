"""Versions that cross between two stages; MLflow and the other stage are what the test says they are."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from data_processor.adapters.mlflow_aliases import Known, Mirrored
from data_processor.adapters.mlflow_connection import MlflowUnreachableError
from data_processor.models.ledger import Ledger
from data_processor.models.stage_sync import StageSync
from data_processor.service.errors import Conflict

M = "census-income"
World = Any


@dataclass
class Aliases:
    """What MLflow knows of versions."""

    known: dict[str, dict[str, str]] = field(default_factory=dict)
    away: bool = False
    present: str | None = None
    """What staging serves; none: the newest."""

    def read(self, model: str, stage: str) -> Mirrored | None:
        del model
        assert stage == "staging"
        return Mirrored(self.present or max(self.known), None)

    def models(self) -> list[str]:
        if self.away:
            raise MlflowUnreachableError("http://mlflow", "connection refused")
        return [M]

    def versions(self, model: str) -> list[Known]:
        del model
        return [Known(version, f"mlflow-artifacts:/{version}", tags) for version, tags in self.known.items()]


def stage_sync(world: World, aliases: Aliases, problem: str | None = None) -> StageSync:
    def take_in(_model: str, _known: Known) -> str | None:
        return problem

    return StageSync(
        world.settings.stage,
        world.registry,
        world.ledger,
        aliases,  # type: ignore[arg-type]  # an in-memory stand-in
        take_in,
    )


def served_by_staging(entry: str) -> dict[str, str]:
    return {"loopkeeper.staging.served": entry}


@pytest.fixture
def main(new_world: Any) -> World:
    made = new_world(stage="main", staging_required=True)
    made.ledger = Ledger(made.database, staging_required=True)
    return made


@pytest.fixture
def staging(new_world: Any) -> World:
    return new_world(stage="staging")


def test_main_imports_what_staging_served(main: World) -> None:
    stage_sync(main, Aliases({"1": served_by_staging("entry-1")})).sync()
    entry = main.ledger.current(M, "main")
    assert (entry.version, entry.subject) == ("1", "loopkeeper")
    assert main.ledger.has_served(M, "staging", "1")


def test_main_leaves_to_people_what_staging_serves_no_longer(main: World) -> None:
    known = {"1": served_by_staging("a"), "2": served_by_staging("b")}
    stage_sync(main, Aliases(known, present="1")).sync()
    assert main.ledger.current(M, "main").version == "1"
    assert main.ledger.promote(M, "main", "2", "ann", "It was not so bad.").version == "2"


def test_main_refuses_what_staging_has_not_served(main: World) -> None:
    stage_sync(main, Aliases({"1": {"loopkeeper.verdict": "promote"}})).sync()
    assert main.ledger.current(M, "main") is None
    with pytest.raises(Conflict, match="has not been served in staging yet"):
        main.ledger.promote(M, "main", "1", "ann", "I want it.")


def test_a_policy_may_leave_it_to_a_maintainer(main: World) -> None:
    main.registry.change_policy(M, {"auto_promote": False})
    stage_sync(main, Aliases({"1": served_by_staging("entry-1")})).sync()
    assert main.ledger.current(M, "main") is None
    assert main.ledger.promote(M, "main", "1", "ann", "It did well in staging.").version == "1"


def test_a_version_is_imported_once(main: World) -> None:
    aliases = Aliases({"1": served_by_staging("a")})
    sync = stage_sync(main, aliases).sync
    sync()
    aliases.known["3"] = served_by_staging("b")
    sync()
    assert main.ledger.current(M, "main").version == "3"
    main.ledger.rollback(M, "main", "ann", "It is worse.")
    sync()
    assert main.ledger.current(M, "main").version == "1"


def test_an_older_version_does_not_replace_a_newer(main: World) -> None:
    main.ledger.promote(M, "main", "3", "ann", "First.", override=True)
    stage_sync(main, Aliases({"1": served_by_staging("a")})).sync()
    assert main.ledger.current(M, "main").version == "3"


def test_staging_imports_what_main_trained_and_its_gate_passed(staging: World) -> None:
    trained = {"loopkeeper.stage": "main"}
    aliases = Aliases(
        {
            "1": trained | {"loopkeeper.verdict": "promote"},
            "2": trained | {"loopkeeper.verdict": "hold"},
            "3": {"loopkeeper.stage": "staging", "loopkeeper.verdict": "promote"},
        }
    )
    stage_sync(staging, aliases).sync()
    assert [entry.version for entry in staging.ledger.entries(M)] == ["1"]


def test_a_version_that_fails_its_checks_is_tried_once(main: World) -> None:
    aliases = Aliases({"1": served_by_staging("a")})
    sync = stage_sync(main, aliases, problem="model.onnx does not have its SHA-256.").sync
    sync()
    sync()
    assert main.ledger.current(M, "main") is None
    assert not main.ledger.has_served(M, "staging", "1")


def test_mlflow_being_away_is_not_an_error(main: World) -> None:
    stage_sync(main, Aliases(away=True)).sync()
    assert main.ledger.current(M, "main") is None
