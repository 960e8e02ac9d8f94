"""History: the predictions, newest first, with the feedback on them."""

from collections.abc import Callable

import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.contract.types import RecordedPrediction
from streamlit_ui.parts import models
from streamlit_ui.parts.blank import blank
from streamlit_ui.text import plain, plural
from streamlit_ui.times import ago

PAGE = 25
# The gateway lists at most this many predictions at once.
MOST = 1000
FILTERS: dict[str, Callable[[RecordedPrediction], bool]] = {
    "All": lambda _: True,
    "No feedback": lambda found: not found["feedback"],
    "Right": lambda found: any(given["correct"] for given in found["feedback"]),
    "Wrong": lambda found: any(not given["correct"] for given in found["feedback"]),
    "Unusual input": lambda found: bool(words.oddities(found["flags"])),
}


def page() -> None:
    """List predictions, one more page each time the button is pressed."""
    name = models.chosen_name()
    st.title("History")
    st.caption("Everybody's predictions." if signed_in.may("engineer") else "Your own predictions.")
    wanted = PAGE * (1 + st.session_state.get(f"older {name}", 0))
    loaded = _load(name, wanted)
    if not loaded:
        blank(
            ":material/history:",
            "No predictions yet",
            "Your predictions and your feedback on them appear here.",
        )
        return
    shown = _filter(loaded)
    for prediction in shown:
        _entry(prediction)
    if not shown:
        st.info("None of these match the filter.")
    st.caption(f"{plural(len(shown), 'prediction')} shown of the newest {len(loaded)}.")
    if len(loaded) == wanted and st.button("Show older", icon=":material/expand_more:"):
        st.session_state[f"older {name}"] = wanted // PAGE
        st.rerun()


def _load(name: str, wanted: int) -> list[RecordedPrediction]:
    """Return the newest predictions, as many as wanted or as there are."""
    loaded: list[RecordedPrediction] = []
    while len(loaded) < wanted:
        limit = min(wanted - len(loaded), MOST)
        portion = signed_in.gateway().predictions(name, limit, loaded[-1]["id"] if loaded else None)
        loaded += portion
        if len(portion) < limit:
            break
    return loaded


def _filter(loaded: list[RecordedPrediction]) -> list[RecordedPrediction]:
    chosen = st.pills(
        "Show", list(FILTERS), default="All", required=True, key="history filter", persist_state="session"
    )
    labels = sorted(
        {
            words.answer(found)
            for found in loaded
            if found.get("label") is not None or words.is_of_a_face(found)
        }
    )
    wanted = st.multiselect("Answers", labels, placeholder="Any answer") if len(labels) > 1 else []
    return [
        found
        for found in loaded
        if FILTERS[str(chosen)](found) and (not wanted or words.answer(found) in wanted)
    ]


def _entry(prediction: RecordedPrediction) -> None:
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        with st.container(gap="xxsmall", width="stretch"):
            share = words.certainty(prediction) or words.nearness(prediction)
            st.markdown(f"**{plain(words.answer(prediction))}**" + (f" · {plain(share)}" if share else ""))
            who = f" by {plain(prediction['subject'])}" if prediction.get("subject") else ""
            st.caption(f"{ago(prediction.get('at'))}{who} · version {plain(prediction.get('version'))}")
        with st.container(horizontal=True, vertical_alignment="center", width="content", wrap=False):
            _feedback_badge(prediction)
            st.page_link(
                "views/prediction.py",
                label="Details",
                icon=":material/chevron_right:",
                query_params={"id": prediction["id"]},
            )


def _feedback_badge(prediction: RecordedPrediction) -> None:
    given = prediction["feedback"][-1:]
    if given:
        st.badge(plain(words.feedback(given[0])), color="green" if given[0]["correct"] else "red")
    elif prediction["ask"]:
        st.badge("Feedback wanted", color="blue")


page()
