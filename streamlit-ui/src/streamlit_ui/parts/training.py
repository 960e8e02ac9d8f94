"""What a person chooses before a training run: the metric, the budget, and the candidates if they like."""

from collections.abc import Callable, Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import words
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.contract.types import CandidateRequest, Estimator, TaskDescription, VectorizerRequest
from streamlit_ui.parts import models
from streamlit_ui.parts.declared import ask_fixed
from streamlit_ui.parts.problems import show_beside
from streamlit_ui.parts.starting import is_about_an_open_run, show_open_run
from streamlit_ui.text import plain

MOST_CANDIDATES = 32
_UNITS = {"seconds": 1, "minutes": 60, "hours": 3_600}
_TRIED = "candidates_to_try"
DEFAULT_S = 60
AUTOMATIC, MANUAL = "Automatic", "Manual"


def ask_metric(task: TaskDescription, key: str) -> str:
    """Ask for the metric that ranks the candidates, and say what it means."""
    names = task["metrics"]
    default = task["default_metric"]
    metric: str = st.selectbox(
        "Compare candidates by",
        names,
        names.index(default) if default in names else 0,
        format_func=words.metric,
        key=f"metric {key}",
    )
    st.caption(plain(words.metric_meaning(metric)))
    return metric


def ask_budget(key: str, default_s: float = DEFAULT_S) -> float:
    """Ask how long the search may take, in a unit that people choose; return seconds."""
    number, unit, before = f"budget {key}", f"unit {key}", f"unit before {key}"
    if number not in st.session_state:
        whole_minutes = default_s >= _UNITS["minutes"] and default_s % _UNITS["minutes"] == 0
        st.session_state[unit] = "minutes" if whole_minutes else "seconds"
        st.session_state[number] = max(round(default_s / _UNITS[st.session_state[unit]]), 1)
    st.session_state[before] = st.session_state[unit]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        count = st.number_input(
            "The search may take",
            min_value=1,
            step=1,
            key=number,
            width=260,
            help="A longer search finds better models, up to a point. Testing the winner takes extra time.",
        )
        st.segmented_control(
            "Unit", list(_UNITS), required=True, key=unit, on_change=_convert, args=(number, unit, before)
        )
    return float(count * _UNITS[st.session_state[unit]])


def _convert(number: str, unit: str, before: str) -> None:
    """Keep the length of time when its unit changes: 2 minutes become 120 seconds."""
    seconds = st.session_state[number] * _UNITS[st.session_state[before]]
    st.session_state[number] = max(round(seconds / _UNITS[st.session_state[unit]]), 1)


def ask_candidates(task: TaskDescription, key: str) -> list[CandidateRequest]:
    """Ask for the candidates: estimators, vectorizers and their hyperparameters."""
    tried: dict[str, list[int]] = st.session_state.setdefault(_TRIED, {})
    numbers = tried.setdefault(key, [0])
    candidates = []
    for place, number in enumerate(numbers, start=1):
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**Candidate {place}**", width="stretch")
                if len(numbers) > 1 and st.button("Remove", key=f"drop {key}/{number}", type="tertiary"):
                    numbers.remove(number)
                    st.rerun()
            candidates.append(_ask_candidate(task, f"{key}/{number}"))
    if st.button("Add a candidate", icon=":material/add:", disabled=len(numbers) >= MOST_CANDIDATES):
        numbers.append(max(numbers) + 1)
        st.rerun()
    return candidates


def choose_candidates(key: str) -> bool:
    """Ask whether somebody wants to choose the candidates rather than have all of them tried."""
    how = st.segmented_control(
        "What is tried", [AUTOMATIC, MANUAL], default=AUTOMATIC, required=True, key=f"how {key}",
        help="Automatic tries every estimator of the task and searches their hyperparameters.",
    )  # fmt: skip
    return how == MANUAL


def begin(model: str, start: Callable[[], str], places: Mapping[str, DeltaGenerator]) -> None:
    """Start the run of a model and go to it; show beside its cause what keeps it from starting."""
    try:
        with st.spinner("Starting …"):
            run = start()
    except SignedOut:
        raise
    except GatewayError as error:
        if is_about_an_open_run(error):
            show_open_run(error)
        else:
            show_beside(error, places)
    else:
        models.choose_it(model)
        st.switch_page("views/run.py", query_params={"id": run})


def _ask_candidate(task: TaskDescription, key: str) -> CandidateRequest:
    vectorizer = _ask_vectorizer(task["vectorizers"], key) if task.get("vectorizers") else None
    estimator = _ask_one("Estimator", task["estimators"], f"{key}/estimator")
    candidate: CandidateRequest = {
        "estimator": estimator["name"],
        "params": ask_fixed(estimator, f"{key}/estimator/{estimator['name']}"),
    }
    if vectorizer:
        candidate["vectorizer"] = vectorizer
    return candidate


def _ask_vectorizer(vectorizers: list[Estimator], key: str) -> VectorizerRequest:
    vectorizer = _ask_one("Vectorizer", vectorizers, f"{key}/vectorizer")
    params = ask_fixed(vectorizer, f"{key}/vectorizer/{vectorizer['name']}")
    return {"name": vectorizer["name"], "params": params}


def _ask_one(what: str, declared: list[Estimator], key: str) -> Estimator:
    by_name = {one["name"]: one for one in declared}
    name = st.selectbox(what, list(by_name), format_func=lambda name: by_name[name]["title"], key=key)
    if said := by_name[name].get("help"):
        st.caption(plain(said))
    return by_name[name]
