import numpy as np
import pandas as pd
import pytest

from data_processor.datasets.census import TARGET, make_table, schema_of
from data_processor.datasets.tables import keepable
from data_processor.features.schema import Schema
from data_processor.training.checks import UnfitTableError, check_table


@pytest.fixture(scope="module")
def schema() -> Schema:
    return schema_of(make_table(1_000, 1))


@pytest.fixture
def table(schema: Schema) -> pd.DataFrame:
    return keepable(make_table(1_000, 1), schema)


def test_a_table_with_gaps_everywhere_may_be_trained_on(table: pd.DataFrame, schema: Schema) -> None:
    table.loc[::2, [column.name for column in schema.inputs]] = np.nan

    check_table(table, schema)


def test_everything_that_is_wrong_with_the_columns_is_said_at_once(
    table: pd.DataFrame, schema: Schema
) -> None:
    table["hours-per-week"] = table["hours-per-week"].astype("float64")
    table.loc[[3, 5], "hours-per-week"] = np.inf
    table["age"] = "old"

    with pytest.raises(UnfitTableError) as raised:
        check_table(table.drop(columns=["workclass", TARGET]), schema)

    message = str(raised.value)
    assert "Column 'workclass' is missing." in message
    assert f"Column {TARGET!r} is missing." in message
    assert "Column 'age' should contain numbers but contains something else." in message
    assert "Column 'hours-per-week' has 2 infinite values." in message


def test_a_column_that_nobody_uses_may_be_absent(table: pd.DataFrame, schema: Schema) -> None:
    check_table(table.drop(columns="fnlwgt"), schema)


def test_too_few_rows_with_a_target_are_refused(table: pd.DataFrame, schema: Schema) -> None:
    table.loc[60:, TARGET] = None

    with pytest.raises(UnfitTableError, match="Only 60 of 1000 rows have a value of 'income-per-year'"):
        check_table(table, schema)


def test_a_class_with_too_few_rows_is_named(table: pd.DataFrame, schema: Schema) -> None:
    rich = table[table[TARGET] == ">50K"].head(4)
    poor = table[table[TARGET] == "<=50K"]

    with pytest.raises(UnfitTableError, match="The class '>50K' has 4 rows; training needs at least 10"):
        check_table(pd.concat([poor, rich]), schema)


def test_a_label_that_is_no_class_is_named(table: pd.DataFrame, schema: Schema) -> None:
    table.loc[0, TARGET] = "plenty"

    with pytest.raises(UnfitTableError, match="not among its classes: 'plenty'"):
        check_table(table, schema)


def test_a_table_without_a_single_input_is_refused(table: pd.DataFrame, schema: Schema) -> None:
    for column in schema.inputs:
        table[column.name] = np.nan

    with pytest.raises(UnfitTableError, match="Every input column is empty"):
        check_table(table, schema)


def test_a_quantity_that_never_varies_is_refused() -> None:
    schema = Schema.model_validate(
        {
            "task": "tabular-regression",
            "target": "price",
            "columns": [{"name": "size", "kind": "numeric"}, {"name": "price", "kind": "numeric"}],
        }
    )
    frame = pd.DataFrame({"size": np.arange(200.0), "price": 1.0})

    with pytest.raises(UnfitTableError, match="the same value of 'price'"):
        check_table(frame, schema)
