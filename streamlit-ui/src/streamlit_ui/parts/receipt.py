"""The receipt of the gate in words."""

from typing import Any

import pandas as pd
import streamlit as st

from streamlit_ui import words
from streamlit_ui.parts.facts import show_facts
from streamlit_ui.text import number, percent, plain, title

_SLICES = {"recent": "Recent feedback", "reference": "Holdout rows"}
_TESTS = {
    "mcnemar": "exact McNemar test",
    "sign-flip": "sign-flip test over groups",
    "bootstrap": "paired bootstrap",
}


def show_receipt(receipt: dict[str, Any] | None) -> None:
    """Show what the gate decided, on which rows and by which figures."""
    show_verdict(receipt)
    if not receipt:
        return
    show_facts(figures(receipt))
    with st.expander("Full receipt"):
        if (compared := slices(receipt)) is not None:
            st.dataframe(compared, hide_index=True, alt="Champion and challenger on both sets of rows")
        if (found := recalls(receipt)) is not None:
            st.caption("Recall of each class on the test rows:")
            st.dataframe(found, hide_index=True, alt="Recall of each class")
        if (found := raters(receipt)) is not None:
            st.caption("Whose labels these are:")
            st.dataframe(found, hide_index=True, alt="Labels of each rater")
            if more := receipt.get("more_raters"):
                st.caption(f"{number(more)} more raters gave labels.")
        st.json(receipt, expanded=False)


def show_verdict(receipt: dict[str, Any] | None) -> None:
    """Show what the gate decided and why, in one sentence."""
    if not receipt:
        st.caption("There is no gate receipt.")
        return
    verdict = words.verdict(receipt.get("verdict"))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(f"Gate: {verdict.label.lower()}", color=verdict.colour, icon=verdict.icon)
        st.markdown(plain(receipt.get("reason") or verdict.meaning), width="stretch")
    if receipt.get("waits"):
        st.warning(plain(receipt["waits"]), icon=":material/front_hand:")


def figures(receipt: dict[str, Any]) -> dict[str, str]:
    """Return the figures that decided, by name."""
    metric = words.metric(receipt["metric"]) if receipt.get("metric") else "Score"
    rival = (
        ("baseline", "constant answer") if receipt.get("baseline") is not None else ("champion", "champion")
    )
    figures = {
        "Decided on": _slice(receipt.get("slice")),
        f"{metric}, {rival[1]}": number(receipt.get(rival[0])),
        f"{metric}, challenger": number(receipt.get("challenger")),
        "Test rows": number(receipt.get("n")),
        **({"Groups": number(receipt["groups"])} if receipt.get("groups") is not None else {}),
        "p-value, challenger better": number(receipt.get("p_value")),
        "Must be below": number(receipt.get("alpha")),
    }
    if receipt.get("n_needed") is not None:
        figures["Rows needed"] = number(receipt["n_needed"])
    if receipt.get("test"):
        figures["Test"] = _TESTS.get(receipt["test"], title(receipt["test"]))
    if receipt.get("k"):
        figures["Gate against this champion"] = f"number {number(receipt['k'])}"
    if without := receipt.get("without"):
        said = words.verdict(without.get("verdict")).label.lower()
        figures[f"Without {without.get('rater')}"] = f"{said}, on {number(without.get('rows'))} rows less"
    if pairs := _deciding(receipt).get("pairs"):
        figures["Right: both / challenger / rival / neither"] = " / ".join(
            number(pairs.get(name))
            for name in ("both_right", "challenger_only", "champion_only", "both_wrong")
        )
    return figures


def slices(receipt: dict[str, Any]) -> pd.DataFrame | None:
    """Return how both models did on each set of rows, if the receipt has it."""
    found = receipt.get("slices") or {}
    if not found:
        return None
    return pd.DataFrame(
        [
            {
                "Rows": _slice(name),
                "Number": number(report.get("rows")),
                "Champion": number(report.get("champion")),
                "Challenger": number(report.get("challenger")),
                "Gain": number(report.get("gain")),
                "Decided": "yes" if name == receipt.get("slice") else "",
            }
            for name, report in found.items()
        ]
    )


def recalls(receipt: dict[str, Any]) -> pd.DataFrame | None:
    """Return the recall of both models for each class on the test rows, if the receipt has it."""
    found = _deciding(receipt).get("classes") or []
    if not found:
        return None
    return pd.DataFrame(
        [
            {
                "Class": str(one.get("label")),
                "Rows": number(one.get("rows")),
                "Champion": percent(one.get("champion"), 1),
                "Challenger": percent(one.get("challenger"), 1),
                "p-value, worse": number(one.get("p_worse")),
                "Broken": "yes" if one.get("broken") else "",
            }
            for one in found
        ]
    )


def raters(receipt: dict[str, Any]) -> pd.DataFrame | None:
    """Return how many labels each rater gave and how many of them counted, if the receipt has it."""
    found = receipt.get("raters") or []
    if not found:
        return None
    return pd.DataFrame(
        [
            {
                "Rater": str(one.get("rater")),
                "Trusted": "yes" if one.get("trusted") else "",
                "Labels": number(one.get("labels")),
                "Used": number(one.get("used")),
                "Test rows": number(one.get("deciding")),
            }
            for one in found
        ]
    )


def _deciding(receipt: dict[str, Any]) -> dict[str, Any]:
    report: dict[str, Any] = (receipt.get("slices") or {}).get(receipt.get("slice") or "") or {}
    return report


def _slice(name: str | None) -> str:
    return _SLICES.get(name or "", title(name or "–"))
