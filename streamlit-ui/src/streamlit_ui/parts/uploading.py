"""Taking a table in: the file, its name, how to read it where that is guessed wrong."""

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
    "Find out": "",
    "The first row names the columns": "true",
    "There are no names in the file": "false",
}
_DELIMITERS = {
    "Find out": "",
    "Comma ,": ",",
    "Semicolon ;": ";",
    "Tab": "tab",
    "Vertical bar |": "|",
    "Colon :": ":",
}
_DECIMALS = {"Find out": "", "Point, 1.5": ".", "Comma, 1,5": ","}


def offer_upload(dataset: str | None = None) -> None:
    """Take a file in and go to what it seems to hold; without a dataset it becomes a new one."""
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
        usual = slug(uploaded.name)
        said = "Small letters, digits and hyphens. A name that is taken makes this its next version."
        name = about_name.text_input("Name of the dataset", usual, _LONGEST_NAME, help=said).strip()
    hints, about_hints = _ask_hints()
    if st.button("Read the file", type="primary", icon=":material/table_view:"):
        places = {"file": about_file, "name": about_name, **dict.fromkeys(hints, about_hints)}
        try:
            with st.spinner(f"Reading {size(uploaded.size)} …"):
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
        st.caption("Only if the columns come out wrong: all of this is found out by itself. It is about CSV.")
        with st.grid(2, min_column_width=210):
            header = st.selectbox("Names of the columns", list(_HEADER))
            delimiter = st.selectbox("Between the cells", list(_DELIMITERS))
            decimal = st.selectbox("Decimal mark", list(_DECIMALS))
            encoding = st.text_input("Encoding", placeholder="found out, e.g. cp1252", max_chars=40)
        about = st.container()
    return {
        "header": _HEADER[header],
        "delimiter": _DELIMITERS[delimiter],
        "decimal": _DECIMALS[decimal],
        "encoding": encoding.strip(),
    }, about


def _larger(name: str) -> None:
    """Say how a program uploads what is too large for a page."""
    with st.expander(f"Larger than {settings().max_dataset_mb} MB?", icon=":material/terminal:"):
        st.caption("A program can upload up to 2 GB. With a key of the role engineer, from *Users and keys*:")
        address = settings().public_gateway_url or settings().gateway_url
        st.code(
            f'curl -H "Authorization: Bearer $KEY" -F name={name} -F file=@table.csv {address}/v1/datasets',
            language="bash",
            wrap_lines=True,
        )
        st.caption("Then confirm its columns here.")
