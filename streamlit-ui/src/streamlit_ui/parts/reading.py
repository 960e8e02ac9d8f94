"""How an uploaded file was read, and the other readings of it, each one click away."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.contract.types import DatasetProposal
from streamlit_ui.parts.problems import show_beside
from streamlit_ui.text import plain, plural


def show_reading(dataset: str, proposal: DatasetProposal, key: str) -> None:
    """Say how the file was read and what was recognised in it; offer to read it in another way."""
    source = proposal.get("source") or {}
    facts = [
        plural(proposal["rows"], "row"),
        plural(len(proposal["columns"]), "column"),
        str(source.get("format") or "").upper(),
        *([f"separator “{source['delimiter']}”"] if source.get("delimiter") else []),
        *([f"encoding {source['encoding']}"] if source.get("encoding") else []),
        *([f"decimal mark “{source['decimal']}”"] if source.get("decimal") else []),
    ]
    read = plain(" · ".join(fact for fact in facts if fact))
    if source.get("header") is False:
        read += "  \n**The file has no column names**: please name the columns below."
    st.caption("\n".join([read, "", *(f"- {plain(note)}" for note in source.get("notes") or [])]))
    choices = source.get("choices") or []
    if not choices:
        return
    chosen = None
    with st.container(horizontal=True):
        for choice in choices:
            if st.button(
                plain(choice["label"]),
                key=f"reading {choice['field']} {key}",
                icon=":material/swap_horiz:",
                help="Reads the same file again; what was entered below starts afresh.",
            ):
                chosen = choice
    if chosen:
        _read_again(dataset, chosen["field"], chosen["value"])


def _read_again(dataset: str, field: str, value: bool | int | str | None) -> None:
    try:
        with st.spinner("Reading the file again …"):
            signed_in.gateway().read_dataset_again(dataset, {field: value})
    except SignedOut:
        raise
    except GatewayError as error:
        show_beside(error, {})
    else:
        st.rerun()
