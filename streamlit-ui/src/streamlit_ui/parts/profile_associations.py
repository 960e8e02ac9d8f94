"""Which columns of a profile are associated: with the target, and with each other."""

import streamlit as st

from streamlit_ui.contract.types import Profile
from streamlit_ui.exploration import association_charts
from streamlit_ui.parts.blank import blank
from streamlit_ui.text import plain, plural


def show_associations(profile: Profile) -> None:
    """Show what is associated with the target, then every pair of columns."""
    chart = association_charts.strengths(profile["columns"])
    if chart is None:
        blank(":material/hub:", "No associations", "There are too few columns or rows to compare.")
        return
    st.markdown(f"**Most associated with {plain(profile['target'])}**")
    st.altair_chart(chart, alt="How strongly each column is associated with the target", key="strengths")
    found = profile["associations"]
    st.markdown("**Every pair of columns**")
    numbers = "Spearman"
    if association_charts.has_two_measures(found):
        chosen = st.segmented_control(
            "Measure for two numbers",
            ["Spearman", "Pearson"],
            default="Spearman",
            required=True,
            key="two numbers",
        )
        numbers = str(chosen or numbers)
    if (map_ := association_charts.association_map(found, numbers.lower())) is not None:
        st.altair_chart(map_, alt="How strongly each pair of columns is associated", key="map")
    left = f" {plural(found['left_out'], 'weaker column')} left out." if found["left_out"] else ""
    st.caption(
        "Two numbers: Spearman's correlation (monotonic) or Pearson's (linear), from "
        "\N{MINUS SIGN}1 to 1. Two categories: Cramér's V; a number and a category: the correlation ratio; "
        f"both from 0 to 1, corrected for chance.{left}"
    )
