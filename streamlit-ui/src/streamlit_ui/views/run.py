"""Run: one run's progress, what it found out, and its log."""

import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.contract.types import RunDetail, RunShort
from streamlit_ui.parts.facts import show_facts
from streamlit_ui.parts.leaderboard import show_leaderboard
from streamlit_ui.parts.live_runs import link
from streamlit_ui.parts.next_step import offer_next_step
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.receipt import show_receipt
from streamlit_ui.parts.result import show_result
from streamlit_ui.parts.run_card import is_open, show_run
from streamlit_ui.parts.starting import cancel
from streamlit_ui.parts.tasks import known_tasks
from streamlit_ui.settings import settings
from streamlit_ui.text import number, plain
from streamlit_ui.times import duration, when

LOG_LINES = 300


def page() -> None:
    """Show the run that the address names, live while it is open."""
    st.page_link("views/runs.py", label="Runs", icon=":material/arrow_back:")
    wanted = st.query_params.get("id")
    if not wanted:
        st.info("Choose a run in the list.")
        return
    run = signed_in.gateway().run(wanted)
    st.title("Run")
    if is_open(run) and not run.get("cancel_requested") and st.button("Cancel run", icon=":material/cancel:"):
        cancel(run)
    _link_to_live(run)
    offer_next_step(run)
    st.fragment(_live, run_every=settings().refresh_s if is_open(run) else None)(wanted)
    st.fragment(_log, run_every=settings().refresh_s if is_open(run) else None)(run)


def _link_to_live(run: RunDetail) -> None:
    """Link a live run to where it is steered, and one that keeps an epoch to the run that learnt it."""
    model, kept = run.get("model"), (run.get("options") or {}).get("live")
    if run.get("kind") == "live" and model:
        link(model, run["id"], "Watch and steer it")
    elif kept and model:
        link(model, kept["run"], f"Epoch {number(kept['epoch'])} of this live run")


def _live(wanted: str) -> None:
    """Show what changes while the run is open."""
    with problems_in_words():
        run = signed_in.gateway().run(wanted)
        was_open = st.session_state.get(f"open {wanted}", False)
        st.session_state[f"open {wanted}"] = is_open(run)
        if was_open and not is_open(run):
            # The whole page again: refreshing stops, and there is nothing left to cancel.
            st.rerun()
        with st.container(border=True):
            show_run(run)
        show_facts(_facts(run))
        if steps := run.get("steps"):
            with st.expander("Duration of each step"):
                show_facts({words.step(step["step"]): duration(step["seconds"]) for step in steps})
        if run.get("kind") == "training":
            _training(run)
        elif run.get("result"):
            show_result(run)


def _training(run: RunDetail) -> None:
    st.subheader("Leaderboard")
    show_leaderboard(
        run.get("leaderboard") or [], {name for task in known_tasks() for name in task["lower_is_better"]}
    )
    st.subheader("Gate")
    if run.get("gate"):
        show_receipt(run["gate"])
    else:
        st.caption("The gate has not decided yet." if is_open(run) else "This run did not reach the gate.")


def _facts(run: RunShort) -> dict[str, str]:
    facts = {
        "Run": run["id"],
        "Model": run.get("model"),
        "Dataset": run.get("dataset"),
        "Created": when(run.get("created_at")),
        "Dataset version": run.get("dataset_version"),
        "Compared with": f"version {run['champion']}" if run.get("champion") else None,
    }
    return {name: str(value) for name, value in facts.items() if value not in (None, "")}


def _log(run: RunShort) -> None:
    """Show the log; like the rest, it grows while the run is open."""
    log = st.expander("Log", icon=":material/article:", key=f"log {run['id']}", on_change="rerun")
    if not log.open:
        return
    with log, problems_in_words():
        text = signed_in.gateway().run_log(run["id"])
        lines = text.splitlines()
        st.download_button(
            "Download log",
            text,
            f"run-{run['id']}.log",
            "text/plain",
            icon=":material/download:",
            on_click="ignore",
        )
        if len(lines) > LOG_LINES:
            st.caption(plain(f"The last {LOG_LINES} of {len(lines)} lines."))
        st.code(
            "\n".join(lines[-LOG_LINES:]) or "Nothing was logged yet.",
            language=None,
            wrap_lines=True,
            height=380,
        )


page()
