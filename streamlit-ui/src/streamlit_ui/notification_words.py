"""Events and deliveries in words."""

from collections.abc import Mapping
from typing import Literal

from streamlit_ui.text import title
from streamlit_ui.words import Word

EventType = Literal[
    "score.fell",
    "run.opened",
    "run.held",
    "run.rejected",
    "run.failed",
    "version.waiting",
    "version.promoted",
    "version.rolled_back",
    "watch.alerted",
    "retraining.paused",
    "drift.found",
]
EVENTS: Mapping[EventType, str] = {
    "score.fell": "A score fell",
    "drift.found": "Inputs drifted",
    "run.opened": "A training run was opened",
    "run.held": "The gate held a version back",
    "run.rejected": "The gate rejected a version",
    "run.failed": "A run failed",
    "version.waiting": "A version waits for a maintainer",
    "version.promoted": "A version was promoted",
    "version.rolled_back": "A version was rolled back",
    "watch.alerted": "A promoted version needs a decision",
    "retraining.paused": "Retraining is paused",
}
"""What happened, in the order in which it is offered."""
Kind = Literal["webhook", "apprise"]
KINDS: Mapping[Kind, str] = {
    "apprise": "A service, by an Apprise URL",
    "webhook": "A webhook of your own, signed",
}
_STATES = {
    "waiting": Word("Waiting", "orange", ":material/schedule:", "It is tried again."),
    "delivered": Word("Delivered", "green", ":material/check_circle:", "The receiver has it."),
    "given_up": Word("Given up", "red", ":material/error:", "It is not tried any more."),
}


def event(name: str) -> str:
    """Return what an event is called."""
    named = next((label for known, label in EVENTS.items() if known == name), None)
    return "A test" if name == "test" else named or title(name.replace(".", " "))


def state(name: str) -> Word:
    """Return the word for the state of a delivery."""
    return _STATES.get(name) or Word(title(name), "gray", ":material/help:", "")
