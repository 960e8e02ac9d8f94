"""The entry point: who is signed in, which pages they may see, and the one they chose."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.navigation import pages
from streamlit_ui.parts import models, sign_in
from streamlit_ui.parts.frame import MARK, show_frame
from streamlit_ui.parts.problems import problems_in_words

st.set_page_config(page_title="Loopkeeper", page_icon=str(MARK), layout="centered")
session = signed_in.session()
# Without a session every page is known and none is listed: its address still holds after the sign-in.
page = st.navigation(
    pages(session.role if session else "maintainer"),
    position="sidebar" if session else "hidden",
    expanded=True,
)
with problems_in_words(again=True):
    if session:
        frame, cookie = st.sidebar.container(), st.sidebar.container()
        with cookie:
            # Before anything that takes time, and below everything that would move when it is gone.
            signed_in.keep_across_reloads()
        with frame:
            show_frame(session)
            models.choose()
        page.run()
    else:
        sign_in.ask()
