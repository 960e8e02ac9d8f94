"""Any file as typed columns: what goes in comes out, and what is no table is said to be none."""

import contextlib
import csv
import datetime as dt
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_processor.datasets.reading.files import find_format, read_file
from data_processor.datasets.reading.refusals import RefusedFileError
from data_processor.datasets.reading.source import MAX_COLUMNS, Hints
from reading_files import Rows, parquet, read, refusal, workbook

WORDS = st.text(st.characters(codec="cp1252", categories=("L", "Zs", "P", "Nd")), min_size=1, max_size=12)
TEXTS = WORDS.map(str.strip).filter(lambda text: any(c.isalpha() for c in text)).map(lambda text: f"w {text}")
NUMBERS = st.floats(-1e9, 1e9).map(lambda number: round(number, 4))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(TEXTS, NUMBERS, st.integers(-(10**12), 10**12), st.none() | NUMBERS),
        min_size=3,
        max_size=30,
    ),
    delimiter=st.sampled_from((",", ";", "\t", "|", "^", "~")),
    encoding=st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")),
    decimal=st.sampled_from((".", ",")),
    missing=st.sampled_from(("", "?", "NA", "-")),
    ending=st.sampled_from(("\n", "\r\n")),
    header=st.booleans(),
)
def test_a_csv_in_any_dialect_gives_its_values_back(  # noqa: PLR0917  # hypothesis names them all
    rows: list[tuple[str, float, int, float | None]],
    delimiter: str,
    encoding: str,
    decimal: str,
    missing: str,
    ending: str,
    header: bool,
) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_MINIMAL)
    if header:
        writer.writerow(("text", "number", "whole", "gaps"))
    for text, number, whole, gap in rows:
        numbers = [missing if n is None else f"{n:.4f}".replace(".", decimal) for n in (number, gap)]
        writer.writerow((text, numbers[0], whole, numbers[1]))
    hints = {"encoding": encoding} if encoding in ("cp1252", "utf-16-le") else {}
    found, source = read(
        written.getvalue().encode(encoding), delimiter=delimiter, decimal=decimal, header=header, **hints
    )
    names = ("text", "number", "whole", "gaps") if header else tuple(f"column_{n}" for n in (1, 2, 3, 4))
    assert [tuple(row[name] for name in names) for row in found] == rows
    assert source.header is header


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(("red", "green; blue", "a, b", "x|y")), NUMBERS, st.integers(0, 99)),
        min_size=5,
        max_size=30,
    ),
    dialect=st.sampled_from(((",", "."), (";", ","), (";", "."), ("\t", ","), ("|", "."), ("\t", "."))),
    encoding=st.sampled_from(("utf-8", "utf-8-sig", "utf-16")),
)
def test_how_a_csv_is_written_is_found_out(
    rows: list[tuple[str, float, int]], dialect: tuple[str, str], encoding: str
) -> None:
    delimiter, decimal = dialect
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter)
    writer.writerow(("colour", "weight", "count"))
    writer.writerows([(text, f"{n:.4f}".replace(".", decimal), whole) for text, n, whole in rows])
    found, source = read(written.getvalue().encode(encoding))
    assert (source.delimiter, source.header) == (delimiter, True)
    assert [tuple(row.values()) for row in found] == rows


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Käse aus Zürich für viele Gäste"),
        ("cp1252", "Hélène, née à l\u2019école"),
        ("cp1250", "Łukasz Żółć jedzie do Krakowa na gęś"),
        ("cp1251", "Анна Каренина едет в Москву"),
        ("cp932", "山田太郎は東京都にいます"),
    ],
)
def test_letters_without_a_mark_are_read_as_what_they_are(encoding: str, text: str) -> None:
    rows = "".join(f'"{text}",{n}\n' for n in range(50))
    found, source = read(f"name,count\n{rows}".encode(encoding))
    assert found[7] == {"name": text, "count": 7}, source.encoding


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (("1", "2", "-3"), [1, 2, -3]),
        (("1.5", "2", "+3e2"), [1.5, 2.0, 300.0]),
        (("1,234.5", "2,000.25", "12"), [1234.5, 2000.25, 12.0]),
        (("1.234,5", "2.000,25", "12"), [1234.5, 2000.25, 12.0]),
        (("1 234,5", "2 000,25", "12"), [1234.5, 2000.25, 12.0]),
        (("007", "12", "13"), ["007", "12", "13"]),
        (("12345678901234567890", "1", "2"), ["12345678901234567890", "1", "2"]),
        (("0", "0.5", ".25"), [0.0, 0.5, 0.25]),
        (("1", "two", "3"), ["1", "two", "3"]),
        (("?", "NA", "n/a"), [None, None, None]),
        (("-", "5", ""), [None, 5, None]),
        (("=1+2", "+cmd", "@x"), ["=1+2", "+cmd", "@x"]),
        (("3.", "4.", "5.5"), [3.0, 4.0, 5.5]),
    ],
)
def test_cells_are_numbers_only_if_nothing_is_lost(cells: tuple[str, ...], values: list[Any]) -> None:
    content = "value;other\n" + "".join(f"{cell};x\n" for cell in cells)
    assert [row["value"] for row in read(content.encode())[0]] == values


def test_quoted_cells_may_hold_separators_quotes_and_line_ends() -> None:
    found, _ = read(b'a,b\n"1, or\n2","say ""hi"""\nx,y\n')
    assert found == [{"a": "1, or\n2", "b": 'say "hi"'}, {"a": "x", "b": "y"}]


def test_parquet_keeps_its_types() -> None:
    noon = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
    content = parquet(
        {
            "whole": pa.array([1, None, 2**60]),
            "number": pa.array([1.5, float("nan"), None], pa.float32()),
            "timestamp": pa.array([noon, None, noon], pa.timestamp("ns", "Europe/Zurich")),
            "day": pa.array([dt.date(2026, 1, 31)] * 3),
            "flag": pa.array([True, None, False]),
            "kind": pa.array(["a", "?", " b "]).dictionary_encode(),
        }
    )
    found, _ = read(content, "table.parquet")
    naive = noon.replace(tzinfo=None)
    assert found[0] == {
        "whole": 1,
        "number": 1.5,
        "timestamp": naive,
        "day": dt.datetime(2026, 1, 31),  # noqa: DTZ001  # a day has no zone
        "flag": True,
        "kind": "a",
    }
    assert [row["whole"] for row in found] == [1, None, 2**60]
    assert [row["number"] for row in found] == [1.5, None, None]
    assert [row["kind"] for row in found] == ["a", None, "b"]


VALUES = st.none() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries({"n": VALUES, "t": TEXTS, "b": st.booleans()}), min_size=1, max_size=20
    ),
    lines=st.booleans(),
)
def test_json_gives_its_values_back_as_a_list_and_as_lines(rows: Rows, lines: bool) -> None:
    content = "\n".join(map(json.dumps, rows)) if lines else json.dumps(rows)
    found, source = read(content.encode(), "table.json")
    assert found == rows
    assert source.format == "json"


def test_json_objects_may_lack_fields() -> None:
    found, _ = read(b'[{"a": 1, "b": "x"}, {"b": "?", "c": true}]', "table.json")
    assert found == [{"a": 1, "b": "x", "c": None}, {"a": None, "b": None, "c": True}]


def test_a_sheet_gives_its_values_back() -> None:
    day = dt.datetime(2026, 1, 31)  # noqa: DTZ001  # a sheet knows no zones
    rows: list[list[Any]] = [
        ["name", "n", "when", "share"],
        ["Ann", 1, day, 0.5],
        ["Bob", None, day, 1],
        [],
        ["Cy", 3, None, "?"],
    ]
    found, source = read(workbook(rows, [["more"]]), "table.xlsx")
    assert [list(row.values()) for row in found] == [
        ["Ann", 1, day, 0.5],
        ["Bob", None, day, 1.0],
        ["Cy", 3, None, None],
    ]
    assert source.notes == ["Only the sheet 'Sheet' was read; 1 more were left out."]


def bomb() -> bytes:
    file = io.BytesIO(workbook([["a", "b"], [1, 2]]))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", b"<c/>" * 25_000_000)
    return file.getvalue()


def text_bomb() -> bytes:
    """Return one long text, 40 000 times: 20 GB in some kilobytes."""
    once = pa.DictionaryArray.from_arrays(pa.array([0] * 40_000, pa.int32()), ["x" * 500_000])
    return parquet({"a": once, "b": list(range(40_000))})


def wide() -> bytes:
    return b",".join(b"c%d" % n for n in range(10_000)) + b"\n" + b",".join([b"1"] * 10_000) + b"\n"


BAD: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "empty": (lambda: b"", "a.csv", "empty"),
    "blank": (lambda: b" \n\n \n", "a.csv", "empty"),
    "only a header": (lambda: b"a,b,c\n", "a.csv", "no row below the header"),
    "one column": (lambda: b"a\n1\n2\n", "a.csv", "one column"),
    "ragged, too long": (lambda: b"a,b\n1,2\n3,4,5\n", "a.csv", "Row 3 has 3 cells, but the first row has 2"),
    "ragged, too short": (
        lambda: b"a,b,c\n1,2,3\n3,4\n",
        "a.csv",
        "Row 3 has 2 cells, but the first row has 3",
    ),
    "one name twice": (lambda: b"a,b,a\n1,2,3\n", "a.csv", "Columns 1 and 3 have the same name 'a'"),
    "a name missing": (lambda: b"a,,c\nx,y,z\n", "a.csv", "Column 2 has no name"),
    "10 000 columns": (wide, "a.csv", f"10000 columns; at most {MAX_COLUMNS}"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "a.csv", "a picture"),
    "binary": (lambda: b"a,b\n" + bytes(range(256)) * 3, "a.csv", "binary"),
    "gzip": (lambda: b"\x1f\x8b\x08" + bytes(20), "a.csv", "unpack it first"),
    "CSV called Parquet": (
        lambda: b"a,b\n1,2\n",
        "a.parquet",
        "ends in '.parquet', but its content is not PARQUET",
    ),
    "CSV called XLSX": (lambda: b"a,b\n1,2\n", "a.xlsx", "ends in '.xlsx', but its content is not XLSX"),
    "XLSX called CSV": (lambda: workbook([["a", "b"], [1, 2]]), "a.csv", "its content is XLSX"),
    "Parquet called JSON": (lambda: parquet({"a": [1], "b": [2]}), "a.json", "its content is PARQUET"),
    "CSV called JSON": (lambda: b"a,b\n1,2\n", "a.json", "not JSON"),
    "a program": (lambda: b"MZ\x90", "a.exe", "ends in '.exe'"),
    "a ZIP called XLSX": (lambda: archive_of("notes.txt"), "a.xlsx", "not an XLSX workbook"),
    "an XLSX bomb": (bomb, "a.xlsx", "more than this platform unpacks"),
    "half an XLSX": (lambda: workbook([["a", "b"], [1, 2]])[:900], "a.xlsx", "damaged"),
    "an empty XLSX": (lambda: workbook([]), "a.xlsx", "no sheet has a row"),
    "half a Parquet": (lambda: parquet({"a": [1], "b": [2]})[:60], "a.parquet", "damaged"),
    "lists in Parquet": (lambda: parquet({"a": [[1]], "b": [2]}), "a.parquet", "Column 'a' holds list"),
    "a Parquet bomb": (text_bomb, "a.parquet", "The texts of the Parquet file unpack to more than 16384 MB"),
    "half a JSON": (lambda: b'[{"a": 1, "b": 2}, {"a"', "a.json", "not valid JSON"),
    "JSON without objects": (lambda: b"[1, 2]", "a.json", "Row 1 is 1, not an object"),
    "nested JSON": (lambda: b'[{"a": {"b": 1}, "c": 2}]', "a.json", "Field 'a' of row 1"),
    "empty JSON": (lambda: b"[]", "a.json", "no object"),
    "a quote never closed": (lambda: b'a,b\n"1,2\n' + b"3,4\n" * 5_000_000, "a.csv", "quote"),
    "half a letter": (lambda: b'{"a": "x\\ud800", "b": 1}\n', "a.json", "cannot all be stored"),
}


def archive_of(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "hello")
    return file.getvalue()


@pytest.mark.parametrize("what", BAD)
def test_what_is_not_a_table_is_refused_in_words(what: str) -> None:
    make, filename, message = BAD[what]
    assert message in refusal(make(), filename)


@pytest.mark.parametrize(("limit", "value"), [("MAX_UNPACKED_BYTES", 50), ("MAX_VALUES", 3)])
def test_a_parquet_file_is_refused_by_what_its_footer_says(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    content = parquet({"a": [1, 2], "b": ["x", "y"]})
    assert len(read(content, "a.parquet")[0]) == 2
    monkeypatch.setattr(f"data_processor.datasets.reading.parquet.{limit}", value)
    assert "The Parquet file unpacks to" in refusal(content, "a.parquet")


def test_long_texts_of_a_parquet_file_are_written_out_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_processor.datasets.reading.parquet._TEXT_BYTES", 10)
    texts = ["ab", "cdefgh", None, "a text longer than all that", "", "ab"] * 3
    found, _ = read(parquet({"a": texts, "n": list(range(18))}), "a.parquet")
    assert [row["a"] for row in found] == [text or None for text in texts]
    assert [row["n"] for row in found] == list(range(18))


def test_a_wrong_encoding_is_refused_by_its_field(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes("ä,b\n1,2\n".encode("cp1252"))
    for encoding, message in (
        ("utf-8", "not encoded in"),
        ("klingon", "not a known encoding"),
        ("hex", "not a text encoding"),
    ):
        with pytest.raises(RefusedFileError, match=message) as refused:
            read_file(tmp_path / "source", "a.csv", tmp_path / "raw", Hints(encoding=encoding))
        assert refused.value.field == "encoding"


@given(st.binary(max_size=400), st.sampled_from(("a.csv", "a.json", "a.xlsx", "a.parquet", "a")))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_a_table_or_refused_in_words(content: bytes, filename: str) -> None:
    with contextlib.suppress(RefusedFileError):
        rows, _ = read(content, filename)
        assert rows


def test_a_format_is_found_without_an_extension(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b'{"a": 1}')
    assert find_format(tmp_path / "a", "") == "json"
