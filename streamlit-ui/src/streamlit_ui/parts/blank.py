"""What a page shows while there is nothing to show."""

import streamlit as st


def blank(icon: str, heading: str, explanation: str) -> None:
    """Say that there is nothing here yet, and what will bring something."""
    with st.container(border=True, horizontal_alignment="center", gap="xsmall"):
        st.space("small")
        st.markdown(f"### {icon}", width="content")
        st.markdown(f"**{heading}**", width="content")
        st.caption(explanation, width="content")
        st.space("small")
