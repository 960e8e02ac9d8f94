from typing import Any

from canned_live import live
from streamlit_ui import live_points


def changed(number: int, epoch: int, row: int = 0, **moves: tuple[Any, Any]) -> dict[str, Any]:
    moved = {name: {"from": before, "to": after} for name, (before, after) in moves.items()}
    place = {"epoch": epoch, "row": row, "seq": number, "at": "2026-11-30T12:00:00Z", "subject": "erin"}
    return {"number": number, "changes": moved, **place}


RUN: Any = live(
    "live-1",
    hyperparameters={"learning_rate": 0.001, "alpha": 0.5},
    changes=[
        changed(1, 10, learning_rate=(0.1, 0.01)),
        changed(2, 10, row=300, alpha=(0.0001, 0.5)),
        changed(3, 20, learning_rate=(0.01, 0.001)),
    ],
)


def test_just_before_a_change_everything_from_it_on_is_undone() -> None:
    assert live_points.before(RUN, RUN["changes"][1]) == {"learning_rate": 0.01, "alpha": 0.0001}
    assert live_points.before(RUN, RUN["changes"][0]) == {"learning_rate": 0.1, "alpha": 0.0001}


def test_after_an_epoch_what_was_changed_at_its_end_is_undone_too() -> None:
    assert live_points.after(RUN, 10) == {"learning_rate": 0.1, "alpha": 0.0001}
    assert live_points.after(RUN, 11) == {"learning_rate": 0.01, "alpha": 0.5}
    assert live_points.after(RUN, 21) == RUN["hyperparameters"]


def test_the_best_epoch_is_the_last_one_while_none_is_known() -> None:
    early: Any = live("live-1", epoch=7)
    late: Any = live("live-1", epoch=7, best={"epoch": 3, "value": 0.9})
    assert live_points.best_epoch(early) == 7
    assert live_points.best_epoch(late) == 3


def test_a_fork_begins_where_it_left_the_other_run() -> None:
    one: Any = live("live-1", parent="live-0", parent_epoch=4)
    assert live_points.first_epoch(one) == 4
    assert live_points.first_epoch(RUN) == 0


def test_a_tree_is_read_from_its_root_each_run_before_its_forks() -> None:
    def branch(name: str, parent: str | None, at: str) -> Any:
        return {"id": name, "parent": parent, "created_at": at}

    runs = [branch("c", "a", "3"), branch("d", "b", "4"), branch("b", "a", "2"), branch("a", None, "1")]
    read = [(depth, one["id"]) for depth, one in live_points.tree(runs)]
    assert read == [(0, "a"), (1, "b"), (2, "d"), (1, "c")]


def test_a_tree_whose_root_is_not_in_it_is_read_all_the_same() -> None:
    orphan: Any = {"id": "b", "parent": "gone", "created_at": "1"}
    assert live_points.tree([orphan]) == [(0, orphan)]
