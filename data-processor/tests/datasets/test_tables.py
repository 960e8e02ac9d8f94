import io
from pathlib import Path

import pandas as pd
import pytest

from data_processor.datasets.inference import infer_schema
from data_processor.datasets.tables import (
    LabelledRow,
    UnreadableTableError,
    check_keepable,
    from_parquet,
    keepable,
    read_csv,
    to_parquet,
    with_feedback,
)
from data_processor.features.schema import Column, Schema
from data_processor.features.split import FEEDBACK_COLUMN, PREDICTION_COLUMN

UCI = b"""age, workclass, fnlwgt, income
39, State-gov, 77516, <=50K
50, ?, 83311, >50K
?,  Private , 215646, <=50K
"""


def read(content: bytes, **options: list[str]) -> pd.DataFrame:
    return read_csv(io.BytesIO(content), **options)


def test_question_marks_and_empty_cells_are_missing_and_blanks_are_no_part_of_a_value() -> None:
    frame = read(UCI)

    assert list(frame.columns) == ["age", "workclass", "fnlwgt", "income"]
    assert frame["age"].isna().tolist() == [False, False, True]
    assert frame["workclass"].tolist()[0] == "State-gov"
    assert frame["workclass"].tolist()[2] == "Private"
    assert pd.isna(frame["workclass"].tolist()[1])
    assert frame["income"].tolist() == ["<=50K", ">50K", "<=50K"]


def test_a_file_without_a_header_gets_the_names_it_is_known_by() -> None:
    names = ["age", "workclass", "fnlwgt", "income"]
    body = UCI.split(b"\n", 1)[1]

    pd.testing.assert_frame_equal(read(body, names=names), read(UCI, names=names))


def test_a_csv_is_read_from_a_path_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbfage,job\n1,a\n")

    assert list(read_csv(path).columns) == ["age", "job"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00a", b'a,b\n"1,2\n3'])
def test_what_is_no_csv_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(UnreadableTableError, match="cannot be read as a CSV"):
        read(content)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["a", "a"], "more than one column named 'a'"),
        (["a", ""], "a column without a name"),
        (["a", PREDICTION_COLUMN], "reserved for the platform"),
    ],
)
def test_a_table_that_cannot_be_kept_is_refused(columns: list[str], message: str) -> None:
    frame = pd.DataFrame([[1, 2]], columns=columns)

    with pytest.raises(UnreadableTableError, match=message):
        check_keepable(frame)


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(UnreadableTableError, match="no rows"):
        check_keepable(pd.DataFrame({"a": []}))


def test_a_kept_table_has_numbers_texts_and_an_empty_provenance() -> None:
    frame = read(UCI)
    kept = keepable(frame, infer_schema(frame, "income", kinds={"fnlwgt": "ignored"}))

    assert {name: str(dtype) for name, dtype in kept.dtypes.items()} == {
        "age": "float64",
        "workclass": "str",
        "fnlwgt": "int64",
        "income": "str",
        PREDICTION_COLUMN: "str",
        FEEDBACK_COLUMN: "int64",
    }
    assert kept[FEEDBACK_COLUMN].tolist() == [0, 0, 0]
    assert kept[PREDICTION_COLUMN].tolist() == ["", "", ""]


def test_a_table_comes_back_from_parquet_as_it_was_and_as_the_same_bytes() -> None:
    frame = read(UCI)
    kept = keepable(frame, infer_schema(frame, "income"))

    again = from_parquet(to_parquet(kept))

    pd.testing.assert_frame_equal(again, kept)
    assert to_parquet(again) == to_parquet(kept)


def test_columns_that_are_absent_or_of_another_kind_are_named() -> None:
    frame = read(UCI)
    schema = infer_schema(frame, "income")

    with pytest.raises(UnreadableTableError, match="no column 'age'"):
        keepable(frame.drop(columns="age"), schema)
    with pytest.raises(UnreadableTableError, match="numeric column 'age' holds something else"):
        keepable(frame.assign(age=["1", "2", "old"]), schema)


def test_feedback_stands_behind_the_upload_in_order_and_says_where_it_is_from() -> None:
    frame = read(UCI)
    schema = infer_schema(frame, "income", kinds={"fnlwgt": "ignored"})
    upload = keepable(frame, schema)
    labelled = [
        LabelledRow(9, "p9", {"age": 20, "workclass": None}, ">50K"),
        LabelledRow(4, "p4", {"age": None, "workclass": "Private"}, "<=50K"),
    ]

    table = with_feedback(upload, schema, labelled)

    pd.testing.assert_frame_equal(table.iloc[:3], upload, check_dtype=False)
    assert table[FEEDBACK_COLUMN].tolist() == [0, 0, 0, 4, 9]
    assert table[PREDICTION_COLUMN].tolist() == ["", "", "", "p4", "p9"]
    assert table["income"].tolist()[3:] == ["<=50K", ">50K"]
    assert table["age"].tolist()[4] == 20
    assert table[["age", "workclass"]].isna().to_numpy().tolist()[3:] == [[True, False], [False, True]]
    assert table["workclass"].dtype == "str"
    assert table["fnlwgt"].isna().tolist() == [False, False, False, True, True]


def test_without_feedback_a_table_is_the_upload() -> None:
    frame = read(UCI)
    schema = infer_schema(frame, "income")
    upload = keepable(frame, schema)

    assert to_parquet(with_feedback(upload, schema, [])) == to_parquet(upload)


def test_a_group_that_came_as_a_text_is_the_number_that_the_table_has() -> None:
    kinds = {"unit": "identifier", "x": "numeric", "y": "numeric"}
    columns = tuple(Column.model_validate({"name": name, "kind": kind}) for name, kind in kinds.items())
    schema = Schema(task="tabular-regression", target="y", columns=columns)
    upload = keepable(pd.DataFrame({"unit": [7, 8], "x": [1.0, 2.0], "y": [1.0, 2.0]}), schema)
    labelled = [
        LabelledRow(number, f"p{number}", {"x": 1.0, "unit": unit}, 3.0)
        for number, unit in enumerate(("7", "spare", None, 8), 1)
    ]
    table = from_parquet(to_parquet(with_feedback(upload, schema, labelled)))

    assert table["unit"].fillna(0).tolist() == [7, 8, 7, 0, 0, 8]
