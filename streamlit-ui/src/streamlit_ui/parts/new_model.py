"""A new model: from a dataset to the run that trains its first version."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import signed_in
from streamlit_ui.contract.types import DatasetShort, TaskDescription
from streamlit_ui.declarations import different, task_named
from streamlit_ui.parts.declared import ask_declared
from streamlit_ui.parts.tasks import known_tasks, task_label
from streamlit_ui.parts.training import ask_budget, ask_candidates, ask_metric, begin, choose_candidates
from streamlit_ui.text import plain, plural


def ask_new_model(datasets: list[DatasetShort], taken: set[str]) -> None:
    """Ask for dataset, name, metric and budget, and go to the run; `taken` are the names in use."""
    by_name = {one["name"]: one for one in datasets}
    described = {one["name"]: _described(one) for one in datasets}
    wanted = st.query_params.get("dataset")
    dataset = st.selectbox(
        "Dataset",
        list(by_name),
        list(by_name).index(wanted) if wanted in by_name else 0,
        format_func=described.__getitem__,
    )
    places = {"dataset": st.container()}
    task = task_named(known_tasks(), by_name[dataset]["task"])
    if task is None:
        st.info(f"No model can be trained for {plain(task_label(by_name[dataset]['task']).lower())} yet.")
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
    if choose_candidates("new"):
        label = "Train these candidates"
        choices |= _ask_choices(task, f"new {dataset}", places)
    if st.button(label, type="primary", icon=":material/rocket_launch:", key="train"):
        begin(name, lambda: signed_in.gateway().create_model(name, dataset, **choices), places)


def free_name(dataset: str, taken: set[str]) -> str:
    """Return the dataset's name, or the next free one made of it, such as `census-2`."""
    names = [dataset, *(f"{dataset}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _ask_choices(task: TaskDescription, key: str, places: dict[str, DeltaGenerator]) -> dict[str, Any]:
    chosen: dict[str, Any] = {"candidates": ask_candidates(task, key)}
    places["candidates"] = st.container()
    if preparation := task.get("preparation"):
        with st.expander("Preparation", icon=":material/cleaning_services:"):
            st.caption(
                "Only for this model. What you leave unchanged stays as it was confirmed with the dataset."
            )
            changed = different(preparation, ask_declared(preparation, f"preparation {key}"))
        places["preparation"] = st.container()
        chosen |= {"preparation": changed} if changed else {}
    return chosen


def _described(dataset: DatasetShort) -> str:
    facts = [task_label(dataset["task"]).lower(), plural(dataset["rows"], "row")]
    return f"{dataset['name']} ({', '.join(facts)}, predicts {dataset['target']})"
