from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

import canned_faces
from streamlit_ui.contract.types import Person
from streamlit_ui.person_fields import PersonFields, UnreadableDetails, read_details, write_details


def person(**changes: object) -> Person:
    made: Person = canned_faces.person(1, "Ada", **changes)  # type: ignore[assignment]  # as the contract has it
    return made


def fields(**changes: object) -> PersonFields:
    default: dict[str, object] = {
        "label": "Ada",
        "contact": "",
        "details": {},
        "agreed": False,
        "until": None,
    }
    return PersonFields(**{**default, **changes})  # type: ignore[arg-type]  # by name


def test_details_are_lines_with_a_name_each() -> None:
    assert read_details(" Department : Sales\n\nFloor:3: left\n") == {
        "Department": "Sales",
        "Floor": "3: left",
    }


@pytest.mark.parametrize("line", ["Sales", ": Sales"])
def test_a_line_that_names_nothing_is_refused(line: str) -> None:
    with pytest.raises(UnreadableDetails, match="Sales"):
        read_details(line)


_WORDS = st.text("abc é-", min_size=1).map(str.strip).filter(bool)


@given(st.dictionaries(_WORDS, _WORDS))
def test_details_that_are_written_are_read_again(details: dict[str, str]) -> None:
    expected = {name: " ".join(value.split()) for name, value in details.items()}
    assert read_details(write_details(details)) == expected


def test_who_is_enrolled_is_known_to_the_end_of_the_last_day() -> None:
    asked = fields(until=date(2027, 1, 31)).request(["query-images/1.jpg"])
    assert asked["keep_until"] == "2027-01-31T23:59:59.999999+00:00"
    assert "consent_at" not in asked


def test_what_was_not_touched_is_not_changed() -> None:
    kept = person(consent_at="2026-01-31T12:00:00Z", keep_until="2027-01-31T23:59:59Z")
    assert fields(agreed=True, until=date(2027, 1, 31)).changes(kept) == {}


def test_a_consent_is_withdrawn_and_a_day_taken_back() -> None:
    kept = person(consent_at="2026-01-31T12:00:00Z", keep_until="2027-01-31T23:59:59Z")
    assert fields().changes(kept) == {"consent_at": None, "keep_until": None}
