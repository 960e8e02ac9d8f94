"""An uploaded batch on a page: the expected columns, the outcome, the downloads."""

from functools import partial

import pandas as pd
import streamlit as st

from streamlit_ui import words
from streamlit_ui.batch.reading import match_header, read_table, rows_of
from streamlit_ui.batch.sending import Batch
from streamlit_ui.batch.writing import answered_csv, faults_csv
from streamlit_ui.contract.types import ModelDetail
from streamlit_ui.forms import Field, fields
from streamlit_ui.settings import settings
from streamlit_ui.text import listing, number, plain, plural

_SHOWN = 100


def prepare(model: ModelDetail, content: bytes, version: str | None) -> Batch:
    """Read a file into a batch for a model, and one of its versions if one is asked for.

    A file that cannot be read raises `UnreadableTable`.
    """
    taken = fields(model["schema"])
    table = read_table(content, settings().max_batch_rows)
    match = match_header(table.header, taken)
    rows, faults = rows_of(table, match)
    remarks = []
    if match.absent:
        remarks.append(f"Not in the file, so treated as missing: {listing(match.absent)}.")
    if match.unused:
        remarks.append(f"Not used by the model, but kept in the output: {listing(match.unused)}.")
    return Batch(table, model["name"], rows, faults, remarks=remarks, version=version)


def describe(taken: list[Field]) -> None:
    """Say which columns a file may have."""
    with st.expander("Which columns does the file need?"):
        st.dataframe(
            pd.DataFrame(
                {
                    "Column": [field.name for field in taken],
                    "Kind": [field.kind for field in taken],
                    "Accepted values": [field.help for field in taken],
                }
            ),
            hide_index=True,
        )
        st.caption(
            "Columns may be in any order; others are kept. Cells are read as those of the training file: "
            "with its decimal mark, its dates, and what it writes for a missing value. "
            "The separator may be a comma, semicolon, tab or |, the encoding UTF-8, UTF-16 or Windows-1252."
        )


def show_outcome(batch: Batch) -> None:
    """Show what was predicted and what was rejected, and offer both as files."""
    answered, rejected, left = len(batch.answers), batch.rejected_rows, len(batch.waiting)
    with st.grid(3, min_column_width=90):
        st.metric("Predicted", number(answered))
        st.metric("Rejected", number(rejected))
        st.metric("Not sent yet", number(left))
    if answered:
        st.download_button(
            "Download predictions",
            partial(answered_csv, batch),
            "predictions.csv",
            "text/csv",
            type="primary",
            icon=":material/download:",
            on_click="ignore",
        )
        first = sorted(batch.answers.items())[:_SHOWN]
        st.dataframe(
            pd.DataFrame(
                {
                    "Row": [row for row, _ in first],
                    "Prediction": [words.answer(answer) for _, answer in first],
                    "Probability": [words.certainty(answer) for _, answer in first],
                    "Unusual": [
                        "; ".join(words.flag(flag) for flag in words.oddities(answer.get("flags") or []))
                        for _, answer in first
                    ],
                }
            ),
            hide_index=True,
            alt="The first predictions",
        )
        if answered > _SHOWN:
            st.caption(f"The first {_SHOWN} of {plural(answered, 'row')}; the file has them all.")
    if batch.faults:
        _show_faults(batch, rejected)


def _show_faults(batch: Batch, rejected: int) -> None:
    st.warning(
        f"**{plural(rejected, 'row was', 'rows were')} not predicted** because something is wrong with them. "
        "Correct them and upload them again.",
        icon=":material/rule:",
    )
    first = sorted(batch.faults, key=lambda fault: fault.row)[:_SHOWN]
    st.dataframe(
        pd.DataFrame(
            {
                "Row": [fault.row for fault in first],
                "Field": [fault.field or "the whole row" for fault in first],
                "Problem": [fault.message for fault in first],
                "Value": [fault.value for fault in first],
            }
        ),
        hide_index=True,
        alt="What is wrong with the rejected rows",
    )
    st.caption("Row 1 is the first one below the header.")
    st.download_button(
        "Download the errors",
        partial(faults_csv, batch),
        "rejected-rows.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def show_remarks(batch: Batch) -> None:
    """Say how the file was interpreted."""
    for remark in batch.remarks:
        st.caption(plain(remark))
