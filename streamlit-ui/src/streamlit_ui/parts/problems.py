"""Every failure becomes a sentence on the page; an ended session leads back to the sign-in page."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import signed_in
from streamlit_ui.client import GatewayError, SignedOut, Unreachable
from streamlit_ui.text import plain, plural, title
from streamlit_ui.times import duration

_SHOWN, _MINUTE = 10, 60


@contextmanager
def problems_in_words(*, again: bool = False) -> Iterator[None]:
    """Show the problem that stops this block, and continue after it; `again` is for a whole page."""
    try:
        yield
    except SignedOut:
        signed_in.end_session("Your session has ended. Please sign in again.")
        st.rerun()
    except GatewayError as error:
        show(error)
        if again and error.transient:
            # Pressing it runs the page again.
            st.button("Try again", icon=":material/refresh:")


def show(error: GatewayError) -> None:
    """Show a problem with the fields concerned and when to try again."""
    lines = [plain(error.sentence)]
    if error.retry_after:
        lines += ["", f"Please try again in {_wait(error.retry_after)}."]
    # A lone field's message may be the sentence itself, but for its first letter.
    said = error.sentence.lower()
    found = [(place, message) for place, message in error.errors if message.lower() not in said]
    if found:
        lines += [
            "",
            *(f"- **{plain(_where(place))}**: {plain(message)}" for place, message in found[:_SHOWN]),
        ]
    if len(found) > _SHOWN:
        lines.append(f"- and {len(found) - _SHOWN} more")
    icon = ":material/cloud_off:" if isinstance(error, Unreachable) else ":material/error:"
    st.error("\n".join(lines), icon=icon)


def show_beside(error: GatewayError, places: Mapping[str, DeltaGenerator]) -> None:
    """Show a problem beside what caused it: `places` are fields of the request, each with its place.

    What belongs to none of them, and a problem without fields, is shown where this is called.
    """
    rest = []
    for place, message in error.errors:
        fields = _fields(place)
        beside = places.get(fields[0]) if fields else None
        if beside is None:
            rest.append({"loc": place, "message": message})
        else:
            named = f"**{plain(_where(place))}**: " if len(fields) > 1 else ""
            beside.error(f"{named}{plain(message)}", icon=":material/error:")
    if rest or not error.errors:
        show(GatewayError(error.sentence, error.status, {**error.body, "errors": rest}, error.retry_after))
    else:
        st.error(f"{plain(error.sentence)} See the errors above.", icon=":material/error:")


def _wait(seconds: float) -> str:
    return plural(math.ceil(seconds), "second") if seconds < _MINUTE else duration(seconds)


def _where(place: tuple[str | int, ...]) -> str:
    named = [part for part in _fields(place) if part != "inputs"]
    if len(named) > 1 and named[0] == "columns":
        # The column says more than which of its properties it is.
        return named[1]
    if named and named[0] == "candidates":
        which = next((f"Candidate {part + 1}" for part in place if isinstance(part, int)), "Candidates")
        return ", ".join([which, *(title(part) for part in named[1:] if part != "params")])
    return title(named[-1]) if named else "The request"


def _fields(place: tuple[str | int, ...]) -> list[str]:
    return [str(part) for part in place if isinstance(part, str) and part not in ("body", "query")]
