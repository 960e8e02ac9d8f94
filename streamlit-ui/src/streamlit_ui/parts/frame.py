"""What stands around every page: the mark, who is signed in, the way out."""

from pathlib import Path

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.sessions import Session
from streamlit_ui.text import plain

_PICTURES = Path(__file__).parents[1] / "pictures"
MARK = _PICTURES / "mark.svg"


def show_frame(session: Session) -> None:
    """Fill the head of the sidebar."""
    st.logo(str(_PICTURES / "wordmark.svg"), icon_image=str(MARK), size="large")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{plain(session.username)} · {session.role}", width="content")
        st.button("Sign out", type="tertiary", icon=":material/logout:", on_click=signed_in.sign_out)
