"""Models: all of them with their versions: which are served, which are loaded, how good each is."""

import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.contract.types import ModelShort
from streamlit_ui.parts import models
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.removing import (
    delete_model,
    delete_unused_models,
    remove_unused,
    show_what_was_removed,
)
from streamlit_ui.parts.tasks import task_label
from streamlit_ui.parts.versions import newest_first, show_table
from streamlit_ui.text import number, percent, plain, plural

SHOWN = 10


def page() -> None:
    """List the models, each with its newest versions and what can be done with them."""
    st.title("Models")
    st.caption("Every model with its versions: which one is served, which are loaded, and how good each is.")
    show_what_was_removed()
    found = signed_in.gateway().models()
    if not found:
        blank(":material/model_training:", "There is no model yet", "Train one, and it appears here.")
    if signed_in.may("engineer"):
        st.page_link("views/train.py", label="Train a model", icon=":material/rocket_launch:")
    if found and signed_in.may("maintainer"):
        _offer_clearing([model["name"] for model in found])
    for model in found:
        with st.container(border=True), problems_in_words():
            _show(model)


def _offer_clearing(names: list[str]) -> None:
    with st.container(horizontal=True):
        if st.button("Remove all unused versions…", icon=":material/delete_sweep:"):
            remove_unused(names)
        if st.button("Delete all unused models…", icon=":material/delete_forever:"):
            delete_unused_models()


def _show(model: ModelShort) -> None:
    state, score = words.state(model["state"]), model["score"]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(state.label, color=state.colour, icon=state.icon)
        st.markdown(f"**{plain(model['name'])}**", width="stretch")
    versions = newest_first(signed_in.gateway().versions(model["name"]))
    loaded = sum(bool(version.get("loaded")) for version in versions)
    facts = [
        task_label(model["task"]),
        f"serves version {model['version']}" if model.get("version") else "serves nothing yet",
        plural(len(versions), "version"),
        *([f"{number(loaded)} loaded"] if loaded else []),
        *(["default model"] if model.get("built_in") else []),
        *([f"score {percent(score['value'], 1)}"] if score and score["value"] is not None else []),
    ]
    st.caption(plain(" · ".join(facts)))
    if versions:
        show_table(versions[:SHOWN], f"The newest versions of {model['name']}")
    name = model["name"]
    with st.container(horizontal=True, vertical_alignment="center"):
        _link("Open", ":material/chevron_right:", name)
        _link("Versions", ":material/list:", name, "Versions")
        if signed_in.may("engineer"):
            if versions:
                _link("Compare", ":material/compare_arrows:", name, "Compare")
            if st.button("Train again", icon=":material/rocket_launch:", key=f"train {name}"):
                st.switch_page("views/train.py", query_params={"model": name})
        stays = "Default models stay as a baseline." if model.get("built_in") else None
        if signed_in.may("maintainer") and st.button(
            "Delete…", icon=":material/delete:", key=f"delete {name}", disabled=bool(stays), help=stays
        ):
            delete_model(name)


def _link(label: str, icon: str, model: str, section: str | None = None) -> None:
    """Link to a model's page, or to a section of it."""
    asked = {models.PARAMETER: model} | ({"section": section} if section else {})
    st.page_link("views/model.py", label=label, icon=icon, query_params=asked, width="content")


page()
