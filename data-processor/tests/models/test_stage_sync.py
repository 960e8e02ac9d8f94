"""Versions that cross between two stages; MLflow and the other stage are what the test says they are."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from data_processor.adapters.mlflow_aliases import Known, Mirrored
from data_processor.adapters.mlflow_connection import MlflowRefusedError, MlflowUnreachableError
from data_processor.models.exchange import Exchange
from data_processor.models.ledger import Ledger
from data_processor.models.stage_sync import StageSync
from data_processor.rows import VersionRow
from data_processor.service.errors import Conflict

M = "census-income"
KEY = "the-key-of-both-stages"
World = Any


@dataclass
class Aliases:
    """What MLflow knows of versions."""

    known: dict[str, dict[str, str]] = field(default_factory=dict)
    away: bool = False
    present: str | None = None
    """What staging serves; none: the newest."""
    signed: int = 0
    refused: str | None = None
    """The version that MLflow lets nobody tag."""

    def read(self, model: str, stage: str) -> Mirrored | None:
        del model
        assert stage == "staging"
        present = self.present or max(self.known)
        return Mirrored(present, self.known[present].get("loopkeeper.staging.served"))

    def sign(self, model: str, version: str, stage: str, entry: str | None, signature: str) -> None:
        if version == self.refused:
            answer = httpx.Response(403, text="PERMISSION_DENIED")
            raise MlflowRefusedError(f"to tag version {version} of {model!r}", answer)
        self.signed += 1
        told = {f"loopkeeper.{stage}.signature": signature}
        self.known[version] |= told if entry is None else told | {f"loopkeeper.{stage}.served": entry}

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
        Exchange(world.settings.stage, KEY),
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


def test_what_mlflow_refuses_of_one_version_does_not_keep_the_others_waiting(
    main: World, capsys: pytest.CaptureFixture[str]
) -> None:
    known = {"1": served_by_staging("a"), "2": served_by_staging("b")}
    aliases = Aliases(known, present="2", refused="1")
    stage_sync(main, aliases).sync()
    assert main.ledger.current(M, "main").version == "2"
    said = capsys.readouterr().out
    assert "stage_sync_refused" in said
    assert "MLflow refused to tag version 1" in said


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


def test_a_version_that_failed_is_tried_again_once_the_other_stage_says_something_else_of_it(
    main: World,
) -> None:
    aliases, asked = Aliases({"1": served_by_staging("a")}), []

    def take_in(_model: str, known: Known) -> str | None:
        asked.append(known.version)
        return None if "loopkeeper.staging.signature" in known.tags else "Stage 'staging' has not signed it."

    exchange = Exchange("main", KEY)
    sync = StageSync(exchange, main.registry, main.ledger, aliases, take_in).sync  # type: ignore[arg-type]  # as above
    sync()
    sync()
    assert (asked, main.ledger.current(M, "main")) == (["1"], None)
    aliases.sign(M, "1", "staging", "a", "a signature")
    sync()
    assert main.ledger.current(M, "main").version == "1"


def test_a_stage_signs_what_it_says_of_its_own_versions_once(staging: World) -> None:
    aliases = Aliases({"1": {}, "2": {}, "99": {}})
    sync = stage_sync(staging, aliases).sync
    sync()
    sync()
    assert aliases.signed == 2
    assert aliases.known["99"] == {}
    exchange = Exchange("main", KEY)
    manifest = staging.registry.version(M, "1").manifest
    assert exchange.problem(Known("1", "", aliases.known["1"]), manifest) is None


def test_a_stage_says_which_ledger_entry_served_a_version(staging: World) -> None:
    aliases = Aliases({"1": {}})
    sync = stage_sync(staging, aliases).sync
    sync()
    staging.promote("1")
    sync()
    assert aliases.known["1"]["loopkeeper.staging.served"] == staging.ledger.current(M, "staging").id
    manifest = staging.registry.version(M, "1").manifest
    assert Exchange("main", KEY).problem(Known("1", "", aliases.known["1"]), manifest) is None


def test_what_somebody_wrote_in_its_name_is_written_over(staging: World) -> None:
    staging.promote("1")
    forged = {"loopkeeper.staging.served": "forged", "loopkeeper.staging.signature": "v1.forged.00"}
    aliases = Aliases({"1": dict(forged)})
    stage_sync(staging, aliases).sync()
    assert not forged.items() & aliases.known["1"].items()


def test_a_stage_does_not_vouch_for_a_version_that_it_would_not_load(staging: World) -> None:
    with staging.database.transaction() as session:
        session.get(VersionRow, (M, "1")).signature = None
    aliases = Aliases({"1": {}})
    stage_sync(staging, aliases).sync()
    assert aliases.known == {"1": {}}


def test_an_alias_that_follows_another_entry_does_not_say_that_staging_serves_it(main: World) -> None:
    class Moved(Aliases):
        def read(self, model: str, stage: str) -> Mirrored | None:
            found = super().read(model, stage)
            return found and Mirrored(found.version, "an older entry")

    stage_sync(main, Moved({"1": served_by_staging("a")})).sync()
    assert main.ledger.has_served(M, "staging", "1")
    assert main.ledger.current(M, "main") is None


def test_mlflow_being_away_is_not_an_error(main: World) -> None:
    stage_sync(main, Aliases(away=True)).sync()
    assert main.ledger.current(M, "main") is None
