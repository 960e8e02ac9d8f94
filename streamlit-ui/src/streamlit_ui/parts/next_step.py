"""What to do once a run is over."""

import streamlit as st

from streamlit_ui.contract.types import RunShort
from streamlit_ui.parts import models


def offer_next_step(run: RunShort) -> None:
    """Lead from a version that was made to asking it."""
    model = run.get("model")
    if run.get("status") != "succeeded" or not run.get("version") or not model:
        return
    if st.button("Predict with it", icon=":material/bolt:", type="primary"):
        st.switch_page("views/predict.py", query_params={models.PARAMETER: model})
