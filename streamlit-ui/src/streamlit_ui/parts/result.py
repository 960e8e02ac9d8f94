"""What a run found out that trains nothing: how versions compare, what was stored."""

from typing import Any

import pandas as pd
import streamlit as st

from streamlit_ui import words
from streamlit_ui.contract.types import RunDetail
from streamlit_ui.parts.facts import show_facts
from streamlit_ui.text import number, plain, plural


def show_result(run: RunDetail) -> None:
    """Show the result of a run of a kind that has one worth a table; the log says the rest."""
    result = run.get("result") or {}
    if run.get("kind") == "evaluation":
        st.subheader("Comparison")
        rows = result.get("rows") or {}
        st.caption(plain(f"{plural(rows.get('used', 0), 'row')} used. {rows.get('which', '')}"))
        st.dataframe(compared(result.get("versions") or []), hide_index=True, alt="The versions compared")
    elif run.get("kind") == "dataset":
        st.subheader("Stored")
        show_facts(
            {
                "Version": result.get("version", "–"),
                "Rows": number(result.get("rows")),
                "Tables in the warehouse": ", ".join(result.get("tables") or []) or "–",
            }
        )
        for warning in result.get("warnings") or []:
            about = f"{warning['column']}: " if warning.get("column") else ""
            st.caption(plain(f"{about}{warning.get('message', '')}"))


def compared(versions: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a row of figures for each version."""
    return pd.DataFrame(
        [
            {
                "Version": one.get("version"),
                **{words.metric(name): number(value) for name, value in (one.get("metrics") or {}).items()},
            }
            for one in versions
        ]
    )
