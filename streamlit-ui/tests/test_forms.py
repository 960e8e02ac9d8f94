from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import canned_schemas
from streamlit_ui.forms import fields, row

KINDS = st.sampled_from(["numeric", "categorical", "text", "datetime", "image"])
PROPERTY = st.fixed_dictionaries(
    {"type": st.sampled_from(["string", "number", "integer", ["string", "null"], ["integer", "null"]])},
    optional={
        "x-kind": KINDS,
        "x-minimum": st.floats(allow_nan=False, allow_infinity=False),
        "x-maximum": st.floats(allow_nan=False, allow_infinity=False),
        "examples": st.lists(st.text(max_size=5), max_size=4),
        "default": st.one_of(st.none(), st.floats(), st.text(max_size=5), st.integers()),
        "description": st.text(max_size=20),
        "title": st.text(max_size=10),
    },
)


def test_a_schema_becomes_fields_in_its_order() -> None:
    found = fields(canned_schemas.CENSUS)
    assert [field.name for field in found] == list(canned_schemas.CENSUS["properties"])
    age, workclass = found[:2]
    assert (age.kind, age.label, age.integer, age.default) == ("numeric", "Age", True, 37)
    assert (age.minimum, age.maximum, age.required, age.step) == (17, 90, False, 1)
    assert (workclass.kind, workclass.choices[0], workclass.default) == ("categorical", "Private", "Private")


def test_what_must_be_given_says_so() -> None:
    rooms, area = fields(canned_schemas.RENTS)
    assert rooms.help.endswith("May be left empty.")
    assert area.required
    assert area.help == "In training: 12.5 to 240. Required."


@given(st.dictionaries(st.text(min_size=1, max_size=8), PROPERTY, max_size=6))
def test_every_schema_becomes_a_form(properties: dict[str, Any]) -> None:
    for field in fields({"properties": properties}):
        assert field.step > 0
        assert field.help
        assert field.label
        assert field.kind in ("numeric", "categorical", "text", "datetime")
        if field.kind == "numeric":
            assert field.default is None or isinstance(field.default, int | float)
            assert not field.choices


@pytest.mark.parametrize(
    ("entered", "sent"),
    [
        ("", None),
        ("  ", None),
        (" Private ", "Private"),
        (None, None),
        (0, 0),
        (1.5, 1.5),
        (datetime(2026, 1, 31, 12, 0), "2026-01-31T12:00:00+00:00"),  # noqa: DTZ001  # as the widget gives it
        (datetime(2026, 1, 31, 12, 0, tzinfo=UTC), "2026-01-31T12:00:00+00:00"),
        (date(2026, 1, 31), "2026-01-31"),
    ],
)
def test_what_was_entered_becomes_json(entered: Any, sent: Any) -> None:
    assert row({"column": entered}) == {"column": sent}


def test_columns_that_differ_in_case_have_labels_that_differ() -> None:
    names = ("Country", "country", "hours-per-week")
    found = fields({"properties": {name: {"type": "string"} for name in names}})
    assert [field.label for field in found] == ["Country", "country", "Hours per week"]
