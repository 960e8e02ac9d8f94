"""The ledger: who promoted which version, when and why."""

import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.contract.types import ModelDetail, PromotionEntry
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.receipt import show_receipt
from streamlit_ui.text import plain
from streamlit_ui.times import ago, when


def show_ledger(model: ModelDetail) -> None:
    """Show every promotion and rollback, newest first, below the aliases that the stage moved back."""
    for refusal in model.get("refusals") or []:
        st.warning(f"{plain(refusal['reason'])} ({ago(refusal['at'])})", icon=":material/gpp_bad:")
    entries = signed_in.gateway().promotions(model["name"])
    if not entries:
        blank(
            ":material/list_alt:",
            "The ledger is empty",
            "Every promotion and rollback is recorded here for good.",
        )
    for entry in entries:
        with st.container(border=True, gap="xsmall"):
            _entry(entry)


def _entry(entry: PromotionEntry) -> None:
    word = words.ledger(entry.get("kind"))
    came = f" in place of version {plain(entry['previous'])}" if entry.get("previous") else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(word.label, color=word.colour, icon=word.icon)
        st.markdown(
            f"**{plain('Version ' + entry['version'])}**{came} on {plain(entry.get('stage'))}",
            width="stretch",
        )
    st.markdown(plain(entry.get("reason") or "No reason was given."))
    st.caption(f"{plain(entry.get('subject'))}, {when(entry.get('at'))}")
    if entry.get("receipt"):
        with st.expander("Gate receipt"):
            show_receipt(entry["receipt"])
