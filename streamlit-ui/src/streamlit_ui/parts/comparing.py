"""Several versions of a model on the same labelled rows: which is better, and whether significantly."""

from collections.abc import Collection
from typing import Any

import pandas as pd
import streamlit as st

from streamlit_ui import evaluation_charts, signed_in, words
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.contract.types import EvaluatedVersion, Evaluation, ModelDetail
from streamlit_ui.declarations import task_named
from streamlit_ui.differences import between_versions
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.face_models import takes_pictures
from streamlit_ui.parts.problems import show_beside
from streamlit_ui.parts.tasks import known_tasks
from streamlit_ui.parts.versions import newest_first
from streamlit_ui.text import number, plain, plural, title

MOST_VERSIONS = 8
_DEFAULT_VERSIONS = 2


def show_comparison(model: ModelDetail) -> None:
    """Ask which versions and which rows, and show how they compare."""
    if takes_pictures(model):
        blank(
            ":material/compare_arrows:",
            "Versions are compared on rows of tables",
            "Those of a model that takes pictures meet at the gate: see the receipts under Versions.",
        )
        return
    versions = newest_first(signed_in.gateway().versions(model["name"]))
    if not versions:
        blank(
            ":material/compare_arrows:",
            "No version yet",
            "The first successful run adds one.",
        )
        return
    by_name = {version["version"]: version for version in versions}
    served = [name for name in by_name if name == model.get("version")]
    default = [*served, *(name for name in by_name if name not in served)][:_DEFAULT_VERSIONS]
    chosen = st.multiselect(
        "Versions",
        list(by_name),
        default=default,
        format_func=lambda name: f"Version {name}, {_estimator(by_name[name].get('candidate'))}",
        max_selections=MOST_VERSIONS,
        help="The others are compared with the first one.",
        # Another model, champion or newest version starts anew.
        key=f"compared versions of {model['name']}: {default}",
    )
    places = {"versions": st.container()}
    own = "The model's own holdout rows"
    others = [one["name"] for one in signed_in.gateway().datasets() if one.get("version")]
    picked = st.selectbox(
        "Labelled rows", [own, *others], help="Rows that a version was trained on are left out."
    )
    places["dataset"] = st.container()
    dataset = None if picked == own else picked
    kept = f"evaluation of {model['name']}"
    if st.button("Compare", type="primary", icon=":material/compare_arrows:", disabled=not chosen):
        try:
            with st.spinner("Evaluating each version on the same rows …"):
                st.session_state[kept] = signed_in.gateway().evaluate(model["name"], chosen, dataset)
        except SignedOut:
            raise
        except GatewayError as error:
            st.session_state.pop(kept, None)
            show_beside(error, places)
    if found := st.session_state.get(kept):
        task = task_named(known_tasks(), model["task"])
        _show(found, task["lower_is_better"] if task else [])


def figures(evaluation: Evaluation) -> pd.DataFrame:
    """Return the metrics as a table: a line for each metric, a column for each version."""
    versions = evaluation["versions"]
    names = list(dict.fromkeys(name for one in versions for name in one["metrics"]))
    return pd.DataFrame(
        {
            "Metric": [words.metric(name) for name in names],
            **{
                f"Version {one['version']}": [number(one["metrics"].get(name)) for name in names]
                for one in versions
            },
        }
    )


def _show(evaluation: Evaluation, lower_is_better: Collection[str]) -> None:
    rows = evaluation["rows"]
    st.subheader("Comparison")
    st.caption(
        plain(
            f"On {plural(rows['used'], 'row')} of {rows['dataset']}, version {rows['dataset_version']}; "
            f"{number(rows['left_out'])} left out. {rows['which']}"
        )
    )
    st.dataframe(figures(evaluation), hide_index=True, alt="The metrics of each version")
    if evaluation["differences"]:
        st.markdown("**Is the difference real?**")
        said = [between_versions(one, lower_is_better) for one in evaluation["differences"]]
        st.markdown("\n".join(f"- {plain(sentence)}" for sentence in said))
    curves = [drawn["label"] for one in evaluation["versions"] for drawn in one["curves"]]
    if curves:
        _show_curves(evaluation, list(dict.fromkeys(curves)))
    if evaluation["classes"]:
        _show_confusion(evaluation)


def _show_curves(evaluation: Evaluation, labels: list[str]) -> None:
    label = labels[0]
    if len(labels) > 1:
        label = st.selectbox("Curves for the class", labels)
    else:
        st.markdown(f"**Curves for the class {plain(label)}**")
    versions = evaluation["versions"]
    with st.grid(2, min_column_width=300):
        for name, axes in evaluation_charts.CURVES.items():
            st.altair_chart(
                evaluation_charts.curve(versions, label, name),
                alt=f"{axes.title}: {_areas(versions, label)}",
                key=f"{name} chart",
            )
    st.caption(plain(_areas(versions, label)))


def _show_confusion(evaluation: Evaluation) -> None:
    st.markdown("**Which classes are confused**")
    with st.grid(2, min_column_width=300):
        for one in evaluation["versions"]:
            if one["confusion"] is None:
                continue
            with st.container(gap="xxsmall"):
                st.caption(f"Version {plain(one['version'])}")
                st.altair_chart(
                    evaluation_charts.confusion(one["confusion"], evaluation["classes"]),
                    alt=f"Confusion matrix of version {one['version']}",
                    key=f"confusion of {one['version']}",
                )


def _areas(versions: list[EvaluatedVersion], label: str) -> str:
    said = [
        f"Version {one['version']}: ROC AUC {number(drawn['roc_auc'])}, "
        f"average precision {number(drawn['average_precision'])}"
        for one in versions
        for drawn in one["curves"]
        if drawn["label"] == label
    ]
    return "; ".join(said)


def _estimator(candidate: dict[str, Any] | None) -> str:
    return title(str((candidate or {}).get("estimator") or "–")).lower()
