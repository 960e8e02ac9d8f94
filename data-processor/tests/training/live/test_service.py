"""What people may ask of a live run, and the sentence that refuses the rest."""

from typing import Any

import pytest

from data_processor.rows import LiveRunRow, RunRow
from data_processor.service.errors import Conflict, Invalid, NotFound


def errors(refused: pytest.ExceptionInfo[Invalid]) -> dict[str, str]:
    """Return the messages by the last part of their place."""
    return {str(one["loc"][-1]): one["message"] for one in refused.value.errors or ()}


def test_every_wrong_hyperparameter_is_named_with_its_range(live: Any) -> None:
    with pytest.raises(Invalid) as refused:
        live.start(hyperparameters={"learning_rate": 0, "batch_size": 1.5, "depth": 3})
    found = errors(refused)
    assert found["learning_rate"] == "0 is not possible; give a number from 1e-06 to 10"
    assert found["batch_size"] == "1.5 is not possible; give a whole number from 1 to 8192"
    assert found["depth"].startswith("Linear model has no hyperparameter 'depth'; it has learning_rate,")


def test_an_unknown_estimator_is_refused_with_those_there_are(live: Any) -> None:
    with pytest.raises(Invalid) as refused:
        live.start(estimator="random-forest")
    assert errors(refused)["estimator"] == (
        "'random-forest' does not learn epoch by epoch; choose one of sgd, mlp"
    )


def test_a_table_has_no_vectorizer(live: Any) -> None:
    with pytest.raises(Invalid):
        live.start(vectorizer="tf-idf")


def test_a_change_out_of_range_is_refused_before_it_is_kept(live: Any) -> None:
    run = live.start()
    with pytest.raises(Invalid) as refused:
        live.runs.change(run, {"learning_rate": 11}, "eve")
    assert errors(refused) == {"learning_rate": "11 is not possible; give a number from 1e-06 to 10"}
    assert live.views.read(run).pending == []


def test_what_a_network_is_made_of_is_fixed(live: Any) -> None:
    run = live.start(estimator="mlp")
    with pytest.raises(Invalid) as refused:
        live.runs.change(run, {"hidden_units": 8}, "eve")
    assert errors(refused)["hidden_units"] == (
        "hidden_units is fixed while a run learns; start another live run with it"
    )


def test_adam_s_momentum_cannot_be_changed(live: Any) -> None:
    run = live.start(estimator="mlp")
    with pytest.raises(Invalid) as refused:
        live.runs.change(run, {"momentum": 0.5}, "eve")
    assert "has no momentum" in errors(refused)["momentum"]


def test_nothing_to_change_is_no_change(live: Any) -> None:
    run = live.start()
    with pytest.raises(Invalid):
        live.runs.change(run, {}, "eve")


def test_what_is_asked_is_shown_until_it_is_done(live: Any) -> None:
    run = live.start()
    live.runs.change(run, {"learning_rate": 0.3}, "mallory")
    (waiting,) = live.views.read(run).pending
    assert (waiting.subject, waiting.changes) == ("mallory", {"learning_rate": 0.3})
    live.carry_out(run)
    assert live.views.read(run).pending == []


def test_an_ended_run_takes_nothing_more(live: Any) -> None:
    run = live.learnt(epochs=1).id
    with pytest.raises(Conflict, match="has ended; fork it"):
        live.runs.change(run, {"learning_rate": 0.3}, "eve")
    with pytest.raises(Conflict, match="has ended; fork it"):
        live.runs.tell(run, "pause", "eve")


def test_what_is_asked_of_a_run_that_ends_first_is_refused_in_its_events(live: Any) -> None:
    run = live.start(epochs=1)
    live.runs.change(run, {"learning_rate": 0.3}, "mallory")
    live.shop.runs.cancel(run, "eve")
    live.shop.carry_out(run)
    (event,) = live.events(run, "hyperparameters")
    assert (event["state"], event["message"]) == ("refused", "The run ended before.")
    assert live.views.read(run).pending == []


def test_only_live_runs_are_steered(live: Any) -> None:
    training = live.shop.open_run()
    with pytest.raises(Conflict, match="is a run of kind 'training', and no live run"):
        live.runs.tell(training, "pause", "eve")
    with pytest.raises(NotFound):
        live.runs.tell("none", "pause", "eve")


def test_a_run_that_has_not_begun_cannot_be_forked_or_kept(live: Any) -> None:
    run = live.start()
    with pytest.raises(Conflict, match="not begun to learn yet"):
        live.fork(run)
    with pytest.raises(Conflict, match="not begun to learn yet"):
        live.runs.keep(run, None, "eve")


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
def test_a_fork_that_cannot_be_names_the_field(live: Any, asked: dict[str, Any], field: str) -> None:
    run = live.learnt(epochs=2).id
    with pytest.raises(Invalid) as refused:
        live.fork(run, **asked)
    assert set(errors(refused)) == {field}


def test_an_epoch_that_was_not_learnt_cannot_be_kept(live: Any) -> None:
    run = live.learnt(epochs=2).id
    with pytest.raises(Invalid) as refused:
        live.runs.keep(run, 3, "eve")
    assert errors(refused) == {"epoch": f"run {run} has the epochs 0 to 2"}


def test_a_replay_is_not_steered(live: Any) -> None:
    run = live.fork(live.learnt(epochs=2).id, replay=True)
    with pytest.raises(Conflict, match="repeats another one"):
        live.runs.change(run, {"learning_rate": 0.3}, "eve")


def test_a_refused_request_leaves_no_run(live: Any) -> None:
    with pytest.raises(Invalid):
        live.start(hyperparameters={"learning_rate": -1})
    assert live.shop.rows(RunRow) == []
    assert live.shop.rows(LiveRunRow) == []
