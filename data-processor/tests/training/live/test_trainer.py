"""A live run learns, is steered, ends, and can be repeated and left for another."""

from typing import Any

import pytest

from data_processor.service.errors import Conflict

CHANGES = {"learning_rate": 0.02, "batch_size": 64}


def test_it_learns_as_many_epochs_as_were_asked_for(live: Any) -> None:
    found = live.learnt(epochs=5)
    assert (found.state, found.epoch, found.metric) == ("ended", 5, "log_loss")
    epochs = live.views.curves(found.id, 500, 0).epochs
    assert [one.epoch for one in epochs] == [1, 2, 3, 4, 5]
    assert epochs[-1].training_loss < epochs[0].training_loss
    assert found.best is not None
    assert found.best.value == min(one.validation_metric for one in epochs)


@pytest.mark.parametrize("estimator", ["sgd", "mlp"])
def test_a_replay_comes_to_the_same_weights(live: Any, estimator: str) -> None:
    run = live.start(epochs=4, estimator=estimator, paused=True)
    with live.learning(run):
        live.step(run, 2)
        live.runs.change(run, CHANGES, "mallory")
        live.step(run, 1)
    again = live.fork(run, replay=True)
    live.carry_out(again)
    result = live.shop.runs.result(again)["live"]
    assert result["replay"]["same"] is True
    assert live.weights(again) == live.weights(run)
    assert [one.changes for one in live.views.read(again).changes] == [
        one.changes for one in live.views.read(run).changes
    ]


def test_what_is_changed_counts_from_then_on(live: Any) -> None:
    run = live.start(epochs=2)
    live.runs.change(run, {"learning_rate": 0.5}, "mallory")
    live.carry_out(run)
    found = live.views.read(run)
    assert found.hyperparameters["learning_rate"] == 0.5
    (change,) = found.changes
    assert (change.subject, change.changes) == ("mallory", {"learning_rate": {"from": 0.01, "to": 0.5}})
    (event,) = live.events(run, "hyperparameters")
    assert (event["state"], event["number"], event["seq"]) == ("applied", 1, change.seq)
    assert {one["learning_rate"] for one in live.events(run, "metric")} == {0.5}


def test_a_fork_goes_on_from_where_the_other_was(live: Any) -> None:
    first = live.learnt(epochs=4)
    fork = live.fork(first.id, epoch=2, epochs=4)
    live.carry_out(fork)
    assert live.weights(fork) == live.weights(first.id)
    assert [one["epoch"] for one in live.events(fork, "metric")] == [3, 4]


def test_a_fork_before_a_change_learns_without_it(live: Any) -> None:
    run = live.start(epochs=3)
    live.runs.change(run, {"learning_rate": 1.0}, "mallory")
    live.carry_out(run)
    fork = live.fork(run, change=1, epochs=3)
    live.carry_out(fork)
    plain = live.learnt(epochs=3)
    assert live.weights(fork) == live.weights(plain.id) != live.weights(run)


def test_a_fork_may_learn_otherwise(live: Any) -> None:
    first = live.learnt(epochs=3)
    fork = live.fork(first.id, epoch=1, hyperparameters={"learning_rate": 0.3}, epochs=3)
    live.carry_out(fork)
    assert live.weights(fork) != live.weights(first.id)
    tree = live.views.branches(fork)
    assert {one.id: one.parent for one in tree.runs} == {first.id: None, fork: first.id}
    best = [one.best.value for one in tree.runs if one.best]
    assert best == sorted(best)


def test_a_diverged_run_pauses_and_offers_a_fork_at_half_the_rate(live: Any) -> None:
    run = live.start(epochs=20, paused=True)
    with live.learning(run):
        live.step(run)
        live.runs.change(run, {"learning_rate": 10.0}, "mallory")
        live.runs.tell(run, "resume", "mallory")
        found = live.wait_for(run, lambda one: one.diverged is not None)
        with pytest.raises(Conflict, match="diverged in epoch"):
            live.runs.tell(run, "resume", "eve")
    assert found.state == "paused"
    offered = found.diverged.fork
    assert offered.epoch < found.diverged.epoch
    assert offered.learning_rate == 5.0
    calmer = {"learning_rate": 0.01}
    fork = live.fork(run, epoch=offered.epoch, hyperparameters=calmer, epochs=offered.epoch + 2)
    live.carry_out(fork)
    assert live.views.read(fork).diverged is None


def test_people_pause_and_stop_it(live: Any) -> None:
    run = live.start(epochs=100_000)
    with live.learning(run):
        live.wait_for(run, lambda one: one.epoch > 0)
        live.runs.tell(run, "pause", "mallory")
        found = live.wait_for(run, lambda one: one.state == "paused")
        assert found.why == "mallory paused it."
        assert found.paused_until is not None
    ended = live.views.read(run)
    assert (ended.state, ended.why, ended.status) == ("ended", "eve stopped it.", "succeeded")


def test_early_stopping_ends_it(live: Any) -> None:
    found = live.learnt(epochs=1000, hyperparameters={"learning_rate": 1.0, "patience": 2})
    assert found.epoch < 1000
    assert found.why == "Early stopping: the last 2 epochs were no better."


def test_a_kept_epoch_goes_to_the_gate(live: Any) -> None:
    first = live.learnt(epochs=6, hyperparameters={"learning_rate": 0.02})
    run = live.runs.keep(first.id, None, "eve").id
    row = live.carry_out(run)
    assert (row.version, row.gate["verdict"]) == ("1", "promote")
    assert row.gate["live"]["run"] == first.id
    assert row.leaderboard[0]["candidate"]["estimator"] == "sgd"
    assert live.views.read(first.id).kept_by == [run]
    manifest = live.shop.registry.manifest(live.shop.model, "1")
    assert manifest.engine == "onnx"
