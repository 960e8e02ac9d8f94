"""Dataset: one table, from the proposal of its columns to its stored versions."""

import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.contract.types import DatasetDetail
from streamlit_ui.parts.dataset_card import SECTIONS
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.proposal import ask_columns
from streamlit_ui.settings import settings
from streamlit_ui.text import plain


def page() -> None:
    """Show the dataset that the address names: what to do next, and what is stored."""
    st.page_link("views/data.py", label="Data", icon=":material/arrow_back:")
    name = st.query_params.get("name")
    if not name:
        st.info("Choose a dataset in the list.")
        return
    dataset = signed_in.gateway().dataset(name)
    st.title(plain(name))
    _head(dataset)
    state, proposal = dataset.get("state"), dataset.get("proposal")
    if state == "storing":
        _watch(name)
    if state == "failed":
        st.error(plain(dataset.get("error") or "It could not be stored."), icon=":material/error:")
    if state in ("proposed", "failed") and proposal:
        ask_columns(dataset, proposal)
    if dataset.get("version"):
        _stored(dataset)


def _head(dataset: DatasetDetail) -> None:
    word = words.dataset_state(dataset.get("state"))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(word.label, color=word.colour, icon=word.icon)
        st.markdown(plain(word.meaning), width="stretch")
        if dataset.get("state") != "storing" and st.button("Delete…", icon=":material/delete:"):
            _delete(dataset["name"])
    if dataset.get("version") and dataset.get("state") == "ready":
        st.page_link(
            "views/train.py",
            label="Train a model on it",
            icon=":material/model_training:",
            query_params={"dataset": dataset["name"]},
        )


@st.fragment(run_every=settings().refresh_s)
def _watch(name: str) -> None:
    """Show the progress of the storing run, and refresh the whole page once it has ended."""
    with problems_in_words():
        gateway = signed_in.gateway()
        dataset = gateway.dataset(name)
        if dataset.get("state") != "storing":
            st.rerun()
        run = gateway.run(dataset["run"]) if dataset["run"] else None
        with st.container(border=True):
            step, progress = (run["step"], run["progress"]) if run else (None, 0.0)
            st.progress(min(max(progress, 0.0), 1.0), plain(words.step(step) if step else "Being stored"))
            st.caption("You can leave this page; it continues in the background.")


def _stored(dataset: DatasetDetail) -> None:
    opened = st.tabs(list(SECTIONS), key="part", bind="query-params", on_change="rerun")
    for tab, show in zip(opened, SECTIONS.values(), strict=True):
        if tab.open:
            with tab, problems_in_words():
                show(dataset)


@st.dialog("Delete a dataset")
def _delete(name: str) -> None:
    with problems_in_words():
        st.markdown(
            f"**{plain(name)}** and its tables in the warehouse are deleted. "
            "A dataset that a model uses cannot be deleted. Stored versions stay in the version history."
        )
        if st.button("Yes, delete", type="primary"):
            signed_in.gateway().delete_dataset(name)
            st.switch_page("views/data.py", query_params={})  # the address may name a tab, which is bound


page()
