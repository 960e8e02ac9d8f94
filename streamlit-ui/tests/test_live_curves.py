from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from canned_live import epoch, live
from streamlit_ui.live_curves import COLUMNS, MOST_OTHERS, POINTS, Kept, drawn, merged, rows, thinned


def answer(*numbers: int, count: int | None = None, **changes: Any) -> Any:
    epochs = [epoch(number, **changes) for number in numbers]
    return {"metric": "roc_auc", "epochs": epochs, "count": count or len(epochs), "thinned": False}


def numbers(kept: Kept) -> list[int]:
    return [one["epoch"] for one in kept.epochs]


def test_later_answers_are_added_and_nothing_is_there_twice() -> None:
    kept = merged(merged(Kept(), answer(1, 2, 3)), answer(3, 4, count=4))
    assert numbers(kept) == [1, 2, 3, 4]
    assert (kept.last, kept.count) == (4, 4)


def test_an_epoch_that_was_learnt_again_has_its_later_measurement() -> None:
    kept = merged(merged(Kept(), answer(1, loss=0.5, seq=9)), answer(1, loss=0.7, seq=20))
    assert kept.epochs[0]["training_loss"] == 0.7
    assert merged(kept, answer(1, loss=0.5, seq=9)).epochs[0]["training_loss"] == 0.7


def test_nothing_is_known_before_the_first_epoch() -> None:
    assert merged(Kept(), answer()).last == 0


def test_a_long_run_is_kept_within_bounds_and_as_dense_early_as_late() -> None:
    kept = Kept()
    for start in range(1, 10_001, 50):
        kept = merged(kept, answer(*range(start, start + 50), count=start + 49))
        assert len(kept.epochs) <= 2 * POINTS
    assert (kept.count, kept.last, numbers(kept)[0]) == (10_000, 10_000, 1)
    early = sum(number <= 2_500 for number in numbers(kept))
    late = sum(5_000 < number <= 7_500 for number in numbers(kept))
    assert 0.5 < early / late < 2


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=300),
    st.integers(4, 100),
)
def test_ends_and_extremes_are_never_thinned_away(losses: list[float | None], most: int) -> None:
    epochs: Any = [
        epoch(number, validation_loss=loss, training_loss=loss) for number, loss in enumerate(losses, 1)
    ]
    few = thinned(epochs, most)
    assert len(few) <= most
    assert (few[0], few[-1]) == (epochs[0], epochs[-1])
    known = [loss for loss in losses if loss is not None]
    shown = [one["validation_loss"] for one in few if one["validation_loss"] is not None]
    if known:
        assert (min(shown), max(shown)) == (min(known), max(known))


def test_changes_at_one_place_share_a_mark_that_says_all_of_them() -> None:
    base = {"seq": 1, "at": "2026-11-30T12:00:00Z", "row": 0}
    moved = {"learning_rate": {"from": 0.1, "to": 0.01}}
    run: Any = live(
        "live-1",
        changes=[
            {**base, "number": 1, "subject": "erin", "epoch": 4, "changes": moved},
            {**base, "number": 2, "subject": "uma", "epoch": 4, "changes": moved},
            {**base, "number": 3, "subject": "uma", "epoch": 4, "row": 80, "changes": moved},
        ],
    )
    marks = drawn(run, {}, [], log=False)["marks"]
    assert [(one["epoch"], one["label"]) for one in marks] == [(4, "1–2"), (4.5, "3")]
    assert "Change 2 by uma" in marks[0]["said"][2]
    assert marks[1]["said"][1] == "Learning rate 0.1 → 0.01"


def test_where_a_fork_left_and_where_it_diverged_is_marked() -> None:
    run: Any = live(
        "live-2",
        parent="live-1",
        parent_epoch=7,
        diverged={"epoch": 9, "reason": "Ten times.", "fork": {"epoch": 8, "learning_rate": 0.05}},
    )
    marks = drawn(run, {}, [], log=False)["marks"]
    assert [(one["epoch"], one["label"]) for one in marks] == [(7, "fork"), (9, "diverged")]
    assert marks[1]["said"] == ["Ten times."]


def test_each_run_has_a_colour_and_columns_and_gaps_stay_gaps() -> None:
    run: Any = live("live-1", metric="roc_auc")
    known = merged(Kept(), answer(1, 2, validation_loss=None, training_loss=0.123456789))
    found = drawn(run, {"live-1": known}, [("live-2", "live-2")], log=False)
    assert [one["name"] for one in found["runs"]] == ["This run (live-1)", "live-2"]
    assert found["runs"][0]["epoch"] == [1, 2]
    assert found["runs"][0]["validation_loss"] == [None, None]
    assert found["runs"][0]["training_loss"] == [0.12346, 0.12346]
    assert found["runs"][1]["epoch"] == []
    assert found["runs"][0]["colour"] != found["runs"][1]["colour"]


def test_a_metric_is_never_logarithmic() -> None:
    run: Any = live("live-1", metric="roc_auc")
    panels = drawn(run, {}, [], log=True)["panels"]
    assert {one["title"]: one["log"] for one in panels} == {
        "Loss": True,
        "ROC AUC": False,
        "Gradient norm": True,
        "Weight norm": True,
        "Learning rate": True,
    }


def test_a_panel_says_its_last_values_to_who_cannot_see_it() -> None:
    run: Any = live("live-1")
    known = merged(Kept(), answer(1, 2, loss=0.25))
    assert drawn(run, {"live-1": known}, [], log=False)["panels"][0]["said"] == (
        "training 0.25, validation 0.27 after epoch 2"
    )
    assert drawn(run, {}, [], log=False)["panels"][0]["said"] == "nothing measured yet"


def test_no_more_runs_are_drawn_than_there_are_colours() -> None:
    run: Any = live("live-1")
    others = [(f"other-{number}", str(number)) for number in range(MOST_OTHERS)]
    colours = [one["colour"] for one in drawn(run, {}, others, log=False)["runs"]]
    assert len(set(colours)) == len(others) + 1


def test_an_export_has_a_row_for_each_epoch() -> None:
    table = rows(answer(1, 2)["epochs"])
    assert [one["epoch"] for one in table] == [1, 2]
    assert tuple(table[0]) == COLUMNS
