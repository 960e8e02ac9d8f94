import pytest
from streamlit.testing.v1 import AppTest

from acting import press, said
from conftest import Open
from fake_gateway import FakeGateway


def uploaded(open_page: Open, content: bytes) -> AppTest:
    page = open_page("upload", "user")
    page.file_uploader[0].set_value(("people.csv", content, "text/csv"))
    page.run()
    assert not page.exception
    return page


def counts(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_a_batch_goes_in_portions_and_comes_back(open_page: Open, fake: FakeGateway) -> None:
    rows = "\n".join(f"{20 + row % 50},Private" for row in range(1_100))
    page = press(uploaded(open_page, f"age,workclass\n{rows}".encode()), "Predict 1\u202f100 rows")
    sizes = [len(body["inputs"]) for method, path, _, body in fake.requests if path.endswith("/predictions")]
    assert sizes == [500, 500, 100]
    assert counts(page) == {"Predicted": "1\u202f100", "Rejected": "0", "Not sent yet": "0"}
    assert [found.label for found in page.download_button] == ["Download predictions"]


def test_rows_with_faults_are_listed_and_the_others_predicted(open_page: Open) -> None:
    page = press(uploaded(open_page, b"age\n30\n-1\nabc\n40\n"), "Predict 4 rows")
    assert counts(page) == {"Predicted": "2", "Rejected": "2", "Not sent yet": "0"}
    listed = page.dataframe[1].value
    assert list(listed["Row"]) == [2, 3]
    assert list(listed["Field"]) == ["age", "age"]


def test_a_batch_that_was_interrupted_goes_on(open_page: Open, fake: FakeGateway) -> None:
    page = uploaded(open_page, ("age\n" + "30\n" * 700).encode())
    fake.trouble("/v1/models/census-income/predictions", 500, "The disk is full.")
    press(page, "Predict 700 rows")
    assert "The disk is full" in said(page)
    fake.troubles.clear()
    press(page, "Predict 700 rows")
    assert counts(page)["Predicted"] == "700"


def test_a_batch_survives_another_page(open_page: Open) -> None:
    page = press(uploaded(open_page, b"age\n30\n40\n"), "Predict 2 rows")
    page.switch_page("views/history.py").run()
    page.switch_page("views/upload.py").run()
    assert counts(page)["Predicted"] == "2"


def test_a_file_that_is_taken_away_takes_its_batch_along(open_page: Open) -> None:
    page = press(uploaded(open_page, b"age\n30\n40\n"), "Predict 2 rows")
    page.file_uploader[0].set_value(None)
    page.run()
    assert not page.metric


def test_a_second_file_replaces_the_first(open_page: Open) -> None:
    page = press(uploaded(open_page, b"age\n30\n40\n"), "Predict 2 rows")
    page.file_uploader[0].set_value(("more.csv", b"age\n1\n2\n3\n", "text/csv"))
    page.run()
    assert [found.label for found in page.button if found.label.startswith("Predict")] == ["Predict 3 rows"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty"),
        (b"age\n", "no rows below it"),
        (b"colour,shape\nred,round\n", "None of the columns is known"),
        (b"PK\x03\x04rest", "save the table as CSV"),
    ],
)
def test_a_file_that_is_no_table_is_a_sentence(open_page: Open, content: bytes, sentence: str) -> None:
    page = uploaded(open_page, content)
    assert sentence in said(page)


def test_a_file_with_too_many_rows_is_a_sentence(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_BATCH_ROWS", "2")
    page = uploaded(open_page, b"age\n1\n2\n3\n")
    assert "has 3 rows; at most 2 are accepted" in said(page)


def test_columns_that_are_absent_or_unknown_are_named(open_page: Open) -> None:
    page = uploaded(open_page, b"Age;hours per week;name\n30;40;Ada\n")
    remarks = [caption.value.replace("\\", "") for caption in page.caption]
    assert any(said.startswith("Not in the file") and "workclass" in said for said in remarks)
    assert "Not used by the model, but kept in the output: name." in remarks


def test_the_expected_columns_are_shown_before_an_upload(open_page: Open) -> None:
    page = open_page("upload", "user")
    assert "hours-per-week" in list(page.dataframe[0].value["Column"])
