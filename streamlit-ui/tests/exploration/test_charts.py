from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import canned_profile
from streamlit_ui.exploration import association_charts, column_charts, text_charts

PROFILE: Any = canned_profile.PROFILE
REGRESSION: Any = canned_profile.REGRESSION
CLASSES = PROFILE["classes"]
[TEXT] = PROFILE["texts"]


def column(profile: Any, name: str) -> Any:
    return next(found for found in profile["columns"] if found["name"] == name)


def data(chart: Any) -> list[dict[str, Any]]:
    (rows,) = chart.to_dict()["datasets"].values()
    return list(rows)


@pytest.mark.parametrize("name", ["age", "city", "since"])
def test_the_pieces_of_a_bar_are_its_rows(name: str) -> None:
    found = column(PROFILE, name)
    rows = data(column_charts.distribution(found, CLASSES))
    assert sum(row["rows"] for row in rows) == sum(found["distribution"]["counts"])
    for label in {row["label"] for row in rows}:
        pieces = [row for row in rows if row["label"] == label]
        assert [row["rows_from"] for row in pieces[1:]] == [row["rows_to"] for row in pieces[:-1]]


def test_shares_are_of_the_rows_whose_class_is_known() -> None:
    chart = column_charts.target_by(column(PROFILE, "city"), CLASSES, "mood")
    bern = [row for row in data(chart) if row["label"] == "Bern"]
    assert [(row["class"], row["shown"]) for row in bern] == [("calm", "50.0 %"), ("angry", "50.0 %")]
    assert bern[-1]["share_to"] == 1


def test_rows_of_no_shown_class_have_a_piece_of_their_own() -> None:
    rows = data(column_charts.distribution(column(PROFILE, "age"), CLASSES))
    assert [row["rows"] for row in rows if row["class"] == column_charts.OTHER] == [5]


@pytest.mark.parametrize(
    ("name", "labels"),
    [("age", ["17", "18", "19"]), ("city", ["Bern", "<b>Rom</b>"]), ("since", ["2026-01", "2026-02"])],
)
def test_each_bar_says_what_it_stands_for(name: str, labels: list[str]) -> None:
    bars = column_charts.places(column(PROFILE, name)["distribution"])
    assert [bar["label"] for bar in bars] == labels


@pytest.mark.parametrize("name", ["age", "city", "since"])
def test_a_mean_is_drawn_with_its_interval(name: str) -> None:
    chart = column_charts.target_by(column(REGRESSION, name), [], "rent")
    first = data(chart)[0]
    assert (first["mean"], first["from"], first["to"]) == (10.0, pytest.approx(9.02), pytest.approx(10.98))
    assert len(data(chart)) == 2


def test_what_nothing_is_known_of_is_not_drawn() -> None:
    assert column_charts.target_by(column(PROFILE, "said"), CLASSES, "mood") is None
    assert association_charts.strengths(REGRESSION["columns"]) is None
    assert association_charts.association_map(REGRESSION["associations"]) is None


def test_the_strongest_column_comes_first() -> None:
    rows = data(association_charts.strengths(PROFILE["columns"]))
    assert [row["column"] for row in rows] == ["city", "age", "since"]
    assert [row["shown"] for row in rows] == ["0.62", "0.31", "0.00"]


def test_the_map_shows_each_pair_twice_and_one_measure_of_two_numbers() -> None:
    rows = data(association_charts.association_map(PROFILE["associations"], "pearson"))
    assert len(rows) == 6
    [dates] = [row for row in rows if (row["first"], row["second"]) == ("age", "since")]
    assert (dates["value"], dates["shown"]) == (-0.4, "\N{MINUS SIGN}0.40")


def test_lengths_are_shares_of_each_groups_texts() -> None:
    rows = data(text_charts.lengths(TEXT, TEXT["groups"], CLASSES))
    assert [row["share"] for row in rows[:3]] == [0.2, 0.6, 0.2]
    assert rows[0]["label"] == "1 to 10"


def test_parts_of_speech_are_in_the_order_of_their_shares() -> None:
    chart = text_charts.parts_of_speech(TEXT["groups"], CLASSES)
    assert chart is not None
    assert chart.to_dict()["encoding"]["y"]["sort"] == ["noun", "verb", "adjective"]
    unnamed: Any = [{**TEXT["groups"][0], "parts_of_speech": {}}]
    assert text_charts.parts_of_speech(unnamed, CLASSES) is None


def test_a_cloud_keeps_each_word_where_it_was_placed() -> None:
    rows = data(text_charts.cloud(TEXT["groups"][1]["cloud"], "#000000"))
    assert [(row["word"], row["x"], row["y"]) for row in rows] == [("lovely", 20, 240), ("time", 30, 120)]


def test_phrases_say_how_often_they_are_elsewhere() -> None:
    rows = data(text_charts.phrases(TEXT["groups"][1]["phrases"][0], 50, "#000000"))
    assert (rows[0]["words"], rows[0]["share"], rows[0]["elsewhere"]) == ("lovely", "60.0 %", "10.0 %")
    assert rows[0]["often"] == 120


@settings(max_examples=20)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=8, unique=True), st.data())
def test_any_values_and_classes_can_be_drawn(values: list[str], draw: st.DataObject) -> None:
    counts = draw.draw(st.lists(st.integers(1, 99), min_size=len(values), max_size=len(values)))
    drawn: Any = {
        **canned_profile.column("x", "categorical", "text"),
        "distribution": {"form": "counts", "labels": values, "counts": counts},
        "by_target": canned_profile.by_class(counts),
    }
    rows = data(column_charts.distribution(drawn, values[:1]))
    assert [row["rows"] for row in rows] == counts
