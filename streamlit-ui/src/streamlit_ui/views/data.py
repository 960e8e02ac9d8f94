"""Data: the datasets, and the upload of another table."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.dataset_card import show_dataset
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.uploading import offer_upload
from streamlit_ui.settings import settings


def page() -> None:
    """Offer an upload, and list the datasets."""
    st.title("Data")
    st.caption("Upload a table, confirm its columns and choose the one to predict. Then train a model on it.")
    with st.container(border=True):
        st.markdown("**Upload a table**")
        offer_upload()
    st.subheader("Datasets")
    _list()


@st.fragment(run_every=settings().refresh_s)
def _list() -> None:
    with problems_in_words():
        datasets = signed_in.gateway().datasets()
        if not datasets:
            blank(":material/table_view:", "No data yet", "Upload a table above to create the first dataset.")
        for dataset in datasets:
            with st.container(border=True, gap="xsmall"):
                show_dataset(dataset)
                st.page_link(
                    "views/dataset.py",
                    label="Confirm its columns" if dataset.get("state") == "proposed" else "Open",
                    icon=":material/chevron_right:",
                    query_params={"name": dataset["name"]},
                )


page()
