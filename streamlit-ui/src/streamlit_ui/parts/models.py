"""Which model the pages are about."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.answers import Model
from streamlit_ui.parts.blank import blank
from streamlit_ui.settings import settings
from streamlit_ui.text import plain

_CHOSEN = "chosen_model"


def choose() -> None:
    """Offer the models in the sidebar; with only one there is nothing to choose."""
    names = [model["name"] for model in signed_in.gateway().models()]
    if len(names) > 1:
        chosen = st.session_state.get(_CHOSEN)
        position = names.index(chosen) if chosen in names else 0
        chosen = st.sidebar.selectbox("Model", names, index=position)
    else:
        chosen = names[0] if names else None
        if chosen:
            st.sidebar.caption(f"Model: **{plain(chosen)}**")
    st.session_state[_CHOSEN] = chosen


def chosen_name() -> str:
    """Return the chosen model's name, or say that there is none yet and end the page."""
    name: str | None = st.session_state.get(_CHOSEN)
    if name is None:
        blank(
            ":material/model_training:",
            "There is no model yet",
            "The first one appears here as soon as it is created. This page looks again by itself.",
        )
        look_again()
        st.stop()
    return name


def chosen(*, served: bool = False) -> Model:
    """Return the chosen model; if it must be served and is not yet, say so and end the page."""
    model = signed_in.gateway().model(chosen_name())
    if served and not model.get("version"):
        not_ready()
        st.stop()
    return model


def not_ready() -> None:
    """Say that no version is served yet, and look again until one is."""
    blank(
        ":material/hourglass_top:",
        "The first version is still being trained",
        "This takes about a minute after the first start. This page looks again by itself.",
    )
    look_again()


@st.fragment(run_every=settings().refresh_s)
def look_again() -> None:
    """Run the whole page again after a while."""
    if st.session_state.pop("looked_once", False):
        st.rerun()
    st.session_state["looked_once"] = True
