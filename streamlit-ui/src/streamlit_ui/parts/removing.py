"""Removing versions and models: only after somebody said yes."""

from collections.abc import Sequence

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.text import listing, plain, plural

_DONE = "removal_done"


def show_what_was_removed() -> None:
    """Say what the last removal did, once."""
    if done := st.session_state.pop(_DONE, None):
        st.success(plain(done), icon=":material/check_circle:")


@st.dialog("Remove a version")
def remove_version(model: str, version: str) -> None:
    """Ask once more, then remove one version."""
    with problems_in_words():
        st.markdown(
            f"**Version {plain(version)}** of {plain(model)} is removed for good. "
            "Its predictions stay in the history."
        )
        if st.button("Yes, remove it", type="primary"):
            signed_in.gateway().delete_version(model, version)
            _close(f"Version {version} is removed.")


@st.dialog("Remove unused versions")
def remove_unused(models: Sequence[str]) -> None:
    """Ask once more, then remove every version of some models that no stage serves."""
    with problems_in_words():
        st.markdown(
            f"Every version of **{plain(listing(list(models)))}** that no stage serves is removed, "
            "loaded or not. Served versions stay, and so do all predictions."
        )
        if not st.button("Yes, remove them", type="primary"):
            return
        removed, kept = [], []
        for model in models:
            try:
                gone = signed_in.gateway().delete_unused_versions(model)
            except SignedOut:
                raise
            except GatewayError as error:
                # One model that refuses must not keep the others from being cleared.
                if len(models) == 1:
                    raise
                kept.append(f"{model}: {error.sentence}")
            else:
                removed += gone
        said = f"{plural(len(removed), 'version was', 'versions were')} removed."
        _close(" ".join([said, *kept]))


@st.dialog("Delete all unused models")
def delete_unused_models() -> None:
    """Ask once more, then delete every unused model that people created."""
    with problems_in_words():
        st.markdown(
            "Every model that people created is deleted with its versions, unless a stage serves one of them "
            "or a run is open. Default models and datasets stay."
        )
        if st.button("Yes, delete them", type="primary"):
            deleted, kept = signed_in.gateway().delete_unused_models()
            said = f"Deleted: {listing(deleted)}." if deleted else "There were no unused models."
            _close(" ".join([said, *kept.values()]))


@st.dialog("Delete a model")
def delete_model(model: str) -> None:
    """Ask once more, then delete a model with its versions."""
    with problems_in_words():
        st.markdown(f"**{plain(model)}** and all its versions are deleted. Its dataset stays.")
        if st.button("Yes, delete it", type="primary"):
            signed_in.gateway().delete_model(model)
            _close(f"The model {model} is deleted.")


def _close(done: str) -> None:
    st.session_state[_DONE] = done
    st.rerun()
