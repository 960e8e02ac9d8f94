"""What people may ask of a live run, and the sentence that refuses the rest."""

from typing import Any

import pytest

from data_processor.rows import LiveRunRow, RunRow
from data_processor.runs.service import Runs
from data_processor.service.errors import Conflict, Invalid, NotFound


def errors(refused: pytest.ExceptionInfo[Invalid]) -> dict[str, str]:
    """Return the messages by the last part of their place."""
    return {str(one["loc"][-1]): one["message"] for one in refused.value.errors or ()}


def test_every_wrong_hyperparameter_is_named_with_its_range(desk: Any) -> None:
    with pytest.raises(Invalid) as refused:
        desk.start(hyperparameters={"learning_rate": 0, "batch_size": 1.5, "depth": 3})
    found = errors(refused)
    assert found["learning_rate"] == "0 is not possible; give a number from 1e-06 to 10"
    assert found["batch_size"] == "1.5 is not possible; give a whole number from 1 to 8192"
    assert found["depth"].startswith("Linear model has no hyperparameter 'depth'; it has learning_rate,")


def test_an_unknown_estimator_is_refused_with_those_there_are(desk: Any) -> None:
    with pytest.raises(Invalid) as refused:
        desk.start(estimator="random-forest")
    assert errors(refused)["estimator"] == (
        "'random-forest' does not learn epoch by epoch; choose one of sgd, mlp"
    )


def test_a_table_has_no_vectorizer(desk: Any) -> None:
    with pytest.raises(Invalid):
        desk.start(vectorizer="tf-idf")


def test_a_change_out_of_range_is_refused_before_it_is_kept(desk: Any) -> None:
    run = desk.start()
    with pytest.raises(Invalid) as refused:
        desk.runs.change(run, {"learning_rate": 11}, "eve")
    assert errors(refused) == {"learning_rate": "11 is not possible; give a number from 1e-06 to 10"}
    assert desk.views.read(run).pending == []


def test_what_a_network_is_made_of_is_fixed(desk: Any) -> None:
    run = desk.start(estimator="mlp")
    with pytest.raises(Invalid) as refused:
        desk.runs.change(run, {"hidden_units": 8}, "eve")
    assert errors(refused)["hidden_units"] == (
        "hidden_units is fixed while a run learns; start another live run with it"
    )


def test_adam_s_momentum_cannot_be_changed(desk: Any) -> None:
    run = desk.start(estimator="mlp")
    with pytest.raises(Invalid) as refused:
        desk.runs.change(run, {"momentum": 0.5}, "eve")
    assert "has no momentum" in errors(refused)["momentum"]


def test_nothing_to_change_is_no_change(desk: Any) -> None:
    run = desk.start()
    with pytest.raises(Invalid):
        desk.runs.change(run, {}, "eve")


def test_what_is_asked_is_shown_until_it_is_done(live: Any) -> None:
    run = live.start()
    live.runs.change(run, {"learning_rate": 0.3}, "mallory")
    (waiting,) = live.views.read(run).pending
    assert (waiting.subject, waiting.changes) == ("mallory", {"learning_rate": 0.3})
    live.carry_out(run)
    assert live.views.read(run).pending == []


def test_an_ended_run_takes_nothing_more(desk: Any) -> None:
    run = desk.learnt(1)
    with pytest.raises(Conflict, match="has ended; fork it"):
        desk.runs.change(run, {"learning_rate": 0.3}, "eve")
    with pytest.raises(Conflict, match="has ended; fork it"):
        desk.runs.tell(run, "pause", "eve")


def test_what_is_asked_of_a_run_that_ends_first_is_refused_in_its_events(live: Any) -> None:
    run = live.start(epochs=1)
    live.runs.change(run, {"learning_rate": 0.3}, "mallory")
    live.shop.runs.cancel(run, "eve")
    live.shop.carry_out(run)
    (event,) = live.events(run, "hyperparameters")
    assert (event["state"], event["message"]) == ("refused", "The run ended before.")
    assert live.views.read(run).pending == []


def test_only_live_runs_are_steered(desk: Any) -> None:
    training = (
        Runs(desk.database, "main").open(None, desk.model, trigger="manual", reason="", subject="eve").id
    )
    with pytest.raises(Conflict, match="is a run of kind 'training', and no live run"):
        desk.runs.tell(training, "pause", "eve")
    with pytest.raises(NotFound):
        desk.runs.tell("none", "pause", "eve")


def test_a_run_that_has_not_begun_cannot_be_forked_or_kept(desk: Any) -> None:
    run = desk.start()
    with pytest.raises(Conflict, match="not begun to learn yet"):
        desk.fork(run)
    with pytest.raises(Conflict, match="not begun to learn yet"):
        desk.runs.keep(run, None, "eve")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"epoch": 9}, "epoch"),
        ({"change": 1}, "change"),
        ({"epoch": 1, "change": 1}, "change"),
        ({"epoch": 2, "epochs": 2}, "epochs"),
        ({"hyperparameters": {"learning_rate": 99}}, "learning_rate"),
        ({"replay": True, "hyperparameters": {"learning_rate": 0.1}}, "hyperparameters"),
    ],
)
def test_a_fork_that_cannot_be_names_the_field(desk: Any, asked: dict[str, Any], field: str) -> None:
    run = desk.learnt(2)
    with pytest.raises(Invalid) as refused:
        desk.fork(run, **asked)
    assert set(errors(refused)) == {field}


def test_an_epoch_that_was_not_learnt_cannot_be_kept(desk: Any) -> None:
    run = desk.learnt(2)
    with pytest.raises(Invalid) as refused:
        desk.runs.keep(run, 3, "eve")
    assert errors(refused) == {"epoch": f"run {run} has the epochs 0 to 2"}


def test_a_replay_is_not_steered(desk: Any) -> None:
    run = desk.fork(desk.learnt(2), replay=True)
    with pytest.raises(Conflict, match="repeats another one"):
        desk.runs.change(run, {"learning_rate": 0.3}, "eve")


def test_a_refused_request_leaves_no_run(desk: Any) -> None:
    with pytest.raises(Invalid):
        desk.start(hyperparameters={"learning_rate": -1})
    assert desk.rows(RunRow) == []
    assert desk.rows(LiveRunRow) == []


def test_an_epoch_at_which_it_diverged_is_neither_forked_nor_kept(desk: Any) -> None:
    found = {"epoch": 3, "reason": "It diverged in epoch 3.", "fork": {"epoch": 2, "learning_rate": 0.1}}
    run = desk.learnt(3, best_epoch=2, diverged=found)
    with pytest.raises(Invalid) as fork:
        desk.fork(run, epoch=3)
    with pytest.raises(Invalid) as keep:
        desk.runs.keep(run, 3, "eve")
    for refused in (fork, keep):
        assert errors(refused) == {"epoch": f"run {run} has the epochs 0 to 2; then it diverged"}
    desk.fork(run, epoch=2)


def test_a_fork_of_a_fork_may_begin_where_that_began_between_two_epochs(desk: Any) -> None:
    first = desk.learnt(3)
    begun = {"parent_epoch": 1, "parent_row": 64, "parent_change": 1}
    fork = desk.fork(first, epoch=1)
    desk.leave(fork, epoch=1, row=64, best_epoch=None, **begun)
    again = desk.fork(fork)
    rows = {one.run: one for one in desk.rows(LiveRunRow)}
    assert (rows[again].parent, rows[again].parent_epoch, rows[again].parent_row) == (fork, 1, 64)
    with pytest.raises(Invalid) as refused:
        desk.runs.keep(fork, 1, "eve")
    assert errors(refused)["epoch"].endswith(f"earlier ones are those of run {first}")


def test_a_model_that_was_made_anew_has_no_part_in_runs_of_the_former_one(desk: Any) -> None:
    run = desk.learnt(2)
    desk.make_model()
    with pytest.raises(Conflict, match="belongs to a model 'm' that was deleted since"):
        desk.fork(run)
    with pytest.raises(Conflict, match="belongs to a model 'm' that was deleted since"):
        desk.runs.keep(run, None, "eve")


def test_a_replay_of_a_run_that_has_learnt_no_whole_epoch_is_one_epoch_long(desk: Any) -> None:
    replay = desk.fork(desk.learnt(0), replay=True)
    assert desk.views.read(replay).epochs == 1


def test_a_whole_number_is_kept_as_one(desk: Any) -> None:
    run = desk.start()
    desk.runs.change(run, {"batch_size": 64.0}, "eve")
    (waiting,) = desk.views.read(run).pending
    assert repr(waiting.changes) == "{'batch_size': 64}"
