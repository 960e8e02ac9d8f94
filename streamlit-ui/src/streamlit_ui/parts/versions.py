"""The trained versions of a model."""

import pandas as pd
import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.contract.types import ModelDetail, VersionShort
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.facts import show_facts
from streamlit_ui.parts.prepared import show_preparation
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.receipt import show_receipt
from streamlit_ui.parts.removing import remove_unused, remove_version, show_what_was_removed
from streamlit_ui.parts.wrapped_table import show_wrapped
from streamlit_ui.text import number, plain, title
from streamlit_ui.times import ago, when

SHOWN = 20


def show_versions(model: ModelDetail) -> None:
    """Show each version with its metrics, lineage and receipt, newest first."""
    show_what_was_removed()
    versions = newest_first(signed_in.gateway().versions(model["name"]))
    if not versions:
        blank(":material/model_training:", "No version yet", "The first successful run adds one here.")
        return
    show_table(versions, "The versions, newest first")
    unused = [version for version in versions if not version.get("stages")]
    if (
        unused
        and signed_in.may("maintainer")
        and st.button("Remove all unused…", icon=":material/delete_sweep:")
    ):
        remove_unused([model["name"]])
    for version in versions[: None if st.session_state.get("all_versions") else SHOWN]:
        served = version.get("stages") or []
        stage = f" · serves {plain(', '.join(served))}" if served else ""
        memory = " · loaded" if version.get("loaded") else ""
        label = f"**Version {plain(version['version'])}**{stage}{memory} · {ago(version.get('created_at'))}"
        with st.expander(label, expanded=bool(served), key=f"version {version['version']}"):
            _details(version)
            with st.container(horizontal=True):
                if signed_in.may("engineer"):
                    _offer_memory(model["name"], version)
                if signed_in.may("maintainer"):
                    _offer_removal(model["name"], version)
    if len(versions) > SHOWN and not st.session_state.get("all_versions"):
        st.button(
            f"Show all {len(versions)}", on_click=st.session_state.update, args=({"all_versions": True},)
        )


def _offer_memory(model: str, version: VersionShort) -> None:
    """Let an engineer load a version into memory, or unload it."""
    name, loaded = version["version"], version.get("loaded")
    pressed = st.button(
        "Unload" if loaded else "Load into memory",
        icon=":material/eject:" if loaded else ":material/memory:",
        key=f"memory of {name}",
        help="A loaded version answers requests that name it, whatever the stage serves.",
    )
    if pressed:
        with problems_in_words(), st.spinner("Unloading …" if loaded else "Loading …"):
            gateway = signed_in.gateway()
            (gateway.unload_version if loaded else gateway.load_version)(model, name)
            st.rerun()


def _offer_removal(model: str, version: VersionShort) -> None:
    """Let a maintainer remove a version that no stage serves."""
    served = bool(version.get("stages"))
    if st.button(
        "Remove…",
        icon=":material/delete:",
        key=f"removal of {version['version']}",
        disabled=served,
        help="A stage serves it: promote another one first." if served else None,
    ):
        remove_version(model, version["version"])


def show_table(versions: list[VersionShort], alt: str) -> None:
    """Show versions side by side."""
    show_wrapped(frame(versions), alt)


def frame(versions: list[VersionShort]) -> pd.DataFrame:
    """Return the versions as a table of text: their state, what they are, how good they are."""
    metrics = list(dict.fromkeys(name for version in versions for name in version.get("metrics") or {}))
    return pd.DataFrame(
        [
            {
                "Version": version["version"],
                "Serves": ", ".join(version.get("stages") or []),
                "Loaded": "loaded" if version.get("loaded") else "",
                "Trained": ago(version.get("created_at")),
                "Estimator": title(str((version.get("candidate") or {}).get("estimator") or "–")),
                "Settings": words.settings(version.get("candidate")),
                **{words.metric(name): number((version.get("metrics") or {}).get(name)) for name in metrics},
            }
            for version in versions
        ]
    )


def newest_first(versions: list[VersionShort]) -> list[VersionShort]:
    """Return the versions, the last trained first."""
    return sorted(versions, key=lambda version: version.get("created_at") or "", reverse=True)


def _details(version: VersionShort) -> None:
    if problem := version.get("problem"):
        st.error(plain(problem), icon=":material/key_off:")
    if barred := version.get("barred"):
        st.warning(f"Not promoted automatically: {plain(barred)}", icon=":material/block:")
    if metrics := version.get("metrics"):
        st.markdown("**Metrics** on the holdout rows")
        show_facts({words.metric(name): number(value) for name, value in metrics.items()})
    lineage, candidate = version.get("lineage") or {}, version.get("candidate") or {}
    st.markdown("**Lineage**")
    facts = {
        "Estimator": title(str(candidate.get("estimator") or "–")),
        "Settings": words.settings(candidate),
        "Engine": {"onnx": "ONNX", "arrays": "Arrays"}.get(str(version.get("engine")), version.get("engine")),
        "Dataset": lineage.get("dataset"),
        "Dataset version": lineage.get("dataset_version"),
        "Dataset revision": str(lineage.get("dataset_revision") or "")[:12] or None,
        "Trained": when(lineage.get("trained_at") or version.get("created_at")),
        "Code revision": str(lineage.get("code_revision") or "")[:12] or None,
    }
    show_facts({name: value for name, value in facts.items() if value is not None})
    if signed_in.may("engineer") and (run := lineage.get("run")):
        st.page_link(
            "views/run.py",
            label="The run that trained it",
            icon=":material/model_training:",
            query_params={"id": run},
        )
    show_preparation(version.get("preparation") or {})
    st.markdown("**Gate**")
    show_receipt(version.get("receipt"))
