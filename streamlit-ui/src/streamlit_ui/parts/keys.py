"""The programs that may call the gateway."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.client import Gateway
from streamlit_ui.contract.types import Key
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.users import ROLE_HELP, ROLES
from streamlit_ui.text import plain
from streamlit_ui.times import ago, when

_LONGEST_DAYS, _DEFAULT_DAYS = 3650, 90
TRUST_HELP = (
    "Count the labels that this program gives as an engineer's: without a limit, and enough to promote a new "
    "version. For programs that send checked truths, not for those that pass on what anybody says."
)


def show_keys(gateway: Gateway) -> None:
    """List the keys, and create new ones."""
    if st.button("Create a key", type="primary", icon=":material/key:"):
        _create()
    keys = gateway.keys()
    if not keys:
        blank(":material/key:", "No keys", "A key lets a program call the gateway without a password.")
    for key in keys:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap="xxsmall", width="stretch"):
                st.markdown(f"**{plain(key['name'])}**")
                until = f" · until {when(key['expires_at'])}" if key.get("expires_at") else ""
                trust = " · labels trusted" if key["trusted"] else ""
                st.caption(plain(f"{key['role']}{trust} · created {ago(key.get('created_at'))}{until}"))
            _offer_trust(gateway, key)
            if st.button("Revoke…", key=f"revoke {key['id']}"):
                _revoke(key)


def _offer_trust(gateway: Gateway, key: Key) -> None:
    """Let an engineer or a maintainer trust the labels of a user's key, or no longer."""
    if key["role"] != "user":
        return
    label = "No longer trust its labels" if key["trusted"] else "Trust its labels"
    if st.button(label, key=f"trust {key['id']}", help=TRUST_HELP):
        gateway.trust_key(key["id"], trusted=not key["trusted"])
        st.rerun()


@st.dialog("Create a key", on_dismiss="rerun")
def _create() -> None:
    with problems_in_words():
        questions = st.empty()
        with questions.container(), st.form("key", border=False):
            name = st.text_input("Name of the program")
            role = st.selectbox("Role", ROLES, help=ROLE_HELP)
            trusted = st.checkbox("Trust the labels it gives", help=TRUST_HELP)
            days = st.number_input("Days until it expires", 1, _LONGEST_DAYS, _DEFAULT_DAYS)
            create = st.form_submit_button("Yes, create", type="primary")
        if create and not name.strip():
            st.error("Please enter a name.")
        elif create:
            made = signed_in.gateway().create_key(name.strip(), role, days, trusted=trusted)
            # Nothing is left to press that would make a second key.
            questions.empty()
            st.success("This is the key. Copy it now: it is **not shown again**.", icon=":material/key:")
            st.code(made["key"], language=None, wrap_lines=True)


@st.dialog("Revoke a key")
def _revoke(key: Key) -> None:
    with problems_in_words():
        st.markdown(f"Programs that use **{plain(key['name'])}** can no longer call the gateway.")
        if st.button("Yes, revoke", type="primary"):
            signed_in.gateway().delete_key(key["id"])
            st.rerun()
