import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlit_ui.text import listing, number, percent, plain, plural, shorten, size, title, titles


@given(st.text())
def test_plain_text_leaves_no_punctuation_alive(text: str) -> None:
    alive = re.sub(rf"\\[{re.escape(string.punctuation)}]", "", plain(text))
    assert not set(alive) & set(string.punctuation)


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"])))
def test_plain_text_says_the_same(text: str) -> None:
    assert re.sub(r"\\(.)", r"\1", plain(text)) == text


@given(st.text())
def test_plain_text_stays_on_one_line(text: str) -> None:
    assert not set(plain(text)) & set("\n\r\t\f\v\u2028\u2029")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("hours-per-week", "Hours per week"),
        ("age", "Age"),
        ("petal_width", "Petal width"),
        ("", ""),
        ("--", "--"),
    ],
)
def test_a_name_becomes_a_heading(name: str, shown: str) -> None:
    assert title(name) == shown


@given(st.text(), st.integers(1, 50))
def test_shortened_text_fits(text: str, length: int) -> None:
    assert len(shorten(text, length)) <= length


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (1234567, "1\u202f234\u202f567"),
        (0.5, "0.5"),
        (0.12345678, "0.1235"),
        (0.0000123, "1.2e-05"),
        (2174.0, "2\u202f174"),
        (-0.25, "-0.25"),
    ],
)
def test_numbers_read_well(value: float | None, shown: str) -> None:
    assert number(value) == shown


@given(st.floats(0, 1))
def test_what_is_not_certain_is_never_shown_as_certain(share: float) -> None:
    assert (percent(share) == "100 %") is (share == 1)
    assert (percent(share) == "0 %") is (share == 0)


@pytest.mark.parametrize(
    ("share", "digits", "shown"),
    [
        (0.745, 1, "74.5 %"),
        (0.999999, 0, "> 99 %"),
        (0.0001, 1, "< 0.1 %"),
        (None, 0, "–"),
        (1.0, 0, "100 %"),
    ],
)
def test_shares_are_percentages(share: float | None, digits: int, shown: str) -> None:
    assert percent(share, digits) == shown


def test_small_words() -> None:
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert listing(["a"]) == "a"
    assert listing([]) == ""
    assert plural(1, "row") == "1 row"
    assert plural(2, "row was", "rows were") == "2 rows were"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(None, "–"), (512, "512 bytes"), (412_000, "412 kB"), (7_120_000, "7.12 MB"), (3e9, "3 GB")],
)
def test_sizes_have_a_unit(count: float | None, shown: str) -> None:
    assert size(count) == shown


def test_names_that_would_read_alike_are_shown_as_they_are() -> None:
    assert titles(["Country", "country", "hours-per-week"]) == {
        "Country": "Country",
        "country": "country",
        "hours-per-week": "Hours per week",
    }
