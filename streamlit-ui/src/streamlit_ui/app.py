"""The entry point: who is signed in, which pages they may see, and the one they chose."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.navigation import is_about_a_model, layout, pages
from streamlit_ui.parts import models, sign_in
from streamlit_ui.parts.frame import MARK, show_frame
from streamlit_ui.parts.menu import show_menu
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.telemetry import page_run

SIDEBAR_PX = 264

session = signed_in.session()
# Without a session every page is known and none is listed: its address still holds after the sign-in.
known = pages(session.role if session else "maintainer")
# The menu is our own: its links name the model, which Streamlit's cannot.
page = st.navigation(known, position="hidden")
st.set_page_config(
    page_title="Loopkeeper",
    page_icon=str(MARK),
    layout=layout(page) if session else "centered",
    initial_sidebar_state=SIDEBAR_PX,
)
with page_run(page.url_path), problems_in_words(again=True):
    if session:
        menu, frame, cookie = (st.sidebar.container() for _ in range(3))
        with cookie:
            # Before anything that takes time, and below everything that would move when it is gone.
            signed_in.keep_across_reloads()
        try:
            with frame:
                show_frame(session)
                models.choose(in_address=is_about_a_model(page))
        finally:
            with menu:
                show_menu(known, is_about_a_model)
        page.run()
    else:
        sign_in.ask()
