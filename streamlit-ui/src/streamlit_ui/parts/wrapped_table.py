"""A table that wraps its text to the width of the page, so that no column is cut off."""

import pandas as pd
import streamlit as st

from streamlit_ui.text import plain

_MOST, _HEIGHT = 15, 560
"""As many rows stand on the page as they are; more of them scroll in a window of so many pixels."""


def show_wrapped(frame: pd.DataFrame, alt: str) -> None:
    """Show a table of text; its cells and headings are shown as they are, never as markup."""
    shown = frame.rename(columns=plain).map(plain)
    st.table(shown, hide_index=True, height=_HEIGHT if len(shown) > _MOST else "content", alt=alt)
