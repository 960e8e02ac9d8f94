"""Whatever goes wrong becomes a sentence on the page; an ended session leads back to the sign-in page."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.client import GatewayError, SignedOut, Unreachable
from streamlit_ui.text import plain, plural, title
from streamlit_ui.times import duration

_SHOWN, _MINUTE = 10, 60


@contextmanager
def problems_in_words(*, again: bool = False) -> Iterator[None]:
    """Show the problem that stops this block, and go on behind it; `again` is for a whole page."""
    try:
        yield
    except SignedOut:
        signed_in.end_session("Your session has ended. Please sign in again.")
        st.rerun()
    except GatewayError as error:
        show(error)
        if again and error.passing:
            # To press it is to run the page again.
            st.button("Try again", icon=":material/refresh:")


def show(error: GatewayError) -> None:
    """Say what is wrong, with the fields concerned and when to try again."""
    lines = [plain(error.sentence)]
    if error.retry_after:
        lines += ["", f"Please try again in {_wait(error.retry_after)}."]
    # A lone field's message may be the sentence itself.
    found = [(place, message) for place, message in error.errors if message not in error.sentence]
    if found:
        lines += [
            "",
            *(f"- **{plain(_where(place))}**: {plain(message)}" for place, message in found[:_SHOWN]),
        ]
    if len(found) > _SHOWN:
        lines.append(f"- and {len(found) - _SHOWN} more")
    icon = ":material/cloud_off:" if isinstance(error, Unreachable) else ":material/error:"
    st.error("\n".join(lines), icon=icon)


def _wait(seconds: float) -> str:
    return plural(math.ceil(seconds), "second") if seconds < _MINUTE else duration(seconds)


def _where(place: tuple[str | int, ...]) -> str:
    named = [str(part) for part in place if isinstance(part, str) and part not in ("body", "inputs", "query")]
    return title(named[-1]) if named else "The request"
