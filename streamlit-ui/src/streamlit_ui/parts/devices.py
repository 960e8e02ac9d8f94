"""The things that speak MQTT."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.client import Gateway
from streamlit_ui.contract.types import Device
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.text import plain
from streamlit_ui.times import ago

PUBLIC_HELP = (
    "It also sends to model/actions/feature and reads model/results/feature, without its name at the end. "
    "For a program that cannot use other topics. Only one device can."
)


def show_devices(gateway: Gateway) -> None:
    """List the devices, and create new ones."""
    if st.button("Create a device", type="primary", icon=":material/sensors:"):
        _create()
    devices = gateway.devices()
    if not devices:
        what = (
            "A device sends requests over MQTT, with a password of its own, and reads its own answers only."
        )
        blank(":material/sensors:", "No devices", what)
    for device in devices:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap="xxsmall", width="stretch"):
                st.markdown(f"**{plain(device['name'])}**")
                public = " · topics without its name" if device["public_topics"] else ""
                since = f"created {ago(device['created_at'])} by {device['created_by']}"
                st.caption(plain(f"{since}{public}"))
            if st.button("Revoke…", key=f"revoke {device['id']}"):
                _revoke(device)


@st.dialog("Create a device", on_dismiss="rerun")
def _create() -> None:
    with problems_in_words():
        questions = st.empty()
        with questions.container(), st.form("device", border=False):
            name = st.text_input("Name of the device", help="Small letters, digits, dots, dashes.")
            public = st.checkbox("Let it use the topics without its name", help=PUBLIC_HELP)
            create = st.form_submit_button("Yes, create", type="primary")
        if create and not name.strip():
            st.error("Please enter a name.")
        elif create:
            made = signed_in.gateway().create_device(name.strip(), public_topics=public)
            questions.empty()
            st.success("This is its password. Copy it now: it is **not shown again**.", icon=":material/key:")
            st.code(made["password"], language=None, wrap_lines=True)
            st.caption("It signs in to the broker with its name, and asks and reads here:")
            end = "" if made["public_topics"] else f"/{made['name']}"
            topics = f"<model>/actions/predict{end}\n<model>/results/predict{end}"
            st.code(topics, language=None, wrap_lines=True)


@st.dialog("Revoke a device")
def _revoke(device: Device) -> None:
    with problems_in_words():
        st.markdown(f"**{plain(device['name'])}** is cut off from the broker, and gets no more answers.")
        if st.button("Yes, revoke", type="primary"):
            signed_in.gateway().delete_device(device["id"])
            st.rerun()
