import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_processor.datasets.data_quality import find_warnings
from data_processor.datasets.duplicates import find_repeated
from data_processor.datasets.profile import describe, likely_target, read_columns

ROWS = 300
CITIES = ("Bern", "Wien", "Rom")


@pytest.mark.parametrize(
    ("name", "values", "kind", "reason"),
    [
        ("a", pa.array([None] * 50, pa.string()), "ignored", "Every value is missing."),
        ("a", [7] * 50, "ignored", "Every value is the same, 7."),
        ("a", [n % 9 for n in range(50)], "numeric", "Whole numbers."),
        ("a", [n / 7 for n in range(50)], "numeric", "Numbers."),
        ("customer_id", [n * 13 for n in range(50)], "identifier", "named like an id"),
        ("customerId", [n * 13 for n in range(50)], "identifier", "named like an id"),
        ("a", list(range(100, 150)), "identifier", "number the rows"),
        ("paid", [n * 13 for n in range(50)], "numeric", "Whole numbers."),
        ("a", [True, False] * 25, "categorical", "True or false."),
        ("a", list(CITIES) * 20, "categorical", "3 distinct values."),
        (
            "a",
            [f"city {n % 30}" for n in range(200)],
            "categorical",
            "30 distinct values in 200 rows, learnt",
        ),
        ("a", [f"what a day, number {n}" for n in range(50)], "text", "Free text"),
        ("a", [f"K{n:05}" for n in range(50)], "identifier", "Almost every value is unique"),
        ("a", [f"K{n % 40:05}" for n in range(50)], "text", "Too many distinct values"),
        ("a", [f"{n % 28 + 1}.1.2026" for n in range(50)], "datetime", "%d.%m.%Y"),
        ("a", [f"2026-01-{n % 28 + 1:02}" for n in range(50)], "datetime", "ISO 8601"),
        ("a", [f"1/{n % 28 + 1}/2026" for n in range(50)], "datetime", "%m/%d/%Y"),
        ("a", [dt.datetime(2026, 1, n % 28 + 1) for n in range(50)], "datetime", "Dates."),  # noqa: DTZ001
        ("a", [f"2026-13-{n % 28 + 1:02}" for n in range(60)], "categorical", "28 distinct values"),
        ("a", [f"K{n % 49:05}" for n in range(50)], "identifier", "predictions do not need it"),
        ("postcode", [f"{n % 2000:05}a" for n in range(5000)], "categorical", "mean of the target per value"),
        ("post_id", [f"{n % 2000:05}a" for n in range(5000)], "identifier", "named like an id"),
        ("job", [f"senior {n % 2000} of" for n in range(9000)], "text", "learnt from by its words"),
    ],
)
def test_a_kind_is_proposed_with_its_reason(name: str, values: Any, kind: str, reason: str) -> None:
    column = describe(name, pa.chunked_array([values if isinstance(values, pa.Array) else pa.array(values)]))
    assert column.kind == kind, column.reason
    assert reason in column.reason


def table(tmp_path: Path, **columns: Any) -> Path:
    path = tmp_path / "raw.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def warnings(path: Path, target: str) -> set[tuple[str, str | None]]:
    columns = read_columns(path)
    rows = pq.read_metadata(path).num_rows
    repeated = int(find_repeated(path).sum())
    return {
        (found["code"], found["column"]) for found in find_warnings(path, columns, target, rows, repeated)
    }


def test_a_table_without_faults_has_no_warnings(tmp_path: Path) -> None:
    path = table(tmp_path, n=[n * 7919 % 301 for n in range(ROWS)], y=["a", "b", "b"] * 100)
    assert warnings(path, "y") == set()


def test_a_date_that_may_be_swapped_is_read_as_the_files_clear_ones(tmp_path: Path) -> None:
    swapped = [f"{n % 12 + 1:02}/{n % 11 + 1:02}/2026" for n in range(50)]
    clear = [f"01/{n % 28 + 1:02}/26" for n in range(50)]
    [alone] = read_columns(table(tmp_path, bought=swapped))
    assert (alone.date_format, alone.ambiguous_dates) == ("%d/%m/%Y", True)
    bought, _ = read_columns(table(tmp_path, bought=swapped, sold=clear))
    assert (bought.date_format, bought.ambiguous_dates) == ("%m/%d/%Y", True)
    assert bought.reading is not None
    assert bought.reading.format == "%m/%d/%Y"


def test_everything_doubtful_is_warned_of(tmp_path: Path) -> None:
    y = ["rare" if n == 7 else ("a", "b")[n % 2] for n in range(ROWS)]
    path = table(
        tmp_path,
        empty=pa.array([None] * ROWS, pa.string()),
        same=["x"] * ROWS,
        sparse=[n if n % 3 == 0 else None for n in range(ROWS)],
        when=[f"{n // 2 % 12 + 1}/{n // 2 % 12 + 1}/2026" for n in range(ROWS)],
        formula=[f"=SUM(A{n % 5})" for n in range(ROWS)],
        tells=[{"a": "yes", "b": "no", "rare": "?!"}[label] for label in y],
        code=[{"a": 10.5, "b": 11.5, "rare": 99.5}[label] for label in y],
        noise=[n * 7919 % 301 for n in range(ROWS)],
        y=y,
    )
    assert warnings(path, "y") == {
        ("all-missing", "empty"),
        ("constant", "same"),
        ("many-missing", "sparse"),
        ("ambiguous-dates", "when"),
        ("formulas", "formula"),
        ("leakage", "tells"),
        ("leakage", "code"),
        ("imbalance", "y"),
        ("rare-classes", "y"),
    }


def test_a_quantity_has_no_classes_to_be_rare(tmp_path: Path) -> None:
    y = [float(n % 29) ** 2 for n in range(ROWS)]
    path = table(tmp_path, n=[n * 7919 % 301 for n in range(ROWS)], y=y)
    assert warnings(path, "y") == set()


def test_a_table_that_is_too_small_to_be_trained_on_is_said(tmp_path: Path) -> None:
    path = table(tmp_path, n=[n * 7919 % 301 for n in range(60)], y=["a", "b"] * 30)
    assert warnings(path, "y") == {("few-rows", "y")}


def test_infinite_numbers_are_cells_that_cannot_be_read(tmp_path: Path) -> None:
    n = [float("inf") if row in (3, 7) else row * 7919 % 301 / 7 for row in range(ROWS)]
    column = read_columns(table(tmp_path, n=n, y=["a", "b"] * 150))[0]
    assert column.readings[0]["unreadable"] == 2
    assert column.readings[0]["cells"][0] == {"row": 4, "text": "inf"}
    assert (column.missing, column.maximum) == (2, max(x for x in n if x < 1e9))
    assert column.reason == "Numbers, except in 2 cells."


def test_a_table_with_infinite_numbers_is_searched_for_leaks(tmp_path: Path) -> None:
    y = ["a" if n % 301 < 150 else "b" for n in range(ROWS)]
    n = [float("inf") if row == 3 else float(row % 301) for row in range(ROWS)]
    assert ("leakage", "n") in warnings(table(tmp_path, n=n, y=y), "y")


def test_a_quantity_that_is_another_in_other_units_leaks(tmp_path: Path) -> None:
    y = [n * 7919 % 301 / 3 for n in range(ROWS)]
    path = table(tmp_path, scaled=[value * 2.54 + 1 for value in y], other=[n % 7 for n in range(ROWS)], y=y)
    assert warnings(path, "y") == {("leakage", "scaled")}


def test_repeated_rows_and_missing_targets_are_counted(tmp_path: Path) -> None:
    path = table(tmp_path, n=list(range(150)) * 2, y=(["a", "b"] * 74 + [None, "a"]) * 2)
    columns = read_columns(path)
    found = {one["code"]: one["message"] for one in find_warnings(path, columns, "y", ROWS, 150)}
    assert "150 of 300 rows repeat an earlier one" in found["duplicates"]
    assert "2 of 300 rows have no target" in found["target-missing"]


def test_the_target_is_guessed_by_its_name_or_its_place(tmp_path: Path) -> None:
    path = table(tmp_path, Label=["a", "b"] * 50, n=[n % 7 for n in range(100)], text=["a b c d"] * 100)
    assert likely_target(read_columns(path)) == "Label"
    path = table(tmp_path, n=[n % 7 for n in range(100)], sex=["m", "f"] * 50, same=[1] * 100)
    assert likely_target(read_columns(path)) == "sex"


def test_a_column_whose_name_begins_anothers_is_read_by_its_whole_name(tmp_path: Path) -> None:
    path = table(tmp_path, **{"a.b": ["x", "y"] * 50, "a": [n % 7 for n in range(100)]})
    assert {column.name: column.type for column in read_columns(path)} == {"a.b": "text", "a": "integer"}
