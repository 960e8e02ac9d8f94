"""Uploading a table: the file, its name, how to read it if detection fails."""

import re
from pathlib import PurePath

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import signed_in
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.parts.problems import show_beside
from streamlit_ui.settings import settings
from streamlit_ui.text import size

TYPES = ["csv", "tsv", "txt", "parquet", "xlsx", "json"]
_LONGEST_NAME = 40
_HEADER = {
    "Detect": "",
    "The first row names the columns": "true",
    "The file has no column names": "false",
}
_DELIMITERS = {
    "Detect": "",
    "Comma ,": ",",
    "Semicolon ;": ";",
    "Tab": "tab",
    "Vertical bar |": "|",
    "Colon :": ":",
}
_DECIMALS = {"Detect": "", "Point, 1.5": ".", "Comma, 1,5": ","}


def offer_upload(dataset: str | None = None) -> None:
    """Upload a file and go to the proposal for it; without a dataset it becomes a new one."""
    key = f"upload for {dataset}"
    uploaded = st.file_uploader(
        "Table",
        type=TYPES,
        max_upload_size=settings().max_dataset_mb,
        key=key,
        help="CSV, Parquet, XLSX or JSON.",
    )
    about_file = st.container()
    _larger(dataset or "my-table")
    if uploaded is None:
        return
    name, about_name = dataset or "", st.container()
    if dataset is None:
        default = slug(uploaded.name)
        said = "Lower-case letters, digits and hyphens. If the dataset exists, this becomes its next version."
        name = about_name.text_input("Name of the dataset", default, _LONGEST_NAME, help=said).strip()
    hints, about_hints = _ask_hints()
    if st.button("Read the file", type="primary", icon=":material/table_view:"):
        places = {"file": about_file, "name": about_name, **dict.fromkeys(hints, about_hints)}
        try:
            with st.spinner(f"Reading {size(uploaded.size)}, and looking for rows that belong together …"):
                signed_in.gateway().upload_dataset(
                    name, uploaded.name, uploaded, {hint: value for hint, value in hints.items() if value}
                )
        except SignedOut:
            raise
        except GatewayError as error:
            show_beside(error, places)
        else:
            st.switch_page("views/dataset.py", query_params={"name": name})


def slug(filename: str) -> str:
    """Return a dataset's name made of a file's: `Census Income (2).csv` → `census-income-2`."""
    stem = PurePath(filename).stem.lower()
    return re.sub(r"[^a-z0-9]+", "-", stem)[:_LONGEST_NAME].strip("-") or "table"


def _ask_hints() -> tuple[dict[str, str], DeltaGenerator]:
    with st.expander("How to read it", icon=":material/tune:"):
        st.caption("Only needed if the columns of a file come out wrong: all of it is detected.")
        with st.grid(2, min_column_width=210):
            header = st.selectbox("Column names", list(_HEADER))
            delimiter = st.selectbox("Separator", list(_DELIMITERS))
            decimal = st.selectbox("Decimal mark", list(_DECIMALS))
            encoding = st.text_input("Encoding", placeholder="detected, e.g. cp1252", max_chars=40)
            above = st.text_input("Rows above the table", placeholder="detected", max_chars=4)
            below = st.text_input("Rows below the table", placeholder="detected", max_chars=2)
        about = st.container()
    return {
        "header": _HEADER[header],
        "delimiter": _DELIMITERS[delimiter],
        "decimal": _DECIMALS[decimal],
        "encoding": encoding.strip(),
        "skip_rows": above.strip(),
        "skip_footer": below.strip(),
    }, about


def _larger(name: str) -> None:
    """Show how a program uploads a file that is too large for a page."""
    with st.expander(f"Larger than {settings().max_dataset_mb} MB?", icon=":material/terminal:"):
        st.caption("A program can upload up to 2 GB, with a key of the role engineer from *Users and keys*:")
        address = settings().public_gateway_url or settings().gateway_url
        st.code(
            f'curl -H "Authorization: Bearer $KEY" -F name={name} -F file=@table.csv {address}/v1/datasets',
            language="bash",
            wrap_lines=True,
        )
        st.caption("Then confirm its columns here.")
