from typing import Any

import pytest

from canned_training import EVALUATION
from streamlit_ui import charts, evaluation_charts

VERSIONS: Any = EVALUATION["versions"]


def rows(chart: Any) -> list[dict[str, Any]]:
    drawn = chart.to_dict()
    return max(drawn["datasets"].values(), key=len)


@pytest.mark.parametrize("name", evaluation_charts.CURVES)
def test_each_curve_has_a_line_for_each_version(name: Any) -> None:
    drawn = rows(evaluation_charts.curve(VERSIONS, ">50K", name))
    assert {row["version"] for row in drawn} == {"Version 1", "Version 2"}
    assert [row["place"] for row in drawn if row["version"] == "Version 1"] == [0, 1, 2]


def test_a_class_without_curves_draws_none() -> None:
    assert evaluation_charts.curve(VERSIONS, "nobody", "precision_recall").to_dict()


def test_mistakes_are_counted_and_shared_by_the_true_class() -> None:
    drawn = rows(evaluation_charts.confusion([[30, 10], [0, 0]], ["no", "yes"]))
    assert [(row["true"], row["answered"], row["rows"], row["share"]) for row in drawn] == [
        ("no", "no", 30, 0.75),
        ("no", "yes", 10, 0.25),
        ("yes", "no", 0, 0.0),
        ("yes", "yes", 0, 0.0),
    ]


def test_classes_are_drawn_most_frequent_first_with_their_share() -> None:
    drawn = rows(charts.classes({"b": 10, "a": 30}))
    assert [(row["name"], row["shown"]) for row in drawn] == [("a", "30 (75 %)"), ("b", "10 (25 %)")]
