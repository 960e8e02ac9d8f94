import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.datasets.inference import UnusableTargetError, infer_schema, observed
from data_processor.datasets.tables import keepable
from data_processor.features.schema import Column, Schema


def column(schema: Schema, name: str) -> Column:
    return next(column for column in schema.columns if column.name == name)


def table(**columns: list[object]) -> pd.DataFrame:
    rows = len(next(iter(columns.values())))
    return pd.DataFrame({**columns, "answer": [("no", "yes")[i % 2] for i in range(rows)]})


def test_numbers_have_a_range_a_median_and_may_be_whole() -> None:
    schema = infer_schema(table(age=[30, 10, 20, 40], pay=[1.5, 2.0, math.nan, 4.0]), "answer")

    assert column(schema, "age") == Column(
        name="age", kind="numeric", nullable=False, minimum=10, maximum=40, integer=True, default_value=20
    )
    assert column(schema, "pay") == Column(
        name="pay", kind="numeric", nullable=True, minimum=1.5, maximum=4, integer=False, default_value=2
    )


def test_whole_numbers_with_a_gap_are_still_whole() -> None:
    assert column(infer_schema(table(age=[1.0, math.nan, 3.0]), "answer"), "age").integer


def test_categories_are_most_frequent_first_and_equal_ones_by_name() -> None:
    schema = infer_schema(table(job=["b", "a", "c", "c", None]), "answer")

    assert column(schema, "job") == Column(
        name="job", kind="categorical", nullable=True, categories=("c", "a", "b"), default_value="c"
    )


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([f"word {i} and more" for i in range(100)], "text"),
        ([f"id-{i}" for i in range(100)], "identifier"),
        ([f"city-{i % 15}" for i in range(100)], "categorical"),
        ([f"street-{i % 45}" for i in range(100)], "categorical"),
        ([f"street {i % 45}" for i in range(100)], "text"),
        ([f"street-{i % 75}" for i in range(100)], "text"),
        ([True, False] * 50, "categorical"),
        ([None] * 100, "ignored"),
        (list(pd.date_range("2024-01-01", periods=100)), "datetime"),
        (list(range(100)), "numeric"),
    ],
)
def test_the_kind_of_a_column_follows_from_its_values(values: list[object], kind: str) -> None:
    assert column(infer_schema(table(it=values), "answer"), "it").kind == kind


def test_kinds_and_descriptions_that_are_given_stand() -> None:
    schema = infer_schema(
        table(code=[1, 2, 2]), "answer", kinds={"code": "categorical"}, descriptions={"code": "A code."}
    )

    assert column(schema, "code").categories == ("2", "1")
    assert column(schema, "code").description == "A code."
    assert [c.name for c in schema.inputs] == ["code"]


def test_the_classes_are_every_label_sorted() -> None:
    assert infer_schema(table(age=[1, 2, 3]), "answer").classes == ("no", "yes")


def test_a_target_with_many_numbers_is_a_quantity() -> None:
    frame = pd.DataFrame({"size": np.arange(50.0), "price": np.arange(50.0) * 3.5})
    schema = infer_schema(frame, "price")

    assert schema.task == "tabular-regression"
    assert schema.classes == ()
    assert [c.name for c in schema.numeric] == ["size"]


@pytest.mark.parametrize(
    ("values", "message"),
    [([None, None], "has no value"), (["yes", "yes"], "only the value 'yes'")],
)
def test_a_target_with_nothing_to_tell_apart_is_refused(values: list[object], message: str) -> None:
    with pytest.raises(UnusableTargetError, match=message):
        infer_schema(pd.DataFrame({"age": [1, 2], "answer": values}), "answer")


def test_a_target_that_is_absent_is_refused() -> None:
    with pytest.raises(UnusableTargetError, match="no column 'answer'"):
        infer_schema(pd.DataFrame({"age": [1]}), "answer")


def test_a_later_table_changes_ranges_and_categories_but_not_what_clients_rely_on() -> None:
    schema = infer_schema(table(age=[1, 2, 3], job=["a", "a", "b"]), "answer")
    later = table(age=[1, None, 9.5], job=["b", "c", None])

    seen = observed(schema, later)

    assert column(seen, "age").maximum == 9.5
    assert column(seen, "job").categories == ("b", "c")
    assert [(c.name, c.kind, c.nullable) for c in seen.columns] == [
        (c.name, c.kind, c.nullable) for c in schema.columns
    ]
    assert seen.classes == schema.classes


cells = st.one_of(
    st.none(), st.integers(-5, 5), st.floats(allow_infinity=False), st.sampled_from(["a", "b", " "])
)


@given(st.lists(st.tuples(cells, st.sampled_from(["no", "yes"])), min_size=1, max_size=30))
def test_whatever_a_table_holds_its_schema_describes_every_value(rows: list[tuple[object, str]]) -> None:
    frame = pd.DataFrame(
        {
            "it": pd.Series([value for value, _ in rows], dtype=object).infer_objects(),
            "answer": [*[answer for _, answer in rows[:-1]], "no"],
        }
    )
    frame.loc[len(frame)] = [None, "yes"]
    schema = infer_schema(frame, "answer")
    described = column(schema, "it")
    kept = keepable(frame, schema)["it"].dropna()

    if described.kind == "numeric" and len(kept):
        assert described.minimum is not None
        assert described.maximum is not None
        assert described.minimum <= kept.min() <= kept.max() <= described.maximum
        assert described.integer == bool((kept % 1 == 0).all())
    if described.kind == "categorical":
        assert set(kept) == set(described.categories)
    assert Schema.model_validate_json(schema.model_dump_json()) == schema
