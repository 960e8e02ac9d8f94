"""Which pages there are, and for whom."""

import streamlit as st
from streamlit.navigation.page import Page

from streamlit_ui.answers import Role
from streamlit_ui.sessions import includes


def pages(role: Role) -> list[Page]:
    """Return the pages of a role, those that are only reached from another page included."""
    shown = [
        st.Page(
            "views/predict.py", title="Predict", icon=":material/bolt:", url_path="predict", default=True
        ),
        st.Page("views/upload.py", title="Upload a batch", icon=":material/upload_file:", url_path="upload"),
        st.Page("views/history.py", title="History", icon=":material/history:", url_path="history"),
        st.Page("views/prediction.py", title="Prediction", url_path="prediction", visibility="hidden"),
        st.Page("views/model.py", title="Model", icon=":material/monitoring:", url_path="model"),
    ]
    if includes(role, "engineer"):
        shown += [
            st.Page("views/runs.py", title="Runs", icon=":material/model_training:", url_path="runs"),
            st.Page("views/run.py", title="Run", url_path="run", visibility="hidden"),
        ]
    if includes(role, "maintainer"):
        shown.append(
            st.Page("views/people.py", title="Users and keys", icon=":material/group:", url_path="people")
        )
    return shown
