"""A model that is not there yet: from a dataset to the run that trains its first version."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import signed_in, words
from streamlit_ui.contract.types import DatasetShort, TaskDescription
from streamlit_ui.declarations import different, task_named
from streamlit_ui.parts.declared import ask_declared
from streamlit_ui.parts.training import ask_budget, ask_candidates, ask_metric, begin, by_hand
from streamlit_ui.text import plain, plural


def ask_new_model(datasets: list[DatasetShort], taken: set[str], tasks: list[TaskDescription]) -> None:
    """Ask for dataset, name, metric and budget, and go to the run; `taken` are names there are."""
    by_name = {one["name"]: one for one in datasets}
    wanted = st.query_params.get("dataset")
    dataset = st.selectbox(
        "Dataset",
        list(by_name),
        list(by_name).index(wanted) if wanted in by_name else 0,
        format_func=lambda name: _described(by_name[name]),
    )
    places = {"dataset": st.container()}
    task = task_named(tasks, by_name[dataset].get("task"))
    if task is None:
        st.info(f"Nothing can be trained for {plain(words.task(by_name[dataset].get('task')).lower())} yet.")
        return
    name = st.text_input(
        "Name of the model", free_name(dataset, taken), 63, key=f"name for {dataset}"
    ).strip()
    places["name"] = st.container()
    metric = ask_metric(task, f"for {dataset}")
    places["selection_metric"] = st.container()
    budget = ask_budget("new")
    places["policy"] = st.container()
    choices: dict[str, Any] = {"selection_metric": metric, "policy": {"budget_s": budget}}
    label = "Find the best model"
    if by_hand("new"):
        label = "Train these candidates"
        choices |= _chosen_by_hand(task, f"new {dataset}", places)
    if st.button(label, type="primary", icon=":material/rocket_launch:", key="train"):
        begin(name, lambda: signed_in.gateway().create_model(name, dataset, **choices), places)


def free_name(dataset: str, taken: set[str]) -> str:
    """Return the dataset's name, or the next free one made of it, such as `census-2`."""
    names = [dataset, *(f"{dataset}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _chosen_by_hand(task: TaskDescription, key: str, places: dict[str, DeltaGenerator]) -> dict[str, Any]:
    chosen: dict[str, Any] = {"candidates": ask_candidates(task, key)}
    places["candidates"] = st.container()
    if task["preparation"]:
        with st.expander("Preparation", icon=":material/cleaning_services:"):
            st.caption(
                "Only for this model; what was confirmed with the dataset holds for what is not changed."
            )
            changed = different(task["preparation"], ask_declared(task["preparation"], f"preparation {key}"))
        places["preparation"] = st.container()
        chosen |= {"preparation": changed} if changed else {}
    return chosen


def _described(dataset: DatasetShort) -> str:
    facts = [words.task(dataset.get("task")).lower(), plural(dataset.get("rows") or 0, "row")]
    return f"{dataset['name']} ({', '.join(facts)}, predicts {dataset.get('target')})"
