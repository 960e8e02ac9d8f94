"""Which pages there are, for whom, how wide each is, and whether its address names a model."""

from typing import Literal, NamedTuple

import streamlit as st
from streamlit.navigation.page import Page

from streamlit_ui.contract.types import Role
from streamlit_ui.sessions import includes


class _Known(NamedTuple):
    """A page, whose view has the name of its path."""

    section: str
    role: Role
    """The least role that sees it."""
    path: str
    title: str
    icon: str | None = None
    """A page without one is only reached from another page."""
    about_a_model: bool = False
    """It shows one model, which its address then names."""
    form: bool = False
    """It is to read and fill in: its lines would be too long to read in a wide window."""


_PAGES = (
    _Known("Use", "user", "predict", "Predict", "bolt", about_a_model=True, form=True),
    _Known("Use", "user", "faces", "Faces", "face", about_a_model=True, form=True),
    _Known("Use", "user", "upload", "Upload a batch", "upload_file", about_a_model=True),
    _Known("Use", "user", "history", "History", "history", about_a_model=True, form=True),
    _Known("Use", "user", "prediction", "Prediction", form=True),
    _Known("Build", "engineer", "data", "Data", "table_view"),
    _Known("Build", "engineer", "dataset", "Dataset"),
    _Known("Build", "engineer", "train", "Train", "rocket_launch", form=True),
    _Known("Build", "engineer", "live", "Live", "tune", about_a_model=True),
    _Known("Build", "engineer", "runs", "Runs", "model_training"),
    _Known("Build", "engineer", "run", "Run"),
    _Known("Monitor", "engineer", "monitoring", "Monitoring", "monitoring", about_a_model=True),
    _Known("Monitor", "user", "models", "Models", "category"),
    _Known("Monitor", "user", "model", "Model", about_a_model=True),
    _Known("Monitor", "engineer", "logs", "Logs", "article"),
    _Known("Manage", "maintainer", "people", "Users and keys", "group", form=True),
    _Known("Manage", "engineer", "notifications", "Notifications", "notifications", form=True),
)
_DEFAULT = _PAGES[0]
_BY_PATH = {known.path: known for known in _PAGES}


def is_about_a_model(page: Page) -> bool:
    """Say whether a page shows one model, which its address then names."""
    return _known(page).about_a_model


def layout(page: Page) -> Literal["wide", "centered"]:
    """Return how a page uses the window: tables and charts take its width."""
    return "centered" if _known(page).form else "wide"


def pages(role: Role) -> dict[str, list[Page]]:
    """Return the pages of a role by section, including those only reached from another page."""
    found: dict[str, list[Page]] = {}
    for known in _PAGES:
        if includes(role, known.role):
            found.setdefault(known.section, []).append(_made(known))
    return found


def _known(page: Page) -> _Known:
    return _BY_PATH[page.url_path or _DEFAULT.path]  # the default page has an empty one


def _made(known: _Known) -> Page:
    return st.Page(
        f"views/{known.path}.py",
        title=known.title,
        icon=f":material/{known.icon}:" if known.icon else None,
        url_path=known.path,
        default=known is _DEFAULT,
        visibility="visible" if known.icon else "hidden",
    )
