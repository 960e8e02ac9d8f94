"""The candidates of a run, best first."""

from typing import Any

import pandas as pd
import streamlit as st

from streamlit_ui import words
from streamlit_ui.text import number, size, title
from streamlit_ui.times import duration


def show_leaderboard(rows: list[dict[str, Any]]) -> None:
    """Show each candidate with its metrics and what it costs."""
    if not rows:
        st.caption("No candidate has been tried yet.")
        return
    st.dataframe(frame(rows), hide_index=True, alt="The candidates, best first")
    if any(row.get("tied") for row in rows):
        st.caption("“Tied” candidates cannot be told from the best one by the rows at hand.")


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the leaderboard as a table of text, every metric in a column of its own."""
    metrics = list(dict.fromkeys(name for row in rows for name in row.get("metrics") or {}))
    return pd.DataFrame(
        [
            {
                "Candidate": _candidate(row.get("candidate")),
                **{words.metric(name): number((row.get("metrics") or {}).get(name)) for name in metrics},
                "Tied": "tied" if row.get("tied") else "",
                "Fitted in": duration(row.get("fit_seconds")),
                "Per row": _per_row(row.get("ms_per_row")),
                "Size": size(row.get("bytes")),
            }
            for row in rows
        ]
    )


def _per_row(milliseconds: float | None) -> str:
    return "–" if milliseconds is None else duration(milliseconds / 1000)


def _shown(value: Any) -> str:
    return number(value) if isinstance(value, float) else str(value)


def _candidate(candidate: Any) -> str:
    """Return a candidate in words: its name, or its estimator with what was chosen for it."""
    if not isinstance(candidate, dict):
        return title(str(candidate or "–"))
    params = ", ".join(f"{name} {_shown(value)}" for name, value in (candidate.get("params") or {}).items())
    name = title(str(candidate.get("estimator", "–")))
    return f"{name} ({params})" if params else name
