"""One dataset in a few lines, and the sections of a stored one."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from streamlit_ui import charts, signed_in, words
from streamlit_ui.columns import KINDS, sentence
from streamlit_ui.contract.types import DatasetDetail, DatasetShort
from streamlit_ui.parts.facts import show_facts
from streamlit_ui.parts.profile import show_profile
from streamlit_ui.parts.proposal import show_difference
from streamlit_ui.parts.tasks import task_label
from streamlit_ui.parts.uploading import offer_upload
from streamlit_ui.text import listing, number, plain, plural
from streamlit_ui.times import ago, when


def show_dataset(dataset: DatasetShort) -> None:
    """Show a dataset's state, size and what is predicted from it."""
    word = words.dataset_state(dataset.get("state"))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(word.label, color=word.colour, icon=word.icon)
        st.markdown(f"**{plain(dataset['name'])}**", width="stretch")
    facts = [
        plural(dataset.get("rows") or 0, "row"),
        *([f"version {dataset['version']}"] if dataset.get("version") else []),
        *([task_label(dataset["task"])] if dataset.get("task") else []),
        *([f"predicts {dataset['target']}"] if dataset.get("target") else []),
        ago(dataset.get("created_at")),
    ]
    st.caption(plain(" · ".join(facts)))


def show_overview(dataset: DatasetDetail) -> None:
    """Show what is stored: the classes, the columns, the tables, and the models that use it."""
    if classes := dataset.get("classes"):
        st.markdown(f"**{plain(dataset.get('target'))}** has {plural(len(classes), 'class', 'classes')}.")
        st.altair_chart(
            charts.classes(classes), alt=listing([f"{name}: {times}" for name, times in classes.items()])
        )
    show_facts(
        {
            "Rows": number(dataset.get("rows")),
            "Task": task_label(dataset["task"]),
            "Models": ", ".join(dataset.get("models") or []) or "none yet",
            "Tables in the warehouse": ", ".join(dataset.get("tables") or []) or "–",
        }
    )
    stored = dataset.get("columns") or []
    st.dataframe(
        pd.DataFrame(
            {
                "Column": [column["name"] for column in stored],
                "Kind": [KINDS.get(column["kind"], column["kind"]) for column in stored],
            }
        ),
        hide_index=True,
        alt="The columns and their kinds",
    )
    if found := dataset.get("warnings"):
        st.warning(
            "\n".join(f"- {plain(sentence(one))}" for one in found),
            icon=":material/warning:",
        )


def show_dataset_versions(dataset: DatasetDetail) -> None:
    """Show every version, newest first, each with its difference from the one before."""
    for version in signed_in.gateway().dataset_versions(dataset["name"]):
        with st.container(border=True, gap="xsmall"):
            made = "from an upload" if version["kind"] == "upload" else "with the feedback given since"
            st.markdown(f"**Version {number(version['version'])}**, {made}")
            facts = [
                plural(version.get("rows") or 0, "row"),
                when(version.get("created_at")),
                str(version.get("revision") or "")[:12],
            ]
            st.caption(plain(" · ".join(fact for fact in facts if fact)))
            if difference := version.get("difference"):
                show_difference(difference)


def show_version_profile(dataset: DatasetDetail) -> None:
    """Show the profile of the chosen version, the newest upload by default."""
    uploads = [
        one["version"]
        for one in signed_in.gateway().dataset_versions(dataset["name"])
        if one.get("kind") == "upload"
    ]
    version = None
    if len(uploads) > 1:
        version = st.selectbox("Version", uploads, format_func=lambda number: f"Version {number}")
    show_profile(signed_in.gateway(), dataset["name"], version or dataset.get("version"))


def show_next_upload(dataset: DatasetDetail) -> None:
    """Upload the next version."""
    st.caption(
        "Upload the next version of this table. Columns that did not change stay as they were confirmed."
    )
    offer_upload(dataset["name"])


SECTIONS: dict[str, Callable[[DatasetDetail], None]] = {
    "Overview": show_overview,
    "Profile": show_version_profile,
    "Versions": show_dataset_versions,
    "New version": show_next_upload,
}
