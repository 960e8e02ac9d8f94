"""Versions of before there were signatures, and those that a person signs."""

from typing import Any

import pytest
from pydantic import SecretStr

from data_processor.models.signatures import Signer
from data_processor.models.signing import problems, sign_again, sign_by_hand, sign_known
from data_processor.rows import PromotionRow, RunRow, VersionRow

M = "census-income"
World = Any


def forget_signatures(world: World, *versions: str) -> None:
    """Leave the records as code without signatures does."""
    with world.database.transaction() as session:
        for version in versions:
            session.get(VersionRow, (M, version)).signature = None


def add_run(world: World, version: str, of: str | None = None) -> None:
    """Record the training run that registered a version, or says that it registered another."""
    with world.database.transaction() as session:
        session.add(
            RunRow(
                id=f"run-{version}",
                kind="training",
                model=M,
                stage="main",
                trigger="manual",
                reason="",
                subject="ann",
                status="succeeded",
                version=of or version,
            )
        )


def refused(world: World) -> set[str]:
    return {version for _, version in problems(world.database, Signer.of(world.settings))}


def test_the_first_start_signs_what_the_records_vouch_for(world: World) -> None:
    world.promote("1")
    add_run(world, "2")
    forget_signatures(world, "1", "2", "3")
    assert sign_known(world.database, Signer.of(world.settings)) == [(M, "1"), (M, "2")]
    assert refused(world) == {"3"}
    assert world.registry.directory(M, "1").is_dir()


def test_what_is_only_known_from_an_alias_that_was_moved_is_not_signed(world: World) -> None:
    world.promote("1")
    with world.database.transaction() as session:
        session.add(
            PromotionRow(
                id="a", model=M, stage="main", seq=2, version="3", kind="adoption", subject="x", reason=""
            )
        )
    forget_signatures(world, "1", "2", "3")
    sign_known(world.database, Signer.of(world.settings))
    assert refused(world) == {"2", "3"}


def test_a_later_start_does_not_sign_what_was_promoted_without_a_signature(world: World) -> None:
    world.promote("1")
    forget_signatures(world, "1")
    assert sign_known(world.database, Signer.of(world.settings)) == []
    assert refused(world) == {"1"}


def test_what_a_worker_with_the_code_of_before_registers_during_an_upgrade_is_signed(world: World) -> None:
    add_run(world, "2")
    forget_signatures(world, "2", "3")
    assert sign_known(world.database, Signer.of(world.settings)) == [(M, "2")]


def test_a_run_that_registered_another_version_vouches_for_nothing(world: World) -> None:
    add_run(world, "2", of="7")
    forget_signatures(world, "2")
    assert sign_known(world.database, Signer.of(world.settings)) == []


def test_a_person_can_sign_what_nobody_else_vouches_for(world: World) -> None:
    signer = Signer("the-key-after-the-old-one-was-lost")
    assert len(problems(world.database, signer)) == 3
    sign_again(world.database, signer, [(M, "1"), (M, "2"), (M, "was deleted meanwhile")])
    assert {version for _, version in problems(world.database, signer)} == {"3"}


def test_a_lost_key_is_replaced_by_a_person_who_is_asked(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = world.settings.model_copy(update={"signing_key": SecretStr("the-key-after-it")})
    sign_by_hand(changed, lambda: False)
    said = capsys.readouterr().out
    assert said.count("signed with another key than SIGNING_KEY") == 3
    assert said.endswith("Nothing was signed.\n")
    assert len(problems(world.database, Signer.of(changed))) == 3
    sign_by_hand(changed, lambda: True)
    assert "Signed 3 of stage 'main'" in capsys.readouterr().out
    sign_by_hand(changed, lambda: True)
    assert capsys.readouterr().out == "Every version of stage 'main' has a valid signature.\n"
