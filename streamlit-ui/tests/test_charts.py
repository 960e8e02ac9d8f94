from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import canned
from streamlit_ui import charts

POINTS: Any = canned.history()


def spec(chart: Any) -> dict[str, Any]:
    drawn: dict[str, Any] = chart.to_dict()
    return drawn


def rows(chart: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return list(chart["datasets"].values())


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 1), min_size=1, max_size=30))
def test_any_probabilities_can_be_drawn(shares: dict[str, float]) -> None:
    ((*bars,),) = rows(spec(charts.probabilities(shares, max(shares, key=lambda name: shares[name]))))
    assert len(bars) <= 8
    assert [bar["share"] for bar in bars] == sorted((bar["share"] for bar in bars), reverse=True)


def test_the_score_is_drawn_with_interval_threshold_and_marks() -> None:
    happened = charts.marks(POINTS, [canned.promotion(2), canned.promotion(3, kind="rollback")])  # type: ignore[list-item]  # canned
    assert [mark["kind"] for mark in happened] == ["Run started", "Promotion", "Rollback"]
    drawn = spec(charts.score_over_time(POINTS, 0.8, happened))
    marks = [layer["mark"]["type"] for layer in drawn["layer"]]
    assert marks == ["area", "line", "circle", "rule", "rule", "point"]
    assert {len(found) for found in rows(drawn)} == {60, 1, 3}


def test_points_without_a_value_are_left_out() -> None:
    points: Any = [{**POINTS[0], "value": None, "low": None, "high": None}, *POINTS[1:3]]
    drawn = spec(charts.score_over_time(points, None, []))
    assert [len(found) for found in rows(drawn)] == [2]


def test_without_the_ledger_a_change_of_version_is_marked() -> None:
    happened = charts.marks(POINTS, None)
    assert [mark["kind"] for mark in happened] == ["Run started", "Version changed"]
    assert happened[1]["said"] == "Version 2 took over."


def test_minutes_do_not_repeat_themselves_on_the_time_axis() -> None:
    """A short course has its ticks at half minutes; in UTC, as everything on the pages."""
    axis = spec(charts.score_over_time(POINTS, 0.8, []))["layer"][0]["encoding"]["x"]["axis"]
    assert axis["labelExpr"].startswith("utcseconds(datum.value) ? utcFormat(datum.value, '%H:%M:%S')")
