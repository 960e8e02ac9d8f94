"""Logs: what background work logged, of one run or of several together."""

import streamlit as st

from streamlit_ui import log_lines, signed_in, words
from streamlit_ui.contract.types import RunShort
from streamlit_ui.log_lines import Entry
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.run_card import is_open
from streamlit_ui.settings import settings
from streamlit_ui.text import number, plain, plural
from streamlit_ui.times import ago

RUNS, LINES = 20, 1_000
EVERY = "All runs"
_SHORT = 8
"""As many characters of a run's id as are needed to tell runs apart."""


def page() -> None:
    """Ask which work and which entries, and show them."""
    st.title("Logs")
    st.caption("What training and other background work logged, newest runs first.")
    runs = _choose_runs(signed_in.gateway().runs())
    if not runs:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        level = st.selectbox("Show", list(log_lines.LEVELS), width=220)
        wanted = st.text_input("Containing", placeholder="any text", key="log text")
    live = any(is_open(run) for run in runs)
    st.fragment(_show, run_every=settings().refresh_s if live else None)(runs, level, wanted)


def _choose_runs(found: list[RunShort]) -> list[RunShort]:
    if not found:
        blank(
            ":material/article:",
            "No log yet",
            "Every run writes one: training, storing, comparing …",
        )
        return []
    kinds = sorted({run.get("kind", "") for run in found}, key=_kind)
    kind = st.pills("Kind of work", ["", *kinds], default="", required=True, format_func=_kind)
    chosen = [run for run in found if kind in ("", run.get("kind"))]
    by_id = {run["id"]: run for run in chosen}
    wanted = st.query_params.get("run")
    picked = st.selectbox(
        "Run",
        [EVERY, *by_id],
        list(by_id).index(wanted) + 1 if wanted in by_id else 0,
        format_func=lambda run: _named(by_id[run]) if run in by_id else EVERY,
    )
    return [by_id[picked]] if picked in by_id else chosen[:RUNS]


def _show(runs: list[RunShort], level: str, wanted: str) -> None:
    with problems_in_words():
        gateway = signed_in.gateway()
        if any(is_open(run) and not is_open(gateway.run(run["id"])) for run in runs):
            # The whole page again: fewer runs have to be refreshed.
            st.rerun()
        _show_entries(log_lines.merged(_entries(run) for run in runs), runs, level, wanted)


def _show_entries(found: list[Entry], runs: list[RunShort], level: str, wanted: str) -> None:
    shown = log_lines.select(found, level, wanted)
    several = len(runs) > 1
    lines = [entry.line(named=several) for entry in shown]
    last = f"; the last {number(LINES)} are shown" if len(shown) > LINES else ""
    st.caption(
        plain(
            f"{number(len(shown))} of {plural(len(found), 'entry', 'entries')} "
            f"from {plural(len(runs), 'run')}{last}."
        )
    )
    st.code(
        "\n".join(lines[-LINES:]) or "There are no such entries.",
        language=None, wrap_lines=True, height=460,
    )  # fmt: skip
    named = "runs" if several else f"run-{runs[0]['id']}"
    with st.container(horizontal=True):
        _offer("Download what is shown", lines, f"{named}-filtered.log", key="download shown")
        _offer(
            "Download all of it",
            [entry.line(named=several) for entry in found],
            f"{named}.log",
            key="download all",
        )


def _offer(label: str, lines: list[str], filename: str, key: str) -> None:
    st.download_button(
        label,
        "\n".join(lines) + "\n",
        filename,
        "text/plain",
        icon=":material/download:",
        on_click="ignore",
        key=key,
    )


def _entries(run: RunShort) -> list[Entry]:
    """Return a run's log as entries; that of an ended run is read only once."""
    key = f"log of {run['id']}"
    kept: list[Entry] | None = st.session_state.get(key)
    if kept is None:
        kept = log_lines.entries(signed_in.gateway().run_log(run["id"]), run["id"][:_SHORT])
        if not is_open(run):
            st.session_state[key] = kept
    return kept


def _kind(name: str | None) -> str:
    return words.kind(name).label if name else "Any"


def _named(run: RunShort) -> str:
    about = run.get("model") or run.get("dataset") or ""
    ended = words.status(run.get("status")).label.lower()
    return " · ".join(filter(None, (_kind(run.get("kind")), about, ago(run.get("created_at")), ended)))


page()
