"""Which columns of a profile go together: with the target, and with each other."""

import streamlit as st

from streamlit_ui.contract.types import Profile
from streamlit_ui.exploration import association_charts
from streamlit_ui.parts.blank import blank
from streamlit_ui.text import plain, plural


def show_associations(profile: Profile) -> None:
    """Show what goes together with the target, then every pair of columns."""
    chart = association_charts.strengths(profile["columns"])
    if chart is None:
        blank(":material/hub:", "Nothing goes together", "There are too few columns or rows to compare.")
        return
    st.markdown(f"**What goes together with {plain(profile['target'])} most**")
    st.altair_chart(chart, alt="How strongly each column goes together with the target", key="strengths")
    found = profile["associations"]
    st.markdown("**Every column with every other**")
    numbers = "Spearman"
    if association_charts.has_two_measures(found):
        chosen = st.segmented_control(
            "Two numbers by", ["Spearman", "Pearson"], default="Spearman", required=True, key="two numbers"
        )
        numbers = str(chosen or numbers)
    if (map_ := association_charts.association_map(found, numbers.lower())) is not None:
        st.altair_chart(map_, alt="How strongly each column goes together with each other", key="map")
    left = f" {plural(found['left_out'], 'weaker column')} left out." if found["left_out"] else ""
    st.caption(
        "Two numbers: Spearman's correlation (ever more, or ever less) or Pearson's (a straight line), from "
        "\N{MINUS SIGN}1 to 1. Two categories: Cramér's V; a number and a category: the correlation ratio; "
        f"both from 0 to 1, corrected for chance.{left}"
    )
