import numpy as np
import pandas as pd
import pytest

from data_processor.datasets.inference import infer_schema
from data_processor.datasets.tables import keepable
from data_processor.features.packing import MISSING, pack_rows, unpack
from data_processor.features.preparation import Preparation
from data_processor.features.schema import Schema
from data_processor.features.split import Rows, prepare_data
from data_processor.tasks.candidates import BLEND, Candidate
from data_processor.tasks.fitting import fit
from data_processor.tasks.pipelines import answer
from data_processor.tasks.tables.columns import category_order
from data_processor.tasks.tables.prepared import describe
from data_processor.tasks.tables.usable import complete, usable


@pytest.fixture(scope="module")
def gaps() -> tuple[Rows, Schema]:
    """Rows with gaps, a column that never changes, one without a value, and timestamps."""
    draw = np.random.default_rng(2)
    rows = 600
    size = draw.normal(80, 25, rows).round()
    colour = draw.choice(["red", "red", "green", "blue"], rows)
    day = pd.Timestamp("2025-01-01") + pd.to_timedelta(draw.integers(0, 400, rows), unit="D")
    frame = pd.DataFrame(
        {
            "size": np.where(draw.random(rows) < 0.1, np.nan, size),
            "colour": pd.Series(colour, dtype="str").where(draw.random(rows) > 0.1),
            "sold": pd.Series(day.strftime("%Y-%m-%d"), dtype="str"),
            "same": 7.0,
            "word": pd.Series("x", index=range(rows), dtype="str"),
            "dear": np.where(size + 20 * (colour == "red") + 10 * (day.month > 6) > 90, "yes", "no"),
        }
    )
    kinds = {"sold": "datetime", "same": "numeric", "word": "categorical"}
    schema = infer_schema(frame, "dear", kinds=kinds)  # type: ignore[arg-type]  # they are kinds
    split = prepare_data(keepable(frame, schema), schema, "salt", None, validate_on_recent=False)
    return split.allowed, schema


def candidate(estimator: str, **choices: str) -> Candidate:
    return Candidate(estimator=estimator, params={}, preparation=Preparation(**choices))


def line(described: dict[str, list[dict[str, object]]], column: str) -> dict[str, object]:
    (found,) = [one for one in described["columns"] if one["column"] == column]
    return found


def test_columns_that_say_nothing_are_left_out_and_named(gaps: tuple[Rows, Schema]) -> None:
    rows, schema = gaps
    one = candidate("logistic-regression")
    described = describe(fit(one, rows, schema, 1), one, rows, schema)

    assert {
        found["column"]: found["reason"] for found in described["dropped"] if found["column"] != "sold"
    } == {
        "same": "every value is 7",
        "word": "every value is 'x'",
    }
    assert {"column": "sold", "reason": "hour: every value is 0"} in described["dropped"]
    assert [found["column"] for found in described["columns"]] == ["size", "colour", "sold"]
    assert described["rows"] == {"fitted": len(rows), "left_out": 0}


@pytest.mark.parametrize(
    ("choice", "value"),
    [
        ("median", np.nanmedian),
        ("mean", np.nanmean),
        ("most_frequent", lambda known: pd.Series(known).mode()[0]),
        ("extreme", lambda known: np.nanmin(known) - (np.nanmax(known) - np.nanmin(known))),
    ],
)
@pytest.mark.parametrize("estimator", ["logistic-regression", "hist-gradient-boosting", "random-forest"])
def test_a_missing_number_becomes_what_was_chosen(
    gaps: tuple[Rows, Schema], estimator: str, choice: str, value: object
) -> None:
    rows, schema = gaps
    one = candidate(estimator, numeric_missing=choice)
    pipeline = fit(one, rows, schema, 1)
    expected = float(value(rows.frame["size"].to_numpy(np.float64)))  # type: ignore[operator]  # a function

    assert line(describe(pipeline, one, rows, schema), "size")["missing"] == {
        "by": choice,
        "value": pytest.approx(expected, rel=1e-6),
    }
    asked: list[dict[str, object]] = [{"colour": "red"}, {"colour": "red", "size": expected}]
    said = answer(pipeline, unpack(pack_rows(asked, schema), schema))
    np.testing.assert_allclose(said[0], said[1])


@pytest.mark.parametrize("estimator", ["logistic-regression", "hist-gradient-boosting"])
def test_a_missing_category_becomes_the_most_frequent_one(gaps: tuple[Rows, Schema], estimator: str) -> None:
    rows, schema = gaps
    pipeline = fit(candidate(estimator, categorical_missing="most_frequent"), rows, schema, 1)
    own = fit(candidate(estimator), rows, schema, 1)
    frame = unpack(pack_rows([{"size": 80}, {"size": 80, "colour": "red"}], schema), schema)

    said = answer(pipeline, frame)
    np.testing.assert_array_equal(said[0], said[1])
    assert not np.array_equal(*answer(own, frame))


def test_rows_with_gaps_are_left_out_of_fitting_and_still_answered(gaps: tuple[Rows, Schema]) -> None:
    rows, schema = gaps
    one = candidate("hist-gradient-boosting", numeric_missing="drop_row", categorical_missing="drop_row")
    known = rows.frame["size"].notna() & (rows.frame["colour"] != MISSING)
    pipeline = fit(one, rows, schema, 1)
    described = describe(pipeline, one, rows, schema)

    assert len(complete(rows, schema, one.preparation)) == known.sum() < len(rows)
    assert described["rows"] == {"fitted": known.sum(), "left_out": len(rows) - known.sum()}
    assert line(described, "size")["missing"] == {
        "by": "median",
        "value": pytest.approx(float(rows.frame["size"][known].median())),
    }
    assert np.isfinite(answer(pipeline, rows.frame)).all()


@pytest.mark.parametrize(
    ("choice", "keys"),
    [
        ("standard", {"by", "mean", "deviation"}),
        ("min_max", {"by", "minimum", "maximum"}),
        ("none", set()),
    ],
)
def test_numbers_are_scaled_as_chosen_and_for_trees_never(
    gaps: tuple[Rows, Schema], choice: str, keys: set[str]
) -> None:
    rows, schema = gaps
    for estimator, expected in (("logistic-regression", keys), ("extra-trees", set())):
        one = candidate(estimator, scaling=choice)
        one = one.model_copy(update={"params": {"max_iter": 10_000} if keys is expected else {}})
        found = line(describe(fit(one, rows, schema, 1), one, rows, schema), "size")
        assert set(found.get("scaling", {})) == expected  # type: ignore[call-overload]  # a dictionary


def test_the_usual_preparation_leaves_gaps_to_boosting_and_fills_those_of_a_forest(
    gaps: tuple[Rows, Schema],
) -> None:
    rows, schema = gaps
    for estimator, by in (("hist-gradient-boosting", "estimator"), ("random-forest", "median")):
        one = candidate(estimator)
        described = describe(fit(one, rows, schema, 1), one, rows, schema)
        assert line(described, "size")["missing"]["by"] == by  # type: ignore[index]  # a dictionary
        assert line(described, "colour")["missing"]["by"] == "own_category"  # type: ignore[index]


def test_a_blend_says_how_each_member_prepares_a_column(gaps: tuple[Rows, Schema]) -> None:
    rows, schema = gaps
    members: list[dict[str, object]] = [
        {"estimator": name, "params": {}, "weight": 0.5}
        for name in ("logistic-regression", "hist-gradient-boosting")
    ]
    one = Candidate(estimator=BLEND, params={"members": members})
    found = describe(fit(one, rows, schema, 1), one, rows, schema)["columns"]

    assert [(each["column"], each["by"]) for each in found][:2] == [
        ("size", ["logistic-regression"]),
        ("size", ["hist-gradient-boosting"]),
    ]


def test_moments_are_learnt_from(gaps: tuple[Rows, Schema]) -> None:
    rows, schema = gaps
    pipeline = fit(candidate("hist-gradient-boosting"), rows, schema, 1)
    asked = [{"size": 85, "colour": "green", "sold": day} for day in ("2025-03-01", "2025-09-01")]

    spring, autumn = answer(pipeline, unpack(pack_rows(asked, schema), schema))[:, 1]
    assert autumn > spring + 0.2


def test_a_column_without_a_value_is_no_reason_to_leave_out_every_row(gaps: tuple[Rows, Schema]) -> None:
    rows, schema = gaps
    emptied = Rows(
        rows.frame.assign(same=np.float32(np.nan)), rows.target, rows.positions, rows.recent, rows.predictions
    )
    choices = Preparation(numeric_missing="drop_row")

    assert usable(emptied, schema, choices).dropped["same"] == "every value is missing"
    assert 0 < len(complete(emptied, schema, choices)) < len(rows)


def test_categories_are_ordered_by_their_mean_target() -> None:
    values = np.array(["b"] * 100 + ["a"] * 100 + ["c"] * 100, object)
    target = np.array(
        (["no"] * 90 + ["yes"] * 10) + (["no"] * 10 + ["yes"] * 90) + (["no", "yes"] * 50), object
    )

    assert category_order(values, target, np.ones(300)).tolist() == ["b", "c", "a"]


def test_a_rare_category_has_no_extreme_rank() -> None:
    values = np.array(["often yes"] * 100 + ["often no"] * 100 + ["once"], object)
    target = np.array(["yes"] * 90 + ["no"] * 10 + ["no"] * 90 + ["yes"] * 10 + ["yes"], object)

    assert category_order(values, target, np.ones(201)).tolist() == ["often no", "once", "often yes"]


def test_the_order_of_categories_follows_the_weights() -> None:
    values = np.array(["a", "a", "b", "b"] * 50, object)
    target = np.array(["yes", "no", "no", "yes"] * 50, object)
    first_says_a = np.tile([5.0, 1.0, 5.0, 1.0], 50)

    assert category_order(values, target, first_says_a).tolist() == ["b", "a"]
    assert category_order(values, target, first_says_a[::-1].copy()).tolist() == ["a", "b"]


def test_categories_of_many_classes_lie_along_what_tells_them_apart_best() -> None:
    draw = np.random.default_rng(0)
    values = draw.choice(["a1", "a2", "b1", "b2"], 2_000).astype(object)
    target = np.array(
        [draw.choice(["x", "y"]) if v[0] == "a" else draw.choice(["z", "w"]) for v in values], object
    )
    order = category_order(values, target, np.ones(2_000)).tolist()

    assert {value[0] for value in order[:2]} != {"a", "b"}
