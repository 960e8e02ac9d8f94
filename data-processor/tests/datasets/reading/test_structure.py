"""Where the table of a file is, what names its columns, and which other reading is offered."""

import datetime as dt
import random
from typing import Any

import pytest

from data_processor.datasets.reading.source import Source
from reading_files import read, refusal, workbook

BODY = [(f"r{n % 12}", 10 + n * 7 % 90, 1.5 + n / 8, "up" if n % 3 else "down") for n in range(60)]
NAMES = ("region", "visits", "share", "grew")
DAY = dt.datetime(2026, 1, 31)  # noqa: DTZ001  # a sheet knows no zones


def table(*rows: Any, separator: str = ",") -> bytes:
    return "".join(separator.join(map(str, row)) + "\n" for row in rows).encode()


def offered(source: Source) -> dict[str, Any]:
    return {choice.field: choice.value for choice in source.choices}


def read_as(content: bytes, source: Source, filename: str = "table.csv") -> tuple[list[Any], Source]:
    """Read a file the other way that is offered."""
    [choice] = source.choices
    return read(content, filename, **{choice.field: choice.value})


@pytest.mark.parametrize(
    ("names", "body"),
    [
        (("region", "2021", "2022", "grew"), BODY),
        (("0", "1", "2", "3"), [(n / 7, -n / 3, n / 9, "ab"[n % 2]) for n in range(20)]),
        (("0", "1", "2", "3", "4"), [(n % 5, n % 7, n % 3, n % 9, 4) for n in range(20)]),
        (("1999", "2000", "2001"), [(n, n * 2, n % 5) for n in range(20)]),
        (("2026-01-01", "2026-02-01", "kind"), [(n, n * 2, "xy"[n % 2]) for n in range(20)]),
        (("name", "1"), [(f"K{n:03}", n / 3) for n in range(20)]),
    ],
)
def test_numbers_and_dates_name_columns_that_differ_in_kind_from_them(
    names: tuple[str, ...], body: list[Any]
) -> None:
    content = table(names, *body)
    rows, source = read(content)
    assert (tuple(rows[0]), len(rows)) == (names, len(body))
    assert "taken for names" in source.notes[0]
    assert offered(source) == {"header": False}
    other, again = read_as(content, source)
    assert (len(other), again.header) == (len(body) + 1, False)


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        [(5, 6, 7, "up"), *BODY],
        [(n, n + 1, n + 2) for n in range(5, 30)],
        [(2001 + n, 2002 + n, n) for n in range(20)],
        [("ham", "See you"), ("spam", "Win"), ("ham", "Hello"), ("spam", "Free")],
        [("2026-01-01", "3,5"), ("2026-01-02", "4,5")],
        [(f"K{n}", 2000 - 100 * n) for n in range(9)],
    ],
)
def test_values_are_not_taken_for_names(body: list[Any]) -> None:
    content = table(*body, separator=";")
    rows, source = read(content)
    assert (len(rows), source.header) == (len(body), False)
    assert offered(source) == {"header": True}
    other, again = read_as(content, source)
    assert (len(other), again.header) == (len(body) - 1, True)


def test_tables_of_random_numbers_without_names_lose_no_row() -> None:
    draw = random.Random(1)  # noqa: S311  # it makes tables
    for _ in range(200):
        high, width = draw.choice((3, 30, 3000)), draw.randint(2, 6)
        body = [[draw.randrange(high) for _ in range(width)] for _ in range(20)]
        if body[0] != list(range(body[0][0], body[0][0] + width)):
            assert len(read(table(*body))[0]) == 20, body[0]


@pytest.mark.parametrize(
    ("above", "note"),
    [
        (
            "Data export\nGenerated 2026-01-01\n\n",
            "2 rows above the table were left out: 'Data export', 'Gen",
        ),
        ("# exported by a tool\n# a,b,c,d\n", "2 rows above the table were left out: '# exported by a tool'"),
        ("sep=,\n", "The first line only names the separator"),
        ('"Report ""Q1"", all"\n', "The row above the table was left out: "),
    ],
)
def test_what_stands_above_the_table_is_left_out_and_said(above: str, note: str) -> None:
    rows, source = read(above.encode() + table(NAMES, *BODY))
    assert [tuple(row.values()) for row in rows] == BODY
    assert tuple(rows[0]) == NAMES
    assert source.notes[0].startswith(note)


def test_a_line_that_names_the_separator_is_believed() -> None:
    rows, source = read(b"sep=;\na;b,c\n1;2,5\n2;3,5\n")
    assert (list(rows[0]), source.delimiter) == (["a", "b,c"], ";")


def test_a_title_in_one_of_many_columns_can_be_read_as_a_row() -> None:
    content = table(("Quarterly report", "", "", ""), NAMES, *BODY)
    rows, source = read(content)
    assert (tuple(rows[0]), len(rows)) == (NAMES, 60)
    assert offered(source) == {"skip_rows": 0}
    assert "Column 2 has no name" in refusal(content, skip_rows=0)
    assert len(read(content, skip_rows=0, header=False)[0]) == 62
    rows, source = read(content, skip_rows=1)
    assert offered(source) == {"skip_rows": None}
    assert (tuple(rows[0]), len(rows)) == (NAMES, 60)


def test_names_that_look_like_a_comment_are_names() -> None:
    rows, source = read(table(("#region", *NAMES[1:]), *BODY))
    assert (next(iter(rows[0])), len(rows), source.notes) == ("#region", 60, [])


def test_rows_to_skip_are_counted_as_an_editor_counts_lines() -> None:
    rows, _ = read(b"x;1;2\n\n" + table(("a", "b", "c"), (1, 2, 3), separator=";"), skip_rows=2)
    assert rows == [{"a": 1, "b": 2, "c": 3}]
    assert "below the first 9" in refusal(b"a,b\n1,2\n", skip_rows=9)


def test_a_first_row_of_another_length_is_refused_with_the_way_out() -> None:
    assert "skip_rows=1" in refusal(b"a,b,c\n" + b"1,2\n" * 20)


@pytest.mark.parametrize("header", [",area,zone", "Unnamed: 0,area,zone"])
def test_a_first_column_that_only_numbers_the_rows_is_left_out(header: str) -> None:
    content = f"{header}\n".encode() + table(*((n, n / 2, "en"[n % 2]) for n in range(20)))
    rows, source = read(content)
    assert list(rows[0]) == ["area", "zone"]
    assert source.notes == ["The first column has no name and numbers the rows: it was left out."]
    other, again = read_as(content, source)
    assert list(other[0]) == ["index", "area", "zone"]
    assert offered(again) == {"index": "drop"}


def test_row_labels_that_say_something_are_kept_unless_asked_otherwise() -> None:
    # R names no column of its row names: the header is one cell short.
    content = table(("mpg", "gears"), *((f"car {n}", n / 2, n % 5) for n in range(20)))
    rows, source = read(content)
    assert rows[3] == {"index": "car 3", "mpg": 1.5, "gears": 3}
    assert offered(source) == {"index": "drop"}
    assert list(read_as(content, source)[0][0]) == ["mpg", "gears"]


@pytest.mark.parametrize("header", ["a,b,", "a,b", ",,a,b,"])
def test_columns_without_a_name_and_a_value_are_left_out(header: str) -> None:
    cells = (("", "", "x", 1, ""), ("", "", "y", 2, "")) if header[0] == "," else (("x", 1, ""), ("y", 2, ""))
    rows, source = read(f"{header}\n".encode() + table(*cells))
    assert rows == [{"a": "x", "b": 1}, {"a": "y", "b": 2}]
    assert "neither" in source.notes[0]


def test_a_value_in_a_column_without_a_name_is_not_lost() -> None:
    content = b"a,b,\n" + b"1,2,\n" * 50_000 + b"1,2,3\n"
    assert "Column 3 has no name in the header" in refusal(content)


def test_rows_of_separators_are_no_rows() -> None:
    rows, _ = read(table(NAMES, *BODY) + b",,,\n" * 30)
    assert len(rows) == 60


TOTALS: list[tuple[Any, ...]] = [
    ("Total", 3000, 90.5, ""),
    ("Grand total", 2874, 310.25, ""),
    ("Summe:", 99_999, "", ""),
]


@pytest.mark.parametrize("total", TOTALS)
@pytest.mark.parametrize("rows", [60, 6000])
def test_a_total_is_left_out_and_can_be_read_as_a_row(total: tuple[Any, ...], rows: int) -> None:
    content = table(NAMES, *(BODY * (rows // 60)), total)
    found, source = read(content)
    assert len(found) == rows
    assert source.notes[0].startswith(
        f"The row below the table was left out, as a total or a note: '{total[0]}"
    )
    assert offered(source) == {"skip_footer": 0}
    other, again = read_as(content, source)
    assert (len(other), offered(again)) == (rows + 1, {"skip_footer": None})
    assert len(read(content, skip_footer=2)[0]) == rows - 1


def test_a_total_does_not_turn_numbers_into_texts() -> None:
    rows, _ = read(
        table(("n", "v", "kind"), *((n, n / 2, "ab"[n % 2]) for n in range(30)), ("Total", 217.5, ""))
    )
    assert (rows[29], len(rows)) == ({"n": 29, "v": 14.5, "kind": "b"}, 30)


@pytest.mark.parametrize(
    "last",
    [
        ("Total", 11, 1.5, "up"),  # the shop of this name: its numbers are like the others
        ("Totality", 9000, 900.5, ""),
        ("r3", 9000, 900.5, ""),
    ],
)
def test_an_ordinary_last_row_stays(last: tuple[Any, ...]) -> None:
    assert len(read(table(NAMES, *BODY, last))[0]) == 61


def test_a_brand_called_total_stays() -> None:
    body = [("Total" if n % 5 == 0 else "Shell", n * 10, "yn"[n % 2]) for n in range(41)]
    assert len(read(table(("brand", "litres", "diesel"), *body))[0]) == 41


def test_notes_below_the_table_are_left_out() -> None:
    rows, source = read(table(NAMES, *BODY) + b"\nSource: the statistical office\n")
    assert len(rows) == 60
    assert "'Source: the statistical office'" in source.notes[0]
    assert "Row 62 has 2 cells" in refusal(table(NAMES, *BODY) + b"5,6\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "cp1252"])
def test_a_long_file_has_its_end_read_in_its_encoding(encoding: str) -> None:
    text = "naïve Zürich,b,c\n" + "".join(f"Köln {n % 7},{n},{n % 3}\n" for n in range(20_000)) + "Total,,9\n"
    rows, source = read(text.encode(encoding), encoding=encoding)
    assert (len(rows), offered(source)) == (20_000, {"skip_footer": 0})


def test_a_sheet_has_titles_dates_as_names_empty_columns_and_a_total() -> None:
    rows: list[list[Any]] = [
        [None, "Visits of the year"],
        [],
        [None, "region", DAY, 2027, "grew"],
        *([None, f"r{n % 5}", n, n / 2, "yn"[n % 2]] for n in range(40)),
        [None, "Total", 780, 390.0],
    ]
    content = workbook(rows)
    found, source = read(content, "table.xlsx")
    assert (list(found[0]), len(found)) == (["region", "2026-01-31", "2027", "grew"], 40)
    assert found[3] == {"region": "r3", "2026-01-31": 3, "2027": 1.5, "grew": "n"}
    assert source.notes == [
        "The row above the table was left out: 'Visits of the year'.",
        "The first row was taken for names, although it holds values such as '2026-01-31', '2027'.",
        "The row below the table was left out, as a total or a note: 'Total 780 390'.",
        "Column 1 has neither a name nor a value: it was left out.",
    ]
    assert offered(source) == {"skip_rows": 0, "header": False, "skip_footer": 0}
    assert len(read(content, "table.xlsx", skip_footer=0)[0]) == 41
    assert next(iter(read(content, "table.xlsx", skip_rows=3)[0][0])) == "column_1"


def test_a_sheet_with_row_labels_is_read_as_a_csv_is() -> None:
    content = workbook([[None, "a", "b"], *([n, n / 2, "xy"[n % 2]] for n in range(10))])
    rows, source = read(content, "table.xlsx")
    assert (list(rows[0]), offered(source)) == (["a", "b"], {"index": "keep"})
    assert list(read_as(content, source, "table.xlsx")[0][0]) == ["index", "a", "b"]


def test_errors_and_formulas_without_a_value_are_named() -> None:
    rows: list[list[Any]] = [["a", "b", "c"], [1, "=A2*2", "#DIV/0!"], [2, "=A3*2", 3.5], [3, None, "#N/A"]]
    found, source = read(workbook(rows), "table.xlsx")
    assert [row["c"] for row in found] == [None, 3.5, None]
    errors, formulas = source.notes
    assert errors == "Column 'c' holds 1 error such as #DIV/0!: read as missing."
    assert formulas.startswith(
        "Column 'b' holds 2 formulas without a stored value: read as missing. Open the"
    )
