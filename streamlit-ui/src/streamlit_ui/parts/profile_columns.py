"""The columns of a profile: all in a table, and one at a time with its distribution and the target by it."""

import pandas as pd
import streamlit as st

from streamlit_ui.columns import KINDS
from streamlit_ui.contract.names import Kind
from streamlit_ui.contract.types import ColumnProfile, Profile
from streamlit_ui.exploration import association_charts, column_charts
from streamlit_ui.parts.facts import show_facts
from streamlit_ui.text import number, plain, plural


def show_columns(profile: Profile) -> None:
    """Show every column in a line, and one in full: at first the one most associated with the target."""
    st.dataframe(
        overview(profile),
        hide_index=True,
        column_config={
            "Missing": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
            "With target": st.column_config.ProgressColumn(
                "Association with target", format="%.2f", min_value=0, max_value=1
            ),
        },
        alt="The columns, their types and missing values",
    )
    charted = [column for column in profile["columns"] if column["distribution"]]
    if not charted:
        st.caption("No column has a distribution to draw.")
        return
    names = [column["name"] for column in charted]
    strongest = max(charted, key=lambda column: _strength(column) or 0.0)
    chosen = st.selectbox(
        "Column",
        names,
        index=names.index(strongest["name"]),
        key=f"profile column {profile['dataset']} {profile['version']}",
    )
    _column(profile, charted[names.index(chosen)])


def _column(profile: Profile, column: ColumnProfile) -> None:
    classes, is_target = profile["classes"], column["name"] == profile["target"]
    show_facts(figures(column))
    st.markdown(f"**Distribution of {plain(column['name'])}**")
    st.altair_chart(
        column_charts.distribution(column, classes),
        alt=f"The distribution of {column['name']}",
        key=f"distribution {column['name']}",
    )
    st.caption(plain(_left_out(column)))
    chart = None if is_target else column_charts.target_by(column, classes, profile["target"])
    if chart is not None:
        st.markdown(f"**{plain(profile['target'])} by {plain(column['name'])}**")
        st.altair_chart(chart, alt=f"The target by {column['name']}", key=f"target by {column['name']}")
        if not classes:
            st.caption("The pale part is the 95 % confidence interval of the mean.")


def overview(profile: Profile) -> pd.DataFrame:
    """Return one line for each column: its kind, its missing values, its association with the target."""
    total = profile["rows"]["total"] or 1
    return pd.DataFrame(
        [
            {
                "Column": column["name"],
                "Kind": "Target"
                if column["name"] == profile["target"]
                else KINDS.get(column["kind"], column["kind"]),
                "Type": column["type"],
                "Missing": column["missing"] / total,
                "Distinct values": column["distinct"],
                "With target": _strength(column),
            }
            for column in profile["columns"]
        ]
    )


def figures(column: ColumnProfile) -> dict[str, str]:
    """Return the statistics of a numeric column by name."""
    found = column["statistics"]
    if found is None:
        return {}
    named = {
        "Smallest": found["minimum"],
        "Median": found["median"],
        "Largest": found["maximum"],
        "Mean": found["mean"],
        "Standard deviation": found["deviation"],
        "Missing": column["missing"],
    }
    return {name: number(value) for name, value in named.items()}


def _kind(kind: Kind) -> str:
    return KINDS.get(kind, kind)


def _left_out(column: ColumnProfile) -> str:
    found = column.get("distribution")
    said = []
    if found and found["form"] == "histogram" and (found.get("below") or found.get("above")):
        said.append(
            f"Not shown: {plural(found.get('below', 0), 'smaller value')} and "
            f"{plural(found.get('above', 0), 'larger value')} that lie far away."
        )
    if found and found["form"] == "counts" and found.get("other_values"):
        rows = plural(found.get("others", 0), "row")
        said.append(f"Not shown: {plural(found['other_values'], 'other value')} in {rows}.")
    if (strength := column["strength"]) is not None:
        measure = association_charts.MEASURES.get(strength["measure"], strength["measure"])
        said.append(f"{measure} with the target: {number(round(strength['value'], 3))}.")
    return " ".join(said)


def _strength(column: ColumnProfile) -> float | None:
    return abs(column["strength"]["value"]) if column["strength"] else None
