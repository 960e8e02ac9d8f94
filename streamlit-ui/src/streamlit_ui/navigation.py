"""Which pages there are, for whom, how wide each is, and whether its address names a model."""

from typing import Literal

import streamlit as st
from streamlit.navigation.page import Page

from streamlit_ui.contract.types import Role
from streamlit_ui.sessions import includes

_ABOUT_A_MODEL = frozenset({"predict", "upload", "history", "model", "monitoring"})
_FORMS = frozenset({"predict", "prediction", "history", "train", "people", "notifications"})
"""Pages to read and fill in: their lines would be too long to read in a wide window."""


def is_about_a_model(page: Page) -> bool:
    """Say whether a page shows one model, which its address then names."""
    return _path(page) in _ABOUT_A_MODEL


def layout(page: Page) -> Literal["wide", "centered"]:
    """Return how a page uses the window: tables and charts take its width."""
    return "centered" if _path(page) in _FORMS else "wide"


def _path(page: Page) -> str:
    return page.url_path or "predict"  # the default page has an empty one


def pages(role: Role) -> dict[str, list[Page]]:
    """Return the pages of a role by section, including those only reached from another page."""
    found = {
        "Use": [
            st.Page(
                "views/predict.py", title="Predict", icon=":material/bolt:", url_path="predict", default=True
            ),
            st.Page(
                "views/upload.py", title="Upload a batch", icon=":material/upload_file:", url_path="upload"
            ),
            st.Page("views/history.py", title="History", icon=":material/history:", url_path="history"),
            st.Page("views/prediction.py", title="Prediction", url_path="prediction", visibility="hidden"),
        ]
    }
    if includes(role, "engineer"):
        found["Build"] = [
            st.Page("views/data.py", title="Data", icon=":material/table_view:", url_path="data"),
            st.Page("views/dataset.py", title="Dataset", url_path="dataset", visibility="hidden"),
            st.Page("views/train.py", title="Train", icon=":material/rocket_launch:", url_path="train"),
            st.Page("views/runs.py", title="Runs", icon=":material/model_training:", url_path="runs"),
            st.Page("views/run.py", title="Run", url_path="run", visibility="hidden"),
        ]
    found["Monitor"] = [
        *(
            [
                st.Page(
                    "views/monitoring.py",
                    title="Monitoring",
                    icon=":material/monitoring:",
                    url_path="monitoring",
                )
            ]
            if includes(role, "engineer")
            else []
        ),
        st.Page("views/models.py", title="Models", icon=":material/category:", url_path="models"),
        st.Page("views/model.py", title="Model", url_path="model", visibility="hidden"),
    ]
    if includes(role, "engineer"):
        found["Monitor"].append(
            st.Page("views/logs.py", title="Logs", icon=":material/article:", url_path="logs")
        )
    if includes(role, "maintainer"):
        found["Manage"] = [
            st.Page("views/people.py", title="Users and keys", icon=":material/group:", url_path="people"),
        ]
    if includes(role, "engineer"):
        found.setdefault("Manage", []).append(
            st.Page(
                "views/notifications.py",
                title="Notifications",
                icon=":material/notifications:",
                url_path="notifications",
            )
        )
    return found
