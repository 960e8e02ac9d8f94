"""Which version answers: the one that the stage serves, or one that somebody names."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.contract.types import ModelDetail, VersionShort
from streamlit_ui.parts.versions import newest_first
from streamlit_ui.text import plain


def ask_version(model: ModelDetail) -> str | None:
    """Return the version to ask, none for the stage's own; where there is no choice nothing is shown.

    A model of which no version is served answers only by name, and the page says why none is served.
    """
    served, versions = model.get("version"), newest_first(model.get("versions") or [])
    if served:
        loaded = [one["version"] for one in versions if one.get("loaded") and one["version"] != served]
        if not loaded:
            return None
        named: str | None = st.selectbox(
            "Version",
            [None, *loaded],
            format_func=lambda name: f"Version {name} (loaded)" if name else f"Version {served} (served)",
            help="Answers of a loaded version do not count for the model's score.",
        )
        return named
    _say_why(model, versions)
    name: str = st.selectbox(
        "Version", [one["version"] for one in versions], format_func=lambda name: f"Version {name}"
    )
    return name


def _say_why(model: ModelDetail, versions: list[VersionShort]) -> None:
    receipt = versions[0].get("receipt") or {}
    refused = receipt.get("reason") if receipt.get("verdict") != "promote" else None
    why = refused or model.get("problem") or "None of its versions has been promoted."
    st.warning(
        f"**No version is served yet**, so predictions made here do not count for the score. {plain(why)}",
        icon=":material/front_hand:",
    )
    if signed_in.may("maintainer"):
        st.page_link(
            "views/model.py",
            label="See the gate's receipt, or promote a version anyway",
            icon=":material/trending_up:",
            query_params={"section": "Versions"},
        )
