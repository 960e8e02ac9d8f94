"""The platform's vocabulary, as people read it: what a state, a trigger, a verdict or a flag means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from streamlit_ui.answers import Judgement, Prediction
from streamlit_ui.text import number, percent, title

Colour = Literal["green", "orange", "red", "blue", "gray", "violet"]


@dataclass(frozen=True)
class Word:
    """A word of the vocabulary, its colour and icon, and the sentence behind it."""

    label: str
    colour: Colour
    icon: str
    meaning: str


_STATES = {
    "collecting": Word("Collecting", "gray", ":material/hourglass_empty:", "Too little feedback yet to say."),
    "healthy": Word("Healthy", "green", ":material/check_circle:", "The score is where it should be."),
    "degraded": Word(
        "Degraded",
        "orange",
        ":material/warning:",
        "The score is below the threshold, and a run is not possible right now.",
    ),
    "retraining": Word("Retraining", "blue", ":material/autorenew:", "A run is training a challenger."),
    "watching": Word(
        "Watching", "violet", ":material/visibility:", "A new version was promoted and is being watched."
    ),
    "paused": Word(
        "Paused",
        "red",
        ":material/pause_circle:",
        "Several runs in a row led nowhere, so no more are opened until a maintainer resumes.",
    ),
}
_STATUSES = {
    "queued": Word("Queued", "gray", ":material/schedule:", "It waits for its turn."),
    "running": Word("Running", "blue", ":material/autorenew:", "It is at work."),
    "succeeded": Word("Succeeded", "green", ":material/check_circle:", "It did all its steps."),
    "failed": Word("Failed", "red", ":material/error:", "It ended with an error."),
    "cancelled": Word("Cancelled", "gray", ":material/cancel:", "Somebody ended it."),
}
_KINDS = {
    "training": Word(
        "Training", "blue", ":material/model_training:", "Candidates are trained; the best meets the gate."
    ),
    "dataset": Word("Storing", "violet", ":material/database:", "An uploaded file becomes a version."),
    "evaluation": Word(
        "Evaluation", "green", ":material/balance:", "Versions are compared on the same rows."
    ),
    "profile": Word("Profile", "orange", ":material/query_stats:", "A dataset is looked at from all sides."),
}
_VERDICTS = {
    "promote": Word("Promote", "green", ":material/check_circle:", "The challenger is better."),
    "hold": Word("Hold", "orange", ":material/pause_circle:", "Nothing is proved either way."),
    "reject": Word("Reject", "red", ":material/block:", "The challenger is worse, or a class is broken."),
}
_TRIGGERS = {
    "score": "The score fell",
    "manual": "Started by hand",
    "upload": "New data came in",
    "drift": "The inputs drifted",
    "initial": "First training",
}
_LEDGER = {
    "promotion": Word("Promotion", "green", ":material/trending_up:", "A version was put in place."),
    "rollback": Word("Rollback", "orange", ":material/undo:", "The stage went back to an earlier version."),
    "adoption": Word("Adoption", "violet", ":material/swap_horiz:", "An alias moved by hand was adopted."),
}
_STEPS = {
    "snapshot": "Taking a snapshot of the data",
    "validate": "Checking the data",
    "split": "Holding rows out",
    "search": "Searching candidates",
    "gate": "At the gate",
    "compile": "Compiling the model",
    "register": "Registering the version",
    "smoke": "Trying the version out",
    "promote": "Promoting the version",
    "alias": "Mirroring the promotion",
    "prepare": "Preparing the table",
    "version": "Storing the version",
    "warehouse": "Writing the tables into the warehouse",
    "assess": "Asking the versions",
    "profile": "Looking at every column",
}
_METRICS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "log_loss": "Log loss",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "r2": "R²",
}


def state(name: str | None) -> Word:
    """Return the word for the state of a model's score."""
    return _STATES.get(name or "") or _unknown(name)


def status(name: str | None) -> Word:
    """Return the word for the status of a run."""
    return _STATUSES.get(name or "") or _unknown(name)


def kind(name: str | None) -> Word:
    """Return the word for what a run does."""
    return _KINDS.get(name or "") or _unknown(name)


def verdict(name: str | None) -> Word:
    """Return the word for the verdict of the gate."""
    return _VERDICTS.get(name or "") or _unknown(name)


def ledger(kind: str | None) -> Word:
    """Return the word for the kind of a ledger entry."""
    return _LEDGER.get(kind or "") or _unknown(kind)


def trigger(name: str | None) -> str:
    """Return why a run was opened, in three words."""
    return _TRIGGERS.get(name or "") or title(name or "Unknown")


def step(name: str | None) -> str:
    """Return what a run is doing."""
    return _STEPS.get(name or "") or title(name or "Starting")


def metric(name: str) -> str:
    """Return a metric's name as the field writes it."""
    return _METRICS.get(name) or title(name)


def answer(prediction: Mapping[str, Any]) -> str:
    """Return what was predicted, in one word or number."""
    label = prediction.get("label")
    return str(label) if label is not None else number(prediction.get("value"))


def certainty(prediction: Prediction) -> str:
    """Return how probable the answered label is, or nothing when the model does not say."""
    share = (prediction.get("probabilities") or {}).get(prediction.get("label") or "")
    return "" if share is None else percent(share)


def judgement(said: Judgement) -> str:
    """Return what a person said of a prediction."""
    verdict_said = "Right" if said.get("correct") else "Wrong"
    truth = said.get("label")
    if truth is None:
        truth = number(said["value"]) if said.get("value") is not None else None
    return verdict_said if said.get("correct") or truth is None else f"{verdict_said}, it is {truth}"


def flag(text: str) -> str:
    """Return what was unusual in an input as a phrase: `workclass: missing` → `Workclass: left empty`."""
    column, colon, oddity = text.partition(": ")
    return f"{title(column)}: {'left empty' if oddity == 'missing' else oddity}" if colon else title(text)


def _unknown(name: str | None) -> Word:
    return Word(title(name or "Unknown"), "gray", ":material/help:", "")
