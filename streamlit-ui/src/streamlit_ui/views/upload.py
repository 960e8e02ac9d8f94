"""Upload a batch: CSV in, CSV with predictions out."""

import time

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.batch.reading import UnreadableTable
from streamlit_ui.batch.sending import Batch, send
from streamlit_ui.contract.types import ModelDetail
from streamlit_ui.forms import fields
from streamlit_ui.parts import models
from streamlit_ui.parts.asking import ask_version
from streamlit_ui.parts.batch import describe, prepare, show_outcome, show_remarks
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.face_models import link_to_faces, takes_pictures
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.settings import settings
from streamlit_ui.text import number, plain, plural
from streamlit_ui.times import duration

_KEPT = "batch"


def page() -> None:
    """Take a file, predict its rows in portions, and give the answers back."""
    model = models.chosen(served=True)
    st.title("Upload a batch")
    if takes_pictures(model):
        blank(":material/table_view:", "This page takes tables", "This model takes pictures, one by one.")
        link_to_faces(model["name"])
        return
    st.caption(
        f"A CSV file whose first line names the columns, up to {number(settings().max_batch_rows)} rows and "
        f"{settings().max_upload_mb} MB. It comes back with **{plain(model['target'])}** for each row."
    )
    batch = _batch(model, ask_version(model))
    if batch is None:
        describe(fields(model["schema"]))
        return
    show_remarks(batch)
    label = "Continue" if batch.answers else f"Predict {plural(len(batch.waiting), 'row')}"
    if batch.waiting and st.button(label, type="primary", icon=":material/bolt:"):
        with problems_in_words():
            _send(batch)
            st.rerun()
    if batch.answers or batch.faults:
        show_outcome(batch)


def _batch(model: ModelDetail, version: str | None) -> Batch | None:
    """Return the uploaded file as a batch: the same one on each run of the page, and after another page."""
    uploaded = st.file_uploader(
        "CSV file", type=["csv", "tsv", "txt"], max_upload_size=settings().max_upload_mb, on_change=_forget
    )
    kept: Batch | None = st.session_state.get(_KEPT)
    if kept and (kept.model, kept.version) == (model["name"], version):
        return kept
    if uploaded is None:
        return None
    try:
        with st.spinner("Reading the file …"):
            st.session_state[_KEPT] = prepare(model, uploaded.getvalue(), version)
    except UnreadableTable as error:
        st.error(plain(error), icon=":material/table:")
    return st.session_state.get(_KEPT)


def _forget() -> None:
    """Drop the batch: there is another file, or it was taken away."""
    st.session_state.pop(_KEPT, None)


def _send(batch: Batch) -> None:
    bar = st.progress(batch.done, "Predicting …")

    def wait(seconds: float) -> None:
        bar.progress(batch.done, f"The gateway is busy; continuing in {duration(seconds)}")
        time.sleep(seconds)

    for done in send(batch, signed_in.gateway(), settings().batch_rows, wait):
        bar.progress(done, f"{number(len(batch.answers))} of {number(len(batch.table.rows))} rows predicted")
    bar.empty()


page()
