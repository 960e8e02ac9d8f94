"""The page for people who are not signed in."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.parts import problems
from streamlit_ui.parts.frame import MARK
from streamlit_ui.text import plain


def ask() -> None:
    """Ask for name and password."""
    _, middle, _ = st.columns([1, 2, 1])
    with middle:
        st.image(str(MARK), width=56)
        st.title("Loopkeeper")
        st.caption("Predict, give feedback, and watch the models keep themselves accurate.")
        if farewell := signed_in.farewell():
            st.info(plain(farewell), icon=":material/logout:")
        with st.form("sign in"):
            username = st.text_input("Username", autocomplete="username")
            password = st.text_input("Password", type="password", autocomplete="current-password")
            submitted = st.form_submit_button("Sign in", type="primary", width="stretch")
        if submitted:
            _try(username.strip(), password)
        st.caption("No account yet? A maintainer can create one for you.")


def _try(username: str, password: str) -> None:
    if not username or not password:
        st.error("Please enter your username and password.")
        return
    try:
        signed_in.sign_in(username, password)
    except SignedOut:
        st.error("Wrong username or password.", icon=":material/lock:")
    except GatewayError as error:
        problems.show(error)
    else:
        st.rerun()
