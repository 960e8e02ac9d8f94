"""Users and keys: who may sign in, and which programs may call."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.parts.keys import show_keys
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.users import show_users


def page() -> None:
    """Show users in one section, keys in the other."""
    st.title("Users and keys")
    users, keys = st.tabs(["Users", "Keys"], key="people", bind="query-params", on_change="rerun")
    if users.open:
        with users, problems_in_words():
            show_users(signed_in.gateway())
    if keys.open:
        with keys, problems_in_words():
            show_keys(signed_in.gateway())


page()
