"""Names with their values, as a small table."""

from collections.abc import Mapping

import streamlit as st

from streamlit_ui.text import plain


def show_facts(facts: Mapping[str, object]) -> None:
    """Show each name beside its value; nothing at all when there is none."""
    if not facts:
        return
    with st.grid(3, min_column_width=120, gap=("xsmall", "small")):
        for name, value in facts.items():
            with st.container(gap="xxsmall"):
                st.caption(plain(name))
                st.markdown(plain(value))
