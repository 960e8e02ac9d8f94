"""Which model the pages are about."""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.client import GatewayError
from streamlit_ui.contract.types import ModelDetail
from streamlit_ui.parts import problems
from streamlit_ui.parts.blank import blank
from streamlit_ui.settings import settings
from streamlit_ui.text import plain

PARAMETER = "model"
"""What names the model in an address."""
_CHOSEN, _FIELD, _PICKED, _ASKED = "chosen_model", "model_field", "model_picked", "model_in_address"
Found = TypeVar("Found")


def choose(*, in_address: bool) -> None:
    """Offer the models, with only one there is nothing to choose; `in_address`: the page's address names it.

    A link, a reload and the back button bring another address than the last one: then it decides.
    """
    # The page itself shows what is wrong with the gateway, if anything.
    names, _ = _known("models", lambda: [model["name"] for model in signed_in.gateway().models()])
    chosen, asked = named(), st.query_params.get(PARAMETER)
    picked = st.session_state.pop(_PICKED, False)
    if asked and not picked and asked != st.session_state.get(_ASKED):
        chosen = asked
    elif chosen not in names and (chosen is None or chosen != asked):
        chosen = names[0] if names else None
    st.session_state[_CHOSEN] = chosen
    if len(names) > 1 or (names and chosen not in names):
        st.session_state[_FIELD] = chosen if chosen in names else None
        st.selectbox("Model", names, placeholder="Choose a model", key=_FIELD, on_change=_pick)
    elif chosen:
        st.caption(f"Model: **{plain(chosen)}**")
    if in_address and chosen and asked != chosen:
        st.query_params[PARAMETER] = asked = chosen
    st.session_state[_ASKED] = asked


def _pick() -> None:
    st.session_state[_CHOSEN] = st.session_state[_FIELD]
    st.session_state[_PICKED] = True


def choose_it(name: str) -> None:
    """Make a model the one that the pages are about."""
    st.session_state[_CHOSEN] = name


def named() -> str | None:
    """Return the name of the chosen model, which need not exist: an address may name any."""
    found: str | None = st.session_state.get(_CHOSEN)
    return found


def chosen_name() -> str:
    """Return the chosen model's name, or say that there is none yet and end the page."""
    name = named()
    if name is None:
        blank(
            ":material/model_training:",
            "There is no model yet",
            "The first one appears here as soon as it is created. This page refreshes automatically.",
        )
        refresh_later()
        st.stop()
    return name


def chosen(*, served: bool = False) -> ModelDetail:
    """Return the chosen model; if it has to be `served` and has no version, say so and end the page."""
    name = chosen_name()
    if served:
        # What was entered on these pages must not vanish while the gateway is unavailable.
        model, problem = _known(f"model {name}", lambda: signed_in.gateway().model(name))
        if problem:
            problems.show(problem)
    else:
        model = signed_in.gateway().model(name)
    if served and not model.get("version") and not model.get("versions"):
        not_ready(model)
        st.stop()
    return model


def not_ready(model: ModelDetail) -> None:
    """Say that no version can answer yet, and refresh until one can; or say why none will."""
    runs = signed_in.gateway().runs(model["name"], kind="training") if signed_in.may("engineer") else []
    if runs and runs[0].get("status") in ("failed", "cancelled"):
        blank(
            ":material/error:",
            "The first version was not trained",
            plain(runs[0].get("error") or "Its run was cancelled."),
        )
        st.page_link(
            "views/run.py",
            label="Show the run",
            icon=":material/model_training:",
            query_params={"id": runs[0]["id"]},
        )
        return
    blank(
        ":material/hourglass_top:",
        "The first version is still being trained",
        "This takes about a minute after the first start. This page refreshes automatically.",
    )
    refresh_later()


def _known(what: str, ask: Callable[[], Found]) -> tuple[Found, GatewayError | None]:
    """Return the gateway's answer, or its last one together with the error that came instead."""
    key = f"known {what}"
    problem = None
    try:
        st.session_state[key] = ask()
    except GatewayError as error:
        if not error.transient or key not in st.session_state:
            raise
        problem = error
    found: Found = st.session_state[key]
    return found, problem


@st.fragment(run_every=settings().refresh_s)
def refresh_later() -> None:
    """Run the whole page again after a while."""
    if st.session_state.pop("refreshed_once", False):
        st.rerun()
    st.session_state["refreshed_once"] = True
