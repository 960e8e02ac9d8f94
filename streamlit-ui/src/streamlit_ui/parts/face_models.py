"""Models that take pictures: the way to the page that asks them, and a new one."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.contract.types import ModelShort
from streamlit_ui.parts import models
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.tasks import known_tasks
from streamlit_ui.text import plain


def takes_pictures(model: ModelShort) -> bool:
    """Say whether a model answers pictures, and not rows of a table."""
    return model["takes"] == "pictures"


def link_to_faces(model: str) -> None:
    """Link to the page that asks a model who is in a picture."""
    st.page_link(
        "views/faces.py",
        label="Recognise a face",
        icon=":material/face:",
        query_params={models.PARAMETER: model},
    )


def show_other_models(chosen: str | None) -> None:
    """Say that the chosen model recognises no faces, offer those that do, and let an engineer make one."""
    known = [one["name"] for one in signed_in.gateway().models() if takes_pictures(one)]
    if known:
        blank(
            ":material/face:",
            f"{plain(chosen)} recognises no faces" if chosen else "No model is chosen",
            "Choose one that does.",
        )
        for name in known:
            # No link: one to the open page leaves the address as it was, which then decides again.
            st.button(
                plain(name),
                icon=":material/face:",
                key=f"faces of {name}",
                on_click=models.choose_it,
                args=(name,),
            )
    elif signed_in.may("engineer"):
        blank(
            ":material/face:",
            "No model recognises faces yet",
            "Give one a name. It needs no data: it knows whoever is enrolled from then on.",
        )
    else:
        blank(":material/face:", "No model recognises faces yet", "Ask an engineer: it is made on this page.")
    if signed_in.may("engineer"):
        with problems_in_words():
            _ask_new_model()


def _ask_new_model() -> None:
    tasks = [task for task in known_tasks() if task.get("takes") == "pictures"]
    if not tasks:
        return
    with st.form("new face model"):
        name = st.text_input("Name of the model", placeholder="front-door", max_chars=63).strip()
        sent = st.form_submit_button("Create a model", icon=":material/add:")
    if not sent:
        return
    if not name:
        st.error("Please enter a name.", icon=":material/edit_note:")
        return
    made = signed_in.gateway().create_picture_model(name, tasks[0]["task"])
    models.choose_it(made["name"])
    st.rerun()
