import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from data_processor.datasets.census import sample_rows
from data_processor.models.policy import Policy
from data_processor.models.reconcile import Reconciler
from data_processor.models.refusals import Refusals
from data_processor.predictions.records import predictions
from data_processor.rows import FeedbackRow, ModelRow, VersionRow, WatchRow
from data_processor.training.promotion_watch import Watching

M = "census-income"
World = Any


class NoAliases:
    """An MLflow that knows nothing."""

    def read(self, _model: str, _stage: str) -> None:
        return None


@pytest.fixture
def watched(world: World) -> World:
    """A stage whose version 2 took the place of version 1, and is watched."""
    world.promote("1")
    world.promote("2")
    return world


@pytest.fixture
def watching(watched: World) -> Watching:
    refusals = Refusals(watched.database, "main")
    reconciler = Reconciler("main", watched.ledger, NoAliases(), lambda _m, _v: None, refusals)  # type: ignore[arg-type]
    return Watching(watched.settings, watched.database, watched.ledger, reconciler)


def rate(
    world: World,
    amount: int,
    *,
    right: bool,
    labelled: bool = True,
    start: int = 0,
    raters: Sequence[str] = ("eve",),
    trusted: bool = True,
    pinned: bool = False,
) -> None:
    """Record answers of version 2, all right or all wrong, and what people said of them."""
    rows = sample_rows(start + amount, seed=3)[start:]
    other = {"<=50K": ">50K", ">50K": "<=50K"}
    with world.predictions.engine.begin() as connection, world.database.transaction() as session:
        for number, row in enumerate(rows, start):
            label = row["label"] if right else other[row["label"]]
            connection.execute(insert(predictions).values(recorded_of(number, row["inputs"], label)))
            session.add(
                FeedbackRow(
                    prediction=f"p{number:04d}",
                    model=M,
                    stage="main",
                    version="2",
                    pinned=pinned,
                    asked=False,
                    subject=raters[number % len(raters)],
                    correct=right,
                    label=row["label"] if labelled else None,
                    value=None,
                    comment=None,
                    trusted=trusted,
                )
            )


def recorded_of(number: int, inputs: dict[str, Any], label: str) -> dict[str, Any]:
    return {
        "id": f"p{number:04d}",
        "model": M,
        "version": "2",
        "stage": "main",
        "pinned": False,
        "asked": False,
        "subject": "ann",
        "at_us": number,
        "inputs": json.dumps(inputs),
        "output": json.dumps({"label": label}),
        "flags": "[]",
        "latency_ms": 1.0,
        "trace_id": "0" * 32,
    }


def the_watch(world: World) -> WatchRow:
    with world.database.reading() as session:
        found: WatchRow = session.scalars(select(WatchRow).where(WatchRow.version == "2")).one()
        return found


def a_check(conclusion: str, size: int = 50) -> dict[str, Any]:
    return {"n": size, "conclusion": conclusion, "reason": "The test says so."}


def test_a_check_is_due_when_enough_is_labelled(watched: World, watching: Watching) -> None:
    rate(watched, 49, right=True)
    assert watching.due() == []
    rate(watched, 1, right=True, start=49)
    assert watching.due() == [(the_watch(watched).promotion, 50)]


def test_feedback_without_a_label_makes_no_check_due(watched: World, watching: Watching) -> None:
    rate(watched, 60, right=True, labelled=False)
    assert watching.due() == []


def test_a_check_that_was_made_is_not_due_again(watched: World, watching: Watching) -> None:
    rate(watched, 60, right=True)
    watching.conclude(the_watch(watched).promotion, a_check("continue"))
    assert watching.due() == []
    assert the_watch(watched).state == "open"


def test_a_version_that_answers_worse_than_its_predecessor_would_is_rolled_back(
    watched: World, watching: Watching
) -> None:
    rate(watched, 50, right=False)
    [(promotion, size)] = watching.due()
    check = watching.replay(promotion, size)
    assert (check["n"], check["version_only"], check["both_right"]) == (50, 0, 0)
    assert check["conclusion"] == "roll_back"
    watching.conclude(promotion, check)
    entry = watched.ledger.current(M, "main")
    assert (entry.kind, entry.version, entry.subject) == ("rollback", "1", "loopkeeper")
    assert entry.reason == check["reason"]
    watch = the_watch(watched)
    assert (watch.state, [taken["n"] for taken in watch.looks]) == ("rolled_back", [50])
    with watched.database.reading() as session:
        assert session.get(VersionRow, (M, "2")).barred.startswith("Rolled back")


@pytest.mark.usefixtures("tasks")
def test_a_user_alone_returns_no_stage_to_the_predecessor(watched: World, watching: Watching) -> None:
    rate(watched, 50, right=False, raters=["mallory"], trusted=False)
    [(promotion, size)] = watching.due()
    check = watching.replay(promotion, size)
    watching.conclude(promotion, check)
    assert (check["conclusion"], the_watch(watched).state) == ("alert", "alerted")
    assert "not without the 50 inputs that raters who are not trusted" in check["reason"]
    assert watched.ledger.current(M, "main").version == "2"


@pytest.mark.usefixtures("tasks")
def test_a_flood_of_lies_is_watched_no_longer_than_the_share_of_one_rater(
    watched: World, watching: Watching
) -> None:
    honest = [f"honest-{number}" for number in range(9)]
    rate(watched, 300, right=False, raters=["mallory"], trusted=False)
    rate(watched, 45, right=True, raters=honest, trusted=False, start=300)
    [(promotion, size)] = watching.due()
    check = watching.replay(promotion, size)
    assert (check["n"], check["conclusion"]) == (50, "continue")
    assert check["version_only"] + check["both_right"] >= 39


@pytest.mark.usefixtures("tasks")
def test_many_users_return_a_stage_to_the_predecessor(watched: World, watching: Watching) -> None:
    rate(watched, 50, right=False, raters=[f"honest-{number}" for number in range(9)], trusted=False)
    [(promotion, size)] = watching.due()
    assert watching.replay(promotion, size)["conclusion"] == "roll_back"


def test_pinned_predictions_are_not_watched(watched: World, watching: Watching) -> None:
    rate(watched, 60, right=False, pinned=True)
    assert watching.due() == []


@pytest.mark.usefixtures("tasks")
def test_a_version_that_answers_rightly_stays(watched: World, watching: Watching) -> None:
    rate(watched, 50, right=True)
    [(promotion, size)] = watching.due()
    check = watching.replay(promotion, size)
    assert check["conclusion"] == "continue"
    watching.conclude(promotion, check)
    assert watched.ledger.current(M, "main").version == "2"


def test_a_check_that_is_repeated_acts_once(watched: World, watching: Watching) -> None:
    promotion = the_watch(watched).promotion
    for _ in range(2):
        watching.conclude(promotion, a_check("roll_back"))
    assert [entry.kind for entry in watched.ledger.entries(M)] == ["rollback", "promotion", "promotion"]
    assert len(the_watch(watched).looks) == 1


def test_the_last_look_ends_the_watch(watched: World, watching: Watching) -> None:
    rate(watched, 60, right=True)
    watching.conclude(the_watch(watched).promotion, a_check("passed", 400))
    assert the_watch(watched).state == "passed"
    assert watching.due() == []


@pytest.mark.usefixtures("tasks")
def test_too_many_answers_without_a_label_only_alert(watched: World, watching: Watching) -> None:
    rate(watched, 50, right=False)
    rate(watched, 30, right=False, labelled=False, start=50)
    [(promotion, size)] = watching.due()
    check = watching.replay(promotion, size)
    assert check["conclusion"] == "alert"
    watching.conclude(promotion, check)
    assert the_watch(watched).state == "alerted"
    assert watched.ledger.current(M, "main").version == "2"


def test_a_stage_that_moved_meanwhile_is_left_alone(watched: World, watching: Watching) -> None:
    promotion = the_watch(watched).promotion
    watched.promote("3")
    watching.conclude(promotion, a_check("roll_back"))
    assert watched.ledger.current(M, "main").version == "3"
    assert the_watch(watched).state == "superseded"


@pytest.mark.usefixtures("tasks")
def test_a_model_with_other_looks_is_looked_at_by_them(watched: World, watching: Watching) -> None:
    policy = Policy(watch_looks=(10, 20)).model_dump(mode="json")
    with watched.database.transaction() as session:
        session.execute(update(ModelRow).values(policy=policy))
    rate(watched, 25, right=True)
    promotion = the_watch(watched).promotion
    assert watching.due() == [(promotion, 10)]
    watching.conclude(promotion, watching.replay(promotion, 10))
    assert watching.due() == [(promotion, 20)]
    assert watching.replay(promotion, 20)["conclusion"] == "passed"


def test_a_comparison_that_is_not_possible_is_left_to_people(watched: World, watching: Watching) -> None:
    promotion = the_watch(watched).promotion
    watching.conclude(promotion, watching.give_up(50, RuntimeError("No files.")))
    watch = the_watch(watched)
    assert watch.state == "alerted"
    assert "No files." in watch.looks[0]["reason"]
