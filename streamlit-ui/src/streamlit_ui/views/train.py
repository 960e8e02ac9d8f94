"""Train: find the best model for a dataset with one button, or choose the candidates."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.new_model import ask_new_model
from streamlit_ui.parts.tasks import known_tasks
from streamlit_ui.parts.train_again import ask_train_again

NEW, AGAIN = "A new model", "An existing model"


def page() -> None:
    """Ask what is to be trained, and go to the run that does."""
    st.title("Train")
    st.caption("Candidates compete on validation rows; the best one must pass the gate on test rows.")
    gateway = signed_in.gateway()
    known = gateway.models()
    wanted = st.query_params.get("model")
    what = st.segmented_control(
        "What to train", [NEW, AGAIN], default=AGAIN if wanted else NEW, required=True, key="what to train"
    )
    if what == AGAIN:
        ask_train_again(known, wanted)
        return
    galleries = {task["task"] for task in known_tasks() if task.get("takes") == "pictures"}
    datasets = [one for one in gateway.datasets() if one.get("version") and one["task"] not in galleries]
    if datasets:
        ask_new_model(datasets, {model["name"] for model in known})
    else:
        blank(":material/table_view:", "No data yet", "A model learns from a dataset: upload one first.")
        st.page_link("views/data.py", label="Upload data", icon=":material/table_view:")


page()
