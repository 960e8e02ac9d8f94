"""The candidates of a run, best first."""

from collections.abc import Collection
from typing import Any

import pandas as pd
import streamlit as st

from streamlit_ui import words
from streamlit_ui.parts.wrapped_table import show_wrapped
from streamlit_ui.text import number, percent, size, title
from streamlit_ui.times import duration


def show_leaderboard(rows: list[dict[str, Any]], lower_is_better: Collection[str]) -> None:
    """Show each candidate with its metrics and what it costs; of some metrics less is better."""
    if not rows:
        st.caption("No candidate has been tried yet.")
        return
    show_wrapped(frame(rows, lower_is_better), "The candidates, best first")
    by = deciding_metric(rows, lower_is_better)
    which = "lowest" if by in lower_is_better else "highest"
    said = f"The {which} {words.metric(by)} comes first." if by else "The best one comes first."
    if any(row.get("tied") for row in rows):
        said += " “Tied” candidates cannot be told apart from it on these rows."
    if any(row.get("recommended") for row in rows):
        said += " “Recommended” is the cheapest of those that are as good as the best."
    st.caption(said)


def frame(rows: list[dict[str, Any]], lower_is_better: Collection[str] = ()) -> pd.DataFrame:
    """Return the leaderboard as a table of text: figures first, the long list of settings behind them."""
    metrics = _metrics(rows)
    if by := deciding_metric(rows, lower_is_better):
        metrics = [by, *(name for name in metrics if name != by)]
    return pd.DataFrame(
        [
            {
                "#": str(place),
                "Candidate": _estimator(row.get("candidate")),
                **{words.metric(name): number((row.get("metrics") or {}).get(name)) for name in metrics},
                "Standing": _standing(row),
                "Fit time": duration(row.get("fit_seconds")),
                "Per row": _per_row(row.get("ms_per_row")),
                "Size": size(row.get("bytes")),
                "Recent rows": _recent(row.get("candidate")),
                "Settings": _settings(row.get("candidate")),
            }
            for place, row in enumerate(rows, start=1)
        ]
    )


def deciding_metric(rows: list[dict[str, Any]], lower_is_better: Collection[str]) -> str | None:
    """Return the only metric that explains the order of the rows, if there is just one."""
    found = []
    for name in _metrics(rows):
        values = [(row.get("metrics") or {}).get(name) for row in rows]
        known = [value for value in values if value is not None]
        if len(known) == len(values) > 1 and known == sorted(known, reverse=name not in lower_is_better):
            found.append(name)
    return found[0] if len(found) == 1 else None


def _metrics(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.get("metrics") or {}))


def _per_row(milliseconds: float | None) -> str:
    return "–" if milliseconds is None else duration(milliseconds / 1000)


def _estimator(candidate: Any) -> str:
    named = candidate.get("estimator") if isinstance(candidate, dict) else candidate
    return title(str(named or "–"))


def _recent(candidate: Any) -> str:
    """Return the weight of rows with recent feedback among those it is fitted to."""
    share = candidate.get("recent_share") if isinstance(candidate, dict) else None
    if isinstance(share, int | float):
        return f"{percent(share)} of the weight"
    return {"only": "only these", "natural": "as any other"}.get(str(share), "–")


def _settings(candidate: Any) -> str:
    return words.settings(candidate if isinstance(candidate, dict) else None)


def _standing(row: dict[str, Any]) -> str:
    """Return whether a candidate is tied with the best, and whether it is the recommended one."""
    found = [name for name in ("recommended", "tied") if row.get(name)]
    return ", ".join(found)
