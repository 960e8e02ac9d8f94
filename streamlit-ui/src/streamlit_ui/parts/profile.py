"""The profile of a dataset version: its progress, its charts, and all of it as one HTML file."""

from collections.abc import Callable

import streamlit as st

from streamlit_ui.client import Gateway, GatewayError
from streamlit_ui.contract.types import Profile, ProfileComputing
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.profile_associations import show_associations
from streamlit_ui.parts.profile_columns import show_columns
from streamlit_ui.parts.profile_texts import show_texts
from streamlit_ui.settings import settings
from streamlit_ui.text import number, plain, plural
from streamlit_ui.times import when

_KEPT = "profile"
_CONFLICT = 409


def show_profile(client: Gateway, dataset: str, version: int | None = None) -> None:
    """Show the profile of a dataset version, by default the newest upload; the first request computes it."""
    with problems_in_words():
        try:
            found = _read(client, dataset, version)
        except GatewayError as error:
            if error.status != _CONFLICT:
                raise
            _not_there(client, dataset, version, error)
            return
        if found["state"] == "ready":
            st.fragment(_ready)(client, found)
        else:
            st.fragment(_waiting, run_every=settings().refresh_s)(client, dataset, version)


def _read(client: Gateway, dataset: str, version: int | None) -> Profile | ProfileComputing:
    """Return a profile; one that is ready is read only once for this page."""
    kept: tuple[tuple[str, int | None], Profile] | None = st.session_state.get(_KEPT)
    if version is not None and kept and kept[0] == (dataset, version):
        return kept[1]
    found = client.profile(dataset, version)
    if found["state"] == "ready":
        st.session_state[_KEPT] = ((dataset, version), found)
    return found


def _not_there(client: Gateway, dataset: str, version: int | None, error: GatewayError) -> None:
    if not error.body.get("run"):
        blank(":material/query_stats:", "Nothing to explore yet", plain(error.sentence))
        return
    why = error.body.get("error") or error.sentence
    st.error(plain(f"The data could not be profiled: {why}"), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Compute again", icon=":material/refresh:", key=f"profile again {dataset} {version}"):
            client.compute_profile(dataset, version)
            st.rerun()
        _run_link(str(error.body["run"]))


def _waiting(client: Gateway, dataset: str, version: int | None) -> None:
    """Show the progress until the profile is there or has failed."""
    with problems_in_words():
        try:
            found = client.profile(dataset, version)
        except GatewayError as error:
            if error.status == _CONFLICT:
                st.rerun()
            raise
        if found["state"] == "ready":
            st.rerun()
        with st.container(border=True):
            st.markdown("**Profiling the data …**")
            st.progress(min(max(found["progress"], 0.0), 1.0))
            st.caption("You can leave this page; it continues in the background.")
            _run_link(found["run"])


def _run_link(run: str) -> None:
    st.page_link("views/run.py", label="Follow it", icon=":material/chevron_right:", query_params={"id": run})


def _ready(client: Gateway, profile: Profile) -> None:
    dataset, version = profile["dataset"], profile["version"]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain(_rows(profile)), width="stretch")
        st.download_button(
            "Download as HTML",
            lambda: client.profile_report(dataset, version),
            f"{dataset}-v{version}-profile.html",
            "text/html",
            icon=":material/download:",
            on_click="ignore",
            key=f"profile download {dataset} {version}",
        )
    for note in profile["notes"]:
        st.caption(plain(note))
    sections: dict[str, Callable[[Profile], None]] = {
        "Columns": show_columns,
        "Associations": show_associations,
    }
    if profile["texts"]:
        sections["Texts"] = show_texts
    opened = st.segmented_control(
        "Section",
        list(sections),
        default="Columns",
        required=True,
        label_visibility="collapsed",
        key=f"profile section {dataset} {version}",
    )
    sections[str(opened or "Columns")](profile)


def _rows(profile: Profile) -> str:
    rows = profile["rows"]
    made = f"Version {profile['version']}, computed {when(profile['made_at'])}."
    if rows["sampled"] < rows["total"]:
        return (
            f"Of {plural(rows['total'], 'row')}, {number(rows['sampled'])} were sampled; only missing values "
            f"are counted in all of them. {made}"
        )
    return f"All {plural(rows['total'], 'row')} are counted. {made}"
