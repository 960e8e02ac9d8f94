"""Whether recent inputs differ from those a model was trained on, feature by feature."""

import json
from urllib.parse import quote

import pandas as pd
import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.contract.types import DriftReport, DriftReportShort, FeatureDrift, ModelDetail
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.face_models import takes_pictures
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.settings import settings
from streamlit_ui.text import number, plain, plural
from streamlit_ui.times import when

REPORTS = 30


def show_drift(model: ModelDetail) -> None:
    """Show the newest drift report of a model, or another that is chosen, and offer to make one now."""
    if takes_pictures(model):
        blank(
            ":material/ssid_chart:",
            "Pictures are not compared",
            "Drift is found column by column, in models that take rows of a table.",
        )
        return
    _show_reports(model)


@st.fragment(run_every=settings().refresh_s)
def _show_reports(model: ModelDetail) -> None:
    with problems_in_words():
        name = model["name"]
        reports = signed_in.gateway().drift_reports(name, REPORTS)
        making = signed_in.gateway().runs(name, kind="drift", status="queued")
        making += signed_in.gateway().runs(name, kind="drift", status="running")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = _choose(reports)
            if st.button(
                "Compare now", icon=":material/ssid_chart:", disabled=bool(making), key="compare now"
            ):
                signed_in.gateway().compare_inputs(name)
                st.rerun()
        if making:
            st.caption("Recent inputs are being compared; the report appears here.")
        if chosen is None:
            blank(
                ":material/ssid_chart:",
                "Nothing compared yet",
                f"It happens after every {number(model['policy']['drift_every'])} predictions, and daily.",
            )
            return
        _show(signed_in.gateway().drift_report(name, chosen["id"]))


def _choose(reports: list[DriftReportShort]) -> DriftReportShort | None:
    if not reports:
        return None
    by_id = {report["id"]: report for report in reports}
    chosen = st.selectbox(
        "Report",
        list(by_id),
        format_func=lambda one: _named(by_id[one]) if one in by_id else one,
        key="drift report",
        width="stretch",
    )
    return by_id.get(chosen, reports[0])


def _named(report: DriftReportShort) -> str:
    verdict = words.drift(report["verdict"]).label
    return f"{when(report['at'])} · version {report['version']} · {verdict}"


def _show(report: DriftReport) -> None:
    verdict = words.drift(report["verdict"])
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(verdict.label, color=verdict.colour, icon=verdict.icon)
            st.markdown(plain(report["reason"]), width="stretch")
        st.caption(plain(verdict.meaning))
        if report["news"]:
            st.markdown(plain(f"New under this version: {', '.join(report['news'])}."))
        if report["consequence"]:
            st.caption(plain(report["consequence"]))
        if run := report.get("run"):
            st.page_link(
                "views/run.py",
                label="The run it opened",
                icon=":material/chevron_right:",
                query_params={"id": run},
            )
        _offer_files(report)
    if report["features"]:
        _table(report["features"])
        st.caption(
            "A feature drifted if its adjusted p is at most 0.05 and its distance or PSI reaches the "
            "threshold. So neither many features nor many rows make chance look like drift."
        )
    for name, why in report["left_out"].items():
        st.caption(plain(f"{name}: {why}."))


def _offer_files(report: DriftReport) -> None:
    model, identity = report["model"], report["id"]
    with st.container(horizontal=True):
        # Relative to the page, so that a path in front of the whole application is kept.
        address = f"drift-reports/{quote(model, safe='')}/{quote(identity, safe='')}"
        st.link_button("Open with charts", address, icon=":material/open_in_new:")
        st.download_button(
            "Download as HTML",
            lambda: signed_in.gateway().drift_page(model, identity),
            f"{model}-drift.html",
            "text/html",
            icon=":material/download:",
            on_click="ignore",
            key=f"drift page {identity}",
        )
        st.download_button(
            "Download as JSON",
            lambda: json.dumps(report, indent=2),
            f"{model}-drift.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
            key=f"drift data {identity}",
        )


def _table(features: list[FeatureDrift]) -> None:
    ordered = sorted(features, key=lambda one: (not one["drifted"], one["adjusted"]))
    frame = pd.DataFrame([_row(one) for one in ordered])
    shown = {
        name: st.column_config.NumberColumn(format="%.3g") for name in ("Distance", "PSI", "p", "p, adjusted")
    }
    st.dataframe(frame, hide_index=True, column_config=shown, key="drift features")
    st.caption(plain(f"{plural(len(features), 'feature')}, those that drifted first."))


def _row(one: FeatureDrift) -> dict[str, object]:
    return {
        "Feature": one["feature"],
        "Drifted": one["drifted"],
        "What changed": one["change"],
        "Direction": one["direction"].replace("_", " "),
        "Distance": one["distance"],
        "Threshold": one["threshold"],
        "PSI": one["index"],
        "p": one["p_value"],
        "p, adjusted": one["adjusted"],
        "n": one["n"],
        "Test": one["test"],
    }
