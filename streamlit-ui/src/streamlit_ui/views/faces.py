"""Faces: who is in a picture, who is known, and which answers somebody should look at."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.parts import models
from streamlit_ui.parts.face_models import show_other_models, takes_pictures
from streamlit_ui.parts.persons import show_persons
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.recognising import show_recognising
from streamlit_ui.parts.reviews import show_reviews


def page() -> None:
    """Show the section that is open; a user has one."""
    st.title("Faces")
    name = models.named()
    model = signed_in.gateway().model(name) if name else None
    if model is None or not takes_pictures(model):
        show_other_models(name)
        return
    if not signed_in.may("engineer"):
        show_recognising(model)
        return
    sections = {"Recognise": show_recognising, "Persons": show_persons, "Review": show_reviews}
    opened = st.tabs(list(sections), key="faces", bind="query-params", on_change="rerun")
    for tab, show in zip(opened, sections.values(), strict=True):
        if tab.open:
            with tab, problems_in_words():
                show(model)


page()
