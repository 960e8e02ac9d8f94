"""A row of the file that was trained on is taken as it stands: each kind of odd table, and random ones."""

import datetime as dt
import io
import json
import math
from collections.abc import Mapping
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_processor.service.errors import Invalid
from sent_back import as_csv, rows_of_csv, store

ROWS = 120


def table(**columns: list[Any]) -> list[dict[str, Any]]:
    """Return rows of columns that are repeated as often as needed, with a number and a target beside them."""
    return [
        {
            **{name: values[n % len(values)] for name, values in columns.items()},
            "load": f"{n * 7919 % 301 / 8}",
            "y": ("yes", "no", "no")[n % 3],
        }
        for n in range(ROWS)
    ]


def errors(refused: pytest.ExceptionInfo[Invalid]) -> dict[tuple[Any, ...], str]:
    return {tuple(error["loc"]): error["message"] for error in refused.value.errors or ()}


DAY, NOON = dt.datetime(2024, 3, 1), dt.datetime(2024, 3, 1, 12)  # noqa: DTZ001  # as workbooks have them
DAYS = [f"{day:02}" for day in range(1, 29)]


@pytest.mark.parametrize(
    ("cells", "format_", "stored"),
    [
        ([f"2024-03-{d}T08:15:10Z" for d in DAYS], "ISO 8601", "2024-03-01T08:15:10"),
        ([f"2024-03-{d}T08:15:10.123Z" for d in DAYS], "ISO 8601", "2024-03-01T08:15:10.123000"),
        ([f"2024-03-{d} 08:15:10.250" for d in DAYS], "ISO 8601", "2024-03-01T08:15:10.250000"),
        ([f"2024-03-{d}T08:15:10+02:00" for d in DAYS], "ISO 8601", "2024-03-01T06:15:10"),
        ([f"2024-03-{d}" for d in DAYS], "ISO 8601", "2024-03-01"),
        ([f"{d}.03.2024 08:15" for d in DAYS], "%d.%m.%Y %H:%M", "2024-03-01T08:15:00"),
        ([f"03/{d}/2024 08:15" for d in DAYS], "%m/%d/%Y %H:%M", "2024-03-01T08:15:00"),
        ([f"3/{int(d)}/2024" for d in DAYS], "%m/%d/%Y", "2024-03-01"),
        ([f"{d}/03/24" for d in reversed(DAYS)], "%d/%m/%y", "2024-03-28"),
        ([f"{d} Mar 2024" for d in DAYS], "%d %b %Y", "2024-03-01"),
        ([f"{d}. März 2024" for d in DAYS], "%d. %b %Y", "2024-03-01"),
        ([f"March {d}, 2024" for d in DAYS], "%b %d, %Y", "2024-03-01"),
        ([f"Mar {d}, 2024, 01:05 PM" for d in DAYS], "%b %d, %Y, %I:%M %p", "2024-03-01T13:05:00"),
        ([f"2024/03/{d} 08:15:10 +0200" for d in DAYS], "%Y/%m/%d %H:%M:%S %z", "2024-03-01T06:15:10"),
    ],
)
def test_dates_are_read_as_the_file_writes_them(cells: list[str], format_: str, stored: str) -> None:
    content = as_csv(table(seen=cells))
    found = store(content, "t.csv", "y")
    column = found.column("seen")
    assert (column.kind, column.reading and column.reading.format) == ("datetime", format_)
    assert found.table["seen"][0] == stored
    found.assert_known(rows_of_csv(content))
    found.assert_known(json.loads(json.dumps(rows_of_csv(content))))
    found.send([{**rows_of_csv(content)[0], "seen": "2026-01-31T13:05:00"}])


@pytest.mark.parametrize(
    ("values", "format_"),
    [
        ([1_700_000_000 + n * 3601 for n in range(50)], "epoch seconds"),
        ([1_700_000_000_123 + n * 3601 for n in range(50)], "epoch milliseconds"),
        ([20240100 + n for n in range(1, 29)], "%Y%m%d"),
    ],
)
def test_whole_numbers_that_may_be_times_are_offered_as_dates(values: list[int], format_: str) -> None:
    content = as_csv(table(seen=values))
    numbers = store(content, "t.csv", "y")
    assert numbers.column("seen").kind == "numeric"
    assert numbers.proposal[0]["doubts"] == ["epoch"]
    found = store(content, "t.csv", "y", seen={"kind": "datetime"})
    assert found.column("seen").reading is not None
    assert found.column("seen").reading.format == format_  # type: ignore[union-attr]
    found.assert_known(rows_of_csv(content))
    found.assert_known([{**row, "seen": int(row["seen"])} for row in rows_of_csv(content)])


def test_a_date_of_which_day_and_month_may_be_swapped_asks() -> None:
    content = as_csv(table(seen=[f"{d:02}/{d % 5 + 1:02}/2024" for d in range(1, 12)]))
    found = store(content, "t.csv", "y")
    assert found.proposal[0]["ambiguous_dates"]
    offered = {one["reading"]["format"] for one in found.proposal[0]["readings"]}
    assert {"%d/%m/%Y", "%m/%d/%Y"} <= offered
    other = store(content, "t.csv", "y", seen={"format": "%m/%d/%Y"})
    assert (found.table["seen"][1], other.table["seen"][1]) == ("2024-03-02", "2024-02-03")
    with pytest.raises(Invalid) as refused:
        store(content, "t.csv", "y", seen={"format": "%d %b %Y"})
    assert "'%d %b %Y'" in errors(refused)["body", "columns", "seen", "format"]


def test_what_stands_for_a_missing_value_is_missing_in_predictions_too() -> None:
    content = as_csv(table(service=["http", "-", "dns", "NA"], size=["7", "?", "9", "N/A"]))
    found = store(content, "t.csv", "y")
    assert found.proposal[0]["marks"] == {"-": 30, "NA": 30}
    found.assert_known(rows_of_csv(content))
    assert found.send([{"service": "NA", "size": "?", "load": 1}]).flags == [
        ["size: missing", "service: missing"]
    ]


def test_a_class_named_na_stays_one_when_a_person_says_so() -> None:
    content = as_csv(table(risk=["NA", "none", "N/A"]))
    with pytest.raises(Invalid) as refused:
        store(content, "t.csv", "risk")
    assert "'NA' (40 rows), 'N/A' (40 rows)" in errors(refused)["body", "target"]
    assert store(content, "t.csv", "risk", risk={"missing": []}).schema.classes == ("N/A", "NA", "none")
    assert store(content, "t.csv", "risk", risk={"missing": ["N/A"]}).schema.classes == ("NA", "none")


@pytest.mark.parametrize(
    ("codes", "categories"),
    [
        (["3.1", "3.10", "3.9", "3.11"], {"3.1", "3.10", "3.9", "3.11"}),
        (["1E2", "100", "2E1"], {"1E2", "100", "2E1"}),
        (["007.1", "7.1", "07"], {"007.1", "7.1", "07"}),
        (["+4917758719223", "+4917462934122"], {"+4917758719223", "+4917462934122"}),
        (["100000000000000001", "100000000000000002", ""], {"100000000000000001", "100000000000000002"}),
        (["18446744073709551616", "18446744073709551617"], {"18446744073709551616", "18446744073709551617"}),
        (["TRUE", "true", "False"], {"true", "False"}),
        (["1.0", "0.0", ""], {"1", "0"}),
    ],
)
def test_codes_keep_every_character(codes: list[str], categories: set[str]) -> None:
    content = as_csv(table(code=codes))
    found = store(content, "t.csv", "y", code={"kind": "categorical"})
    assert {one.casefold() for one in found.column("code").categories} == {
        one.casefold() for one in categories
    }
    found.assert_known(rows_of_csv(content))
    as_target = store(content, "t.csv", "code", code={"kind": "categorical"})
    assert len(as_target.schema.classes) == len(categories)


def test_whole_numbers_that_would_be_one_number_are_kept_digit_by_digit() -> None:
    codes = {"100000000000000001", "100000000000000002", "100000000000000003"}
    content = as_csv(table(code=[*sorted(codes), ""]))
    found = store(content, "t.csv", "y")
    assert found.column("code").kind == "categorical"
    assert set(found.column("code").categories) == codes
    assert "long" in found.proposal[0]["doubts"]
    found.assert_known(rows_of_csv(content))


def test_codes_that_would_be_the_same_number_are_said() -> None:
    found = store(as_csv(table(code=["3.1", "3.10", "3.9"])), "t.csv", "y")
    assert (found.proposal[0]["distinct"], found.proposal[0]["alike"]) == (2, 1)


@pytest.mark.parametrize(
    ("cells", "delimiter", "values"),
    [
        (["8,329", "2,021", "12,5"], ";", [8.329, 2.021, 12.5]),
        (["8,329", "2,021", "2,330"], ";", [8.329, 2.021, 2.33]),
        (["6,098", "2,991"], ",", [6098, 2991]),
        (["75.911,21", "66.886,36"], ";", [75911.21, 66886.36]),
        (["1 234,5", "2\u00a0000,25"], ";", [1234.5, 2000.25]),
        (["8.5%", "86.8%"], ",", [8.5, 86.8]),
        (["$1,889.51", "$3,667.21"], ",", [1889.51, 3667.21]),
        (["4016.92 €", "4243.35 €"], ",", [4016.92, 4243.35]),
        (["913.51", "(1,373.21)"], ",", [913.51, -1373.21]),
        (["0.01", "\u22124.32"], ",", [0.01, -4.32]),
        (["95.0", "127.70"], ",", [95.0, 127.7]),
        (["12 kg", "7 kg"], ",", [12, 7]),
    ],
)
def test_numbers_are_read_as_the_file_writes_them(
    cells: list[str], delimiter: str, values: list[float]
) -> None:
    content = as_csv([{**row, "load": n} for n, row in enumerate(table(amount=cells))], delimiter)
    found = store(content, "t.csv", "y")
    assert found.column("amount").kind == "numeric"
    assert found.table["amount"][: len(values)].tolist() == values
    found.assert_known(rows_of_csv(content, delimiter))
    assert found.odd([{"amount": values[0], "load": 1}]) == set()


def test_a_decimal_mark_that_is_doubtful_is_asked_for() -> None:
    content = as_csv(table(amount=["6,098", "2,991"]))
    assert store(content, "t.csv", "y").proposal[0]["doubts"] == ["decimal"]
    other = store(content, "t.csv", "y", amount={"decimal": ","})
    assert other.table["amount"][0] == 6.098
    other.assert_known(rows_of_csv(content))


@pytest.mark.parametrize("bad", ["unknown", "inf", "None", "."])
def test_a_few_cells_that_are_no_numbers_are_named_and_a_person_decides(bad: str) -> None:
    rows = table(area=[f"{n}.5" for n in range(60)])
    rows[57]["area"] = bad
    content = as_csv(rows)
    with pytest.raises(Invalid) as refused:
        store(content, "t.csv", "y")
    assert f"{bad!r} in row 58" in errors(refused)["body", "columns", "area", "unreadable"]
    for said in ({"unreadable": "missing"}, {"missing": [bad]}):
        found = store(content, "t.csv", "y", area=said)
        assert found.column("area").kind == "numeric"
        assert found.table["area"].isna().tolist() == [n == 57 for n in range(ROWS)]
        found.assert_known(rows_of_csv(content))
        with pytest.raises(Invalid):
            found.send([{"area": "something else", "load": 1}])


def test_a_text_that_many_cells_hold_is_missing_when_a_person_lists_it() -> None:
    rows = [*table(area=[f"{n}.5" for n in range(60)]) * 10, *table(area=["unknown"])[:30]]
    content = as_csv(rows)
    with pytest.raises(Invalid) as refused:
        store(content, "t.csv", "y")
    assert "30 cells are each no number" in errors(refused)["body", "columns", "area", "unreadable"]
    found = store(content, "t.csv", "y", area={"missing": ["unknown"]})
    assert int(found.table["area"].isna().sum()) == 30


def test_a_date_that_is_none_is_named_and_a_person_decides() -> None:
    rows = table(seen=[f"{day}.03.2024" for day in DAYS])
    rows[7]["seen"] = "tbd"
    content = as_csv(rows)
    with pytest.raises(Invalid) as refused:
        store(content, "t.csv", "y")
    message = errors(refused)["body", "columns", "seen", "unreadable"]
    assert "no date in the format %d.%m.%Y: 'tbd' in row 8" in message
    store(content, "t.csv", "y", seen={"unreadable": "missing"}).assert_known(rows_of_csv(content))


def test_numbers_in_the_texts_of_json_can_be_numbers() -> None:
    rows = table(area=["95.0", "127.70", "42"])
    found = store(json.dumps(rows).encode(), "t.json", "y")
    assert (found.column("area").kind, found.column("load").kind) == ("numeric", "numeric")
    found.assert_known(rows)


@pytest.mark.parametrize("truth", [(True, False), ("true", "false"), ("TRUE", "FALSE"), ("True", "False")])
def test_booleans_are_taken_as_words_and_as_what_json_has(truth: tuple[Any, Any]) -> None:
    rows = table(member=list(truth), churned=[truth[1], truth[0], truth[0]])
    rows = [{key: value for key, value in row.items() if key != "y"} for row in rows]
    found = store(json.dumps(rows).encode(), "t.json", "churned")
    found.assert_known(rows)
    words = {str(one) for one in truth}
    assert set(found.schema.classes) == words == set(found.column("member").categories)
    assert found.schema.json_schema()["properties"]["member"]["x-values"] == "boolean"
    as_said: list[dict[str, Any]] = [
        {"member": True, "load": 1},
        {"member": "true", "load": 1},
        {"member": str(truth[0]), "load": 1},
    ]
    assert len({tuple(row) for row in found.send(as_said).packed.strings.tolist()}) == 1


def test_what_pandas_exports_of_a_csv_is_taken() -> None:
    content = as_csv(
        table(
            flag=["True", "False", ""],
            code=["007", "012"],
            zone=["1", "2", ""],
            seen=[f"2024-03-{day} 08:15" for day in DAYS],
            price=["1.50", "22.25", "NA"],
            service=["http", "-", "dns"],
        )
    )
    found = store(content, "t.csv", "y", zone={"kind": "categorical"})
    exported = pd.read_csv(io.BytesIO(content)).to_json(orient="records")
    found.assert_known(json.loads(exported))


def test_numbers_in_the_texts_of_a_workbook_can_be_numbers() -> None:
    rows = table(area=["95.0", "127.70"], seen=[NOON, DAY, None], size=[1, 2.5])
    book = openpyxl.Workbook()
    for cells in ([*rows[0]], *([*row.values()] for row in rows)):
        book.active.append(cells)
    file = io.BytesIO()
    book.save(file)
    found = store(file.getvalue(), "t.xlsx", "y")
    kinds = [found.column(name).kind for name in ("area", "seen", "size", "load")]
    assert kinds == ["numeric", "datetime", "numeric", "numeric"]
    found.assert_known([{**row, "seen": row["seen"] and row["seen"].isoformat()} for row in rows])


def test_a_row_of_a_parquet_file_is_taken_as_json() -> None:
    rows = table(flag=[True, False, None], size=[1, 2, None], wide=[2**60, 2**60 + 1], day=[1, 2])
    frame = pd.DataFrame(rows).astype({"flag": "boolean", "size": "Int64"})
    frame["day"] = pd.to_datetime("2024-03-01T08:15:10.5") + pd.to_timedelta(frame["day"], "D")
    file = io.BytesIO()
    frame.to_parquet(file)
    found = store(file.getvalue(), "t.parquet", "y", wide={"kind": "categorical"})
    sent = json.loads(frame.to_json(orient="records", date_format="iso"))
    found.assert_known(sent)


def test_integers_too_long_for_a_number_are_kept_in_json_lines() -> None:
    rows = [{"id": 2**64 + n, **row} for n, row in enumerate(table(size=[1, 2]))]
    content = "\n".join(map(json.dumps, rows)).encode()
    found = store(content, "t.jsonl", "y", id={"kind": "categorical"})
    found.assert_known(rows)


def test_mixed_values_of_json_are_taken_as_they_are() -> None:
    rows = table(code=[1, "a", 2.5, True, 3.0])
    found = store(json.dumps(rows).encode(), "t.json", "y")
    assert set(found.column("code").categories) == {"1", "a", "2.5", "True", "3"}
    found.assert_known(rows)


def test_a_value_that_is_there_or_missing_is_information() -> None:
    content = as_csv(table(promo=["X", "", ""]))
    found = store(content, "t.csv", "y")
    assert (found.column("promo").kind, found.column("promo").categories) == ("categorical", ("X",))
    found.assert_known(rows_of_csv(content))


def test_a_column_may_be_missing_when_a_person_says_so() -> None:
    content = as_csv(table(size=["1", "2"], gap=["1", ""]))
    assert not store(content, "t.csv", "y").column("size").nullable
    found = store(content, "t.csv", "y", size={"nullable": True})
    assert found.send([{"load": 1, "gap": None}]).flags == [["size: missing", "gap: missing"]]
    with pytest.raises(Invalid) as refused:
        store(content, "t.csv", "y", gap={"nullable": False})
    assert "60 of its values are missing" in errors(refused)["body", "columns", "gap", "nullable"]


def test_texts_that_a_table_learns_from_are_asked_for() -> None:
    words = [f"they said {n} things, and {n * 7 % 97} more" for n in range(ROWS)]
    content = as_csv(table(remark=words))
    found = store(content, "t.csv", "y")
    assert (found.column("remark").kind, found.column("remark").nullable) == ("text", False)
    found.assert_known(rows_of_csv(content))
    with pytest.raises(Invalid):
        found.send([{"load": 1}])


def test_a_column_may_be_sent_by_the_name_it_has_in_the_file() -> None:
    content = as_csv(table(**{"Alter (Jahre)": ["1", "2"]}))
    found = store(content, "t.csv", "y", **{"Alter (Jahre)": {"name": "age"}})
    found.assert_known(rows_of_csv(content))
    with pytest.raises(Invalid) as refused:
        found.send([{"age": 1, "Alter (Jahre)": 1, "load": 1}])
    assert "is given as 'age' too" in errors(refused)["body", "inputs", 0, "Alter (Jahre)"]


def test_the_whole_row_may_be_sent_and_what_is_ignored_is_said() -> None:
    rows = [{"id": n, "uid": f"u{n:06}", "const": "x", **row} for n, row in enumerate(table(size=["1", "2"]))]
    content = as_csv(rows)
    found = store(content, "t.csv", "y")
    found.assert_known(rows_of_csv(content))
    [flags] = found.send(rows_of_csv(content)[:1]).flags
    assert flags == [f"{name}: no input of the model, ignored" for name in ("id", "uid", "const", "y")]
    with pytest.raises(Invalid):
        found.send([{**rows[0], "colour": "red"}])


WORDS = st.text("abcdeäé xyz-'", min_size=1, max_size=8).map(str.strip).filter(lambda t: t.strip("-' ") != "")
MARKS = st.sampled_from(["", "?", "NA", "-", "null", "#N/A"])
NUMERALS = st.one_of(
    st.integers(-(10**17), 10**17).map(str),
    st.floats(-1e12, 1e12).map(repr),
    st.decimals(-(10**6), 10**6, places=2).map(str),
    st.sampled_from(["0", "-0.0", "1e5", "2.50", "+3", "1E-7", ".5", "7."]),
)
CODES = st.sampled_from(["3.1", "3.10", "007", "7", "1E2", "100", "0x1F", "True", "no"])
STAMPS = st.datetimes().map(lambda at: at.replace(microsecond=0).isoformat(sep=" "))
GERMAN = st.datetimes().map(lambda at: f"{at:%d.%m.}{at.year:04}{at: %H:%M}")
TRUTHS = st.sampled_from(["true", "false"])
JSON_CELLS = st.one_of(
    st.integers(-(10**20), 10**20), st.floats(-1e12, 1e12), st.booleans(), WORDS, NUMERALS, st.none()
)
COLUMNS = st.sampled_from([WORDS, NUMERALS, CODES, STAMPS, GERMAN, TRUTHS])
KINDS = ("numeric", "categorical", "datetime", "text", None)


@st.composite
def columns(draw: st.DrawFn, kinds: Any, rows: int) -> list[Any]:
    """Draw the cells of a column of one sort, some of them missing."""
    cells = draw(st.lists(draw(kinds), min_size=1, max_size=rows))
    gaps = draw(st.lists(MARKS, max_size=3)) if draw(st.booleans()) else []
    every = [*cells, *gaps]
    return [every[n % len(every)] for n in draw(st.permutations(range(rows)))]


def check_sent_back(rows: list[dict[str, Any]], content: bytes, name: str, kind: str | None) -> None:
    """Store a file with its column `c` of a kind, if it can be that, and send its rows back."""
    said: Mapping[str, Any] = {"kind": kind, "unreadable": "missing"} if kind else {"unreadable": "missing"}
    try:
        found = store(content, name, "y", c=said)
    except Invalid:
        return  # it cannot be of this kind
    found.assert_known(rows)


def run_csv(data: st.DataObject) -> None:
    """Check a CSV at random."""
    cells = data.draw(columns(COLUMNS, 24))
    delimiter = data.draw(st.sampled_from([",", ";", "\t"]))
    rows = [{"c": cell, "n": str(n), "y": ("a", "b")[n % 2]} for n, cell in enumerate(cells)]
    check_sent_back(rows, as_csv(rows, delimiter), "t.csv", data.draw(st.sampled_from(KINDS)))


def run_json(data: st.DataObject) -> None:
    """Check a JSON file at random."""
    cells = data.draw(columns(st.just(JSON_CELLS) | COLUMNS, 24))
    rows = [{"c": cell, "n": n, "y": ("a", "b")[n % 2]} for n, cell in enumerate(cells)]
    content = "\n".join(map(json.dumps, rows)).encode()
    check_sent_back(rows, content, "t.jsonl", data.draw(st.sampled_from(KINDS)))


SOME = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(SOME, max_examples=500)


@SOME
@given(st.data())
def test_any_row_of_a_csv_is_taken_as_training_saw_it(data: st.DataObject) -> None:
    run_csv(data)


@SOME
@given(st.data())
def test_any_row_of_a_json_file_is_taken_as_training_saw_it(data: st.DataObject) -> None:
    run_json(data)


@pytest.mark.services
@MANY
@given(st.data())
def test_any_of_500_rows_of_a_csv_is_taken_as_training_saw_it(data: st.DataObject) -> None:
    run_csv(data)


@pytest.mark.services
@MANY
@given(st.data())
def test_any_of_500_rows_of_a_json_file_is_taken_as_training_saw_it(data: st.DataObject) -> None:
    run_json(data)


def test_a_number_that_is_not_finite_is_never_a_number() -> None:
    with pytest.raises(Invalid):
        store(as_csv(table(size=["1", "2"])), "t.csv", "y").send([{"size": math.inf, "load": 1}])


def test_a_column_of_numbers_cannot_be_text_and_the_remedy_is_said() -> None:
    with pytest.raises(Invalid) as refused:
        store(as_csv(table(size=["0.0", "0.50"])), "t.csv", "y", size={"kind": "text"})
    assert "Choose categorical" in errors(refused)["body", "columns", "size", "kind"]
