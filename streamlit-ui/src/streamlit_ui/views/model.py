"""One model: its score, versions, comparison, policy and ledger."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.parts import models
from streamlit_ui.parts.comparing import show_comparison
from streamlit_ui.parts.drift import show_drift
from streamlit_ui.parts.ledger import show_ledger
from streamlit_ui.parts.moves import offer_moves
from streamlit_ui.parts.policy import show_policy
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.score import show_score
from streamlit_ui.parts.versions import show_versions
from streamlit_ui.text import plain


def page() -> None:
    """Show the section that is open."""
    st.page_link("views/models.py", label="Models", icon=":material/arrow_back:")
    model = models.chosen()
    st.title(plain(model["name"]))
    st.caption(f"Predicts **{plain(model['target'])}**.")
    if problem := model.get("problem"):
        st.warning(plain(problem), icon=":material/warning:")
    if signed_in.may("maintainer"):
        offer_moves(model)
    sections = {"Score": show_score, "Versions": show_versions}
    if signed_in.may("engineer"):
        sections |= {"Drift": show_drift, "Compare": show_comparison, "Policy": show_policy}
    if signed_in.may("maintainer"):
        sections["Ledger"] = show_ledger
    opened = st.tabs(list(sections), key="section", bind="query-params", on_change="rerun")
    for tab, show in zip(opened, sections.values(), strict=True):
        if tab.open:
            with tab, problems_in_words():
                show(model)


page()
