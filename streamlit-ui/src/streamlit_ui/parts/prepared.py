"""What a version does to its columns before its estimator sees them."""

from typing import Any

import pandas as pd
import streamlit as st

from streamlit_ui.columns import KINDS
from streamlit_ui.declarations import shown
from streamlit_ui.parts.facts import show_facts
from streamlit_ui.parts.wrapped_table import show_wrapped
from streamlit_ui.text import number, plain, plural, title


def show_preparation(prepared: dict[str, Any]) -> None:
    """Show the choices, how they were fitted to each column, and which columns are left out."""
    if not prepared:
        return
    st.markdown("**How its columns are prepared**")
    show_facts({title(name): shown(value) for name, value in (prepared.get("choices") or {}).items()})
    lines = frame(prepared)
    if len(lines):
        with st.expander("Column by column"):
            show_wrapped(lines, "How each column is prepared")
    for dropped in prepared.get("dropped") or []:
        st.caption(plain(f"{dropped['column']} is left out: {dropped['reason']}."))
    if left_out := (prepared.get("rows") or {}).get("left_out"):
        st.caption(plain(f"{plural(left_out, 'row')} with missing values were left out of training."))


def frame(prepared: dict[str, Any]) -> pd.DataFrame:
    """Return a line for each column: what replaces missing values, how it is scaled or encoded."""
    return pd.DataFrame(
        [
            {
                "Column": line["column"],
                "Kind": KINDS.get(line.get("kind"), title(str(line.get("kind")))),
                "Missing values become": _gap(line.get("missing")),
                "Becomes": _made(line),
            }
            for line in prepared.get("columns") or []
        ]
    )


def _gap(missing: dict[str, Any] | None) -> str:
    if not missing:
        return "–"
    value = missing.get("value")
    how = {"estimator": "left to the estimator"}.get(str(missing.get("by")), shown(missing.get("by")).lower())
    return how if value is None else f"{how}, {number(value) if isinstance(value, int | float) else value}"


def _made(line: dict[str, Any]) -> str:
    made = []
    if scaling := line.get("scaling"):
        facts = [f"{name} {number(scaling[name])}" for name in scaling if name != "by"]
        made.append(f"{shown(scaling['by']).lower()} scale ({', '.join(facts)})")
    if line.get("encoding") == "words":
        made.append(f"{plural(line['terms'], 'word')}, reduced to {plural(line['components'], 'number')}")
    elif line.get("encoding") == "target-mean":
        values = plural(line["category_count"], "category", "categories")
        made.append(f"the mean of the target for each of {values}")
    elif line.get("encoding"):
        made.append(
            f"{plural(line.get('category_count') or 0, 'category', 'categories')}, {line['encoding']}"
        )
    if features := line.get("features"):
        made.append(", ".join(str(feature["feature"]).replace("_", " ") for feature in features))
    return "; ".join(made) or "unchanged"
