"""Notifications: who is told of what, and what became of it."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.parts.destinations import show_destinations


def page() -> None:
    """Show the destinations."""
    st.title("Notifications")
    st.caption("Where the platform says that a score fell, a run ended or a version was promoted.")
    show_destinations(may_change=signed_in.may("maintainer"))


page()
