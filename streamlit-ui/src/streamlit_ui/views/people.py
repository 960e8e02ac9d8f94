"""Users and keys: who may sign in, which programs may call, which devices may ask over MQTT."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.parts.devices import show_devices
from streamlit_ui.parts.keys import show_keys
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.users import show_users


def page() -> None:
    """Show users, keys and devices in a section each."""
    st.title("Users and keys")
    sections = ["Users", "Keys", "Devices"]
    users, keys, devices = st.tabs(sections, key="people", bind="query-params", on_change="rerun")
    if users.open:
        with users, problems_in_words():
            show_users(signed_in.gateway())
    if keys.open:
        with keys, problems_in_words():
            show_keys(signed_in.gateway())
    if devices.open:
        with devices, problems_in_words():
            show_devices(signed_in.gateway())


page()
