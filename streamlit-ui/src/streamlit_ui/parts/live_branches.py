"""The tree of forks that a live run belongs to: the best of each as a leaderboard, and who came from whom."""

import pandas as pd
import streamlit as st

from streamlit_ui import live_points, live_words, signed_in, words
from streamlit_ui.contract.types import Branch, Branches
from streamlit_ui.parts import models
from streamlit_ui.parts.live_runs import RUN
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.wrapped_table import show_wrapped
from streamlit_ui.settings import settings
from streamlit_ui.text import number, plural
from streamlit_ui.times import ago


def follow_branches(run: str, *, still: bool = False) -> None:
    """Show the leaderboard of a tree, and the tree; go on looking unless `still`."""
    st.fragment(_show_branches, run_every=None if still else settings().refresh_s)(run)


def _show_branches(run: str) -> None:
    with problems_in_words():
        found = signed_in.gateway().branches(run)
        st.subheader("Forks")
        show_wrapped(leaderboard(found, run), "The best epoch of each run, best first")
        which = "lowest" if found["lower_is_better"] else "highest"
        if found["metric"]:
            st.caption(f"The {which} {words.metric(found['metric'])} on the validation rows comes first.")
        if len(found["runs"]) > 1:
            _show_tree(found, run)


def leaderboard(found: Branches, watched: str) -> pd.DataFrame:
    """Return the runs of a tree as a table of text, best first."""
    metric = words.metric(found["metric"]) if found["metric"] else "metric"
    return pd.DataFrame(
        [
            {
                "#": str(place),
                "Run": live_words.short(one["id"]) + (" (this one)" if one["id"] == watched else ""),
                f"Best {metric}": _best(one),
                "Begins": _begins(one),
                "State": _state(one),
            }
            for place, one in enumerate(found["runs"], start=1)
        ]
    )


def _show_tree(found: Branches, watched: str) -> None:
    st.markdown("**Who came from whom**")
    model = models.named() or ""
    for depth, one in live_points.tree(found["runs"]):
        rate = live_words.value(one["hyperparameters"].get("learning_rate"))
        best = f"best {_best(one)}" if one["best"] else "nothing measured yet"
        said = [live_words.short(one["id"]), best, f"learning rate {rate}"]
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            if depth:
                st.markdown("&emsp;" * (depth - 1) + "└", width="content")
            st.page_link(
                "views/live.py",
                label=" · ".join(said),
                icon=":material/my_location:" if one["id"] == watched else ":material/fork_right:",
                query_params={models.PARAMETER: model, RUN: one["id"]},
                disabled=one["id"] == watched,
                help=f"By {one['subject']} {ago(one['created_at'])}, {plural(one['changes'], 'change')}.",
            )


def _best(one: Branch) -> str:
    return f"{number(one['best']['value'])} at epoch {number(one['best']['epoch'])}" if one["best"] else "–"


def _begins(one: Branch) -> str:
    if one["parent"] is None:
        return "at the start"
    return f"after epoch {number(one['parent_epoch'])} of {live_words.short(one['parent'])}"


def _state(one: Branch) -> str:
    kept = ", kept" if one["kept_by"] else ""
    return live_words.branch_state(one["state"]).label.lower() + kept
