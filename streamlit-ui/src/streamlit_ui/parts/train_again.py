"""Training an existing model again."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.contract.types import CandidateRequest, ModelShort
from streamlit_ui.declarations import task_named
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.tasks import known_tasks
from streamlit_ui.parts.training import DEFAULT_S, ask_budget, ask_candidates, begin, choose_candidates


def ask_train_again(known: list[ModelShort], wanted: str | None) -> None:
    """Ask which model, for how long and why, and go to the run; `wanted` is chosen at first."""
    if not known:
        blank(":material/model_training:", "No model yet", "Train a new one first.")
        return
    names = [model["name"] for model in known]
    name = st.selectbox("Model to train again", names, names.index(wanted) if wanted in names else 0)
    model = signed_in.gateway().model(name)
    budget = ask_budget(f"again {name}", float(model.get("policy", {}).get("budget_s") or DEFAULT_S))
    places = {"budget_s": st.container()}
    reason = st.text_input("Reason", placeholder="Optional", max_chars=1000)
    task = task_named(known_tasks(), model["task"])
    candidates: list[CandidateRequest] = []
    if task and choose_candidates("again"):
        candidates = ask_candidates(task, f"again {name}")
        places["candidates"] = st.container()
    if st.button("Train again", type="primary", icon=":material/rocket_launch:", key="train"):
        begin(name, lambda: signed_in.gateway().start_run(name, budget, reason.strip(), candidates), places)
