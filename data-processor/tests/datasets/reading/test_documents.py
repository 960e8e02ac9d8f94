"""JSON in every form that data frames and programs write."""

import contextlib
import encodings
import json
import pkgutil
from typing import Any

import pandas as pd
import pytest

from data_processor.datasets.reading.refusals import RefusedFileError
from reading_files import read, refusal

FRAME = pd.DataFrame(
    {"area": [n / 2 for n in range(30)], "zone": ["east", "west", "süd"] * 10, "big": ["yes", "no"] * 15}
)
ROWS = FRAME.to_dict("records")


@pytest.mark.parametrize("orient", ["records", "split", "columns", "index", "table"])
def test_a_frame_is_read_in_each_orientation(orient: Any) -> None:
    content = FRAME.to_json(orient=orient).encode()
    assert read(content, "table.json")[0] == ROWS


@pytest.mark.parametrize("orient", ["split", "columns", "index", "table"])
def test_an_index_that_says_something_is_kept_unless_asked_otherwise(orient: Any) -> None:
    labelled = FRAME.set_index(
        "zone" if orient == "split" else pd.Index([f"k{n}" for n in range(30)], name="k")
    )
    content = labelled.to_json(orient=orient).encode()
    rows, source = read(content, "table.json")
    assert rows[2]["index"] == ("süd" if orient == "split" else "k2")
    assert [(one.field, one.value) for one in source.choices] == [("index", "drop")]
    assert "index" not in read(content, "table.json", index="drop")[0][0]
    assert read(FRAME.to_json(orient=orient).encode(), "table.json", index="keep")[0][2]["index"] in (2, "2")


def test_lists_by_column_and_rows_in_a_field_are_read() -> None:
    assert read(json.dumps(FRAME.to_dict("list")).encode(), "table.json")[0] == ROWS
    wrapped = {"total": 30, "data": ROWS}
    rows, source = read(json.dumps(wrapped, indent=1).encode(), "table.json")
    assert (rows, source.notes) == (ROWS, ["The rows are the list in the field 'data'."])


def test_rows_as_lists_have_their_names_in_the_first_or_none() -> None:
    values = [list(row.values()) for row in ROWS]
    rows, source = read(json.dumps(values).encode(), "table.json")
    assert (list(rows[0]), source.header, len(rows)) == (["column_1", "column_2", "column_3"], False, 30)
    named = json.dumps([["area", "zone", "big"], *values]).encode()
    assert read(named, "table.json")[0] == ROWS
    assert len(read(named, "table.json", header=False)[0]) == 31


def test_objects_one_behind_the_other_need_no_lines() -> None:
    content = "".join(json.dumps(row, indent=2) for row in ROWS)
    assert read(content.encode(), "table.jsonl")[0] == ROWS


def test_a_single_row_is_a_row() -> None:
    assert read(b'{"a": 1, "b": "x"}', "table.json")[0] == [{"a": 1, "b": "x"}]


def test_long_numbers_are_the_same_in_a_list_and_in_lines() -> None:
    rows = [{"id": 2**64 + n, "n": n} for n in range(5)]
    listed, lines = json.dumps(rows).encode(), "\n".join(map(json.dumps, rows)).encode()
    assert (
        read(listed, "a.json")[0]
        == read(lines, "a.json")[0]
        == [{"id": str(2**64 + n), "n": n} for n in range(5)]
    )


@pytest.mark.parametrize("form", ["[{%s}]", "{%s}\n{%s}\n"])
def test_a_number_that_has_no_end_is_refused(form: str) -> None:
    content = form.replace("%s", '"a": 1, "b": ' + "9" * 5000).encode()
    assert "row 1 holds a number of more than 4300 digits" in refusal(content, "a.json")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"a": {"b": 1}, "c": 2}', "whose fields are no table"),
        ('{"a": [1, 2], "b": [1]}', "not of the same length: 'a' has 2, 'b' has 1"),
        ('{"columns": ["a", "b"], "data": [[1]]}', "Row 1 in the field 'data' is not a list of 2 values"),
        ('{"x": {"a": 1, "b": 2}, "y": {"a": 3, "b": 4}}', "which may be its columns or its rows"),
        ("[[1, 2], [3]]", "Row 2 has 1 values, but the first row is a list of 2 values"),
        ('[{"a": 1, "b": 2} {"a": 1, "b": 2}]', "a comma is missing behind row 1"),
        ('[{"a": 1, "b": 2}', "its list does not end"),
        ('[{"a": 1, "b": 2}] 3', "there is more behind the end"),
        ('{"a": {"b": 1}, "c": 2}\n{"a": 1, "c": 2}', "Field 'a' of row 1 holds an object"),
    ],
)
def test_what_is_no_table_is_refused_with_what_is_wrong(content: str, sentence: str) -> None:
    assert sentence in refusal(content.encode(), "a.json")


def test_rows_go_on_behind_the_piece_that_is_read_at_a_time() -> None:
    rows = [{"text": f"{n} " + "ü" * 700_000, "n": n} for n in range(5)]
    for content in (json.dumps(rows, ensure_ascii=False), "\n".join(map(json.dumps, rows))):
        assert read(content.encode(), "a.json")[0] == rows


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("lines", [False, True])
def test_json_is_read_in_other_encodings_and_says_so(encoding: str, lines: bool) -> None:
    content = FRAME.to_json(orient="records", lines=lines, force_ascii=False)
    rows, source = read(content.encode(encoding), "table.json")
    assert (rows, source.encoding) == (ROWS, encoding)
    assert (source.notes == []) is (encoding == "utf-8-sig")


CODECS = sorted({module.name for module in pkgutil.iter_modules(encodings.__path__)} - {"aliases"})


@pytest.mark.parametrize("form", ["table.csv", "table.json"])
def test_every_codec_of_python_reads_a_file_or_is_refused_by_its_field(form: str) -> None:
    content = b"a,b\n1,2\n" if form == "table.csv" else b'[{"a": 1, "b": 2}]'
    refused = set()
    for name in CODECS:
        written = content
        with contextlib.suppress(LookupError, UnicodeError):
            written = content.decode().encode(name) if name.startswith("utf") else content
        try:
            rows, _ = read(written, form, encoding=name)
        except RefusedFileError:
            refused.add(name)
        else:
            assert rows == [{"a": 1, "b": 2}], name
    assert {"idna", "punycode", "undefined", "unicode_escape", "utf_7", "rot_13", "zlib_codec"} <= refused
    assert not {"ascii", "utf_8", "utf_16", "utf_32", "cp1252", "latin_1", "shift_jis", "gb18030"} & refused
