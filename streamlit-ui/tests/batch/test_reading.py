import pytest
from hypothesis import given
from hypothesis import strategies as st

import canned_schemas
from streamlit_ui.batch.reading import Table, UnreadableTable, match_header, read_table, rows_of
from streamlit_ui.forms import Field, fields

CENSUS = fields(canned_schemas.CENSUS)


def read(text: str | bytes, max_rows: int = 1000) -> Table:
    return read_table(text.encode() if isinstance(text, str) else text, max_rows)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_common_delimiter_is_recognised(delimiter: str) -> None:
    table = read(f'age{delimiter}"a,b;c"\n39{delimiter}x\n')
    assert table.delimiter == delimiter
    assert (table.header, table.rows) == (["age", "a,b;c"], [["39", "x"]])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_each_common_encoding_is_recognised(encoding: str) -> None:
    table = read("name,größe\nÉric,1\n".encode(encoding))
    assert (table.header, table.rows) == (["name", "größe"], [["Éric", "1"]])


def test_quotes_hold_delimiters_and_lines_together() -> None:
    assert read('a,b\n"1,2","x\ny"\n').rows == [["1,2", "x\ny"]]


def test_blank_lines_are_no_rows() -> None:
    assert read("\n\nage\n\n1\n , \n2\n").rows == [["1"], ["2"]]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"age\n", "no rows"),
        (b'a,b\n"1,2\n3,4\n', "quotation mark"),
        (b'a,b\n"1"2,3\n', "quotation mark"),
        (b'\x89PNG\r\n\x1a\n,"\x02\x93"\xff', "not a text file"),
        (b"PK\x03\x04xlsx", "save the table as CSV"),
        (b"age\n\x00\x01\n", "not a text file"),
        (b"age\n1\n2\n3\n4\n", "4 rows; at most 3"),
    ],
)
def test_what_is_no_table_is_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableTable, match=sentence):
        read_table(content, 3)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_words(content: bytes) -> None:
    try:
        table = read_table(content, 1000)
    except UnreadableTable as error:
        refusal = str(error)
    else:
        refusal = ""
        assert table.rows
    assert refusal == "" or refusal.endswith(".")


@pytest.mark.parametrize("name", ["hours-per-week", "Hours per Week", " HOURS_PER_WEEK ", "hours.per.week"])
def test_a_column_is_found_however_it_is_spelled(name: str) -> None:
    match = match_header(["age", name, "extra"], CENSUS)
    assert match.columns == {"age": 0, "hours-per-week": 1}
    assert match.unused == ["extra"]
    assert "workclass" in match.absent


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (["39", "State-gov", "77516"], "The first line must name columns of the model: “age”"),
        (["age", "age"], "names “age” more than once, and the model takes “age”"),
        (["Age", "AGE"], "names “Age” and “AGE”, and the model takes “age”"),
    ],
)
def test_a_header_that_does_not_fit_is_a_sentence(header: list[str], sentence: str) -> None:
    with pytest.raises(UnreadableTable, match=sentence):
        match_header(header, CENSUS)


TWO_COUNTRIES = [Field("Country", "text", "Country"), Field("country", "text", "country")]


def test_columns_that_differ_only_in_case_feed_each_its_own_field() -> None:
    match = match_header(["country", "Country", "COUNTRY"], TWO_COUNTRIES)
    assert match.columns == {"Country": 1, "country": 0}
    assert match.unused == ["COUNTRY"]


def test_an_exact_name_leaves_the_other_column_to_the_other_field() -> None:
    assert match_header(["COUNTRY", "country"], TWO_COUNTRIES).columns == {"Country": 0, "country": 1}


def test_a_column_that_could_feed_either_field_is_refused() -> None:
    with pytest.raises(UnreadableTable, match="names “COUNTRY”, and the model takes “Country” and “country”"):
        match_header(["COUNTRY"], TWO_COUNTRIES)


def test_a_required_column_must_be_there() -> None:
    with pytest.raises(UnreadableTable, match="lacks “area”, which the model requires"):
        match_header(["rooms"], fields(canned_schemas.RENTS))


def test_a_column_is_found_by_its_name_in_the_training_file() -> None:
    renamed = [Field("Age", "numeric", "Age", source="Alter (Jahre)")]
    assert match_header(["Alter (Jahre)", "x"], renamed).columns == {"Age": 0}


def test_cells_are_sent_as_the_file_writes_them() -> None:
    table = read("age;workclass;extra\n 3,5 ;NA;x\n;?;\n")
    rows, faults = rows_of(table, match_header(table.header, CENSUS))
    assert [row.inputs for row in rows] == [
        {"age": "3,5", "workclass": "NA"},
        {"age": None, "workclass": "?"},
    ]
    assert not faults


def test_a_row_of_another_length_is_a_fault() -> None:
    table = read("age,workclass\n1\n2,Private\n")
    rows, faults = rows_of(table, match_header(table.header, CENSUS))
    assert [(fault.row, fault.message) for fault in faults] == [(1, "has 1 cell, but the header has 2")]
    assert [row.number for row in rows] == [2]
