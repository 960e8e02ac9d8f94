"""The fields of a person, for whoever enrols somebody or changes what is kept about them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Protocol

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.contract.types import Person
from streamlit_ui.person_fields import PersonFields, UnreadableDetails, day, read_details, write_details
from streamlit_ui.text import plain

PICTURES = ["jpg", "jpeg", "png", "webp"]
"""The kinds of files that are taken."""
MOST_MB = 10
MOST_PICTURES = 20
"""Pictures that are added at once."""


class File(Protocol):
    """A file that somebody chose, or a picture of the camera."""

    def getvalue(self) -> bytes:
        """Return what is in it."""


class _Entered:
    """The fields as they are: read when the form is sent."""

    def __init__(self, label: str, contact: str, details: str, until: object, *, agreed: bool) -> None:
        self._texts = label, contact, details
        self._agreed, self._until = agreed, until

    def read(self) -> PersonFields | None:
        """Return what was filled in; say what is wrong with it otherwise."""
        label, contact, details = map(str.strip, self._texts)
        if not label:
            st.error("Please enter a name.", icon=":material/edit_note:")
            return None
        try:
            free = read_details(details)
        except UnreadableDetails as error:
            st.error(plain(error), icon=":material/edit_note:")
            return None
        until = self._until if isinstance(self._until, date) else None
        return PersonFields(label, contact, free, self._agreed, until)


def ask_person(key: str, person: Person | None = None) -> _Entered:
    """Show the fields within a form, filled with what is kept about a person if there is one."""
    label = st.text_input("Name", person["label"] if person else "", max_chars=64, key=f"name {key}")
    contact = st.text_input(
        "Contact",
        person["contact"] if person else "",
        placeholder="Optional",
        max_chars=500,
        key=f"contact {key}",
    )
    details = st.text_area(
        "Details",
        write_details(person["details"]) if person else "",
        placeholder="Optional, a line each, as in\nDepartment: Sales",
        height=80,
        max_chars=5000,
        key=f"details {key}",
    )
    agreed = st.checkbox(
        "The person agrees to be recognised", bool(person and person["consent_at"]), key=f"agreed {key}"
    )
    until = st.date_input(
        "Known until",
        day(person["keep_until"]) if person else None,
        min_value=min(filter(None, (datetime.now(UTC).date(), person and day(person["keep_until"])))),
        format="YYYY-MM-DD",
        help="The last day; then the person is forgotten, pictures and all. Empty: until somebody says so.",
        key=f"until {key}",
    )
    return _Entered(label, contact, details, until, agreed=agreed)


def store(files: Sequence[File]) -> list[str]:
    """Store pictures and return their names."""
    return [signed_in.gateway().store_picture(file.getvalue()) for file in files]
