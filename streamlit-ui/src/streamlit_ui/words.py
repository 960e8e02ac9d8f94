"""The platform's vocabulary in words: what a state, a trigger, a verdict or a flag means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from streamlit_ui.contract.types import Answer, FeedbackRequest, GivenFeedback
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
    "collecting": Word(
        "Collecting", "gray", ":material/hourglass_empty:", "There is too little feedback yet."
    ),
    "healthy": Word("Healthy", "green", ":material/check_circle:", "The score is above its threshold."),
    "degraded": Word(
        "Degraded",
        "orange",
        ":material/warning:",
        "The score is below the threshold, but no run can start right now.",
    ),
    "retraining": Word("Retraining", "blue", ":material/autorenew:", "A run is training a challenger."),
    "watching": Word(
        "Watching", "violet", ":material/visibility:", "A new version was promoted and is being watched."
    ),
    "paused": Word(
        "Paused",
        "red",
        ":material/pause_circle:",
        "Several runs in a row failed or were rejected. No more are started until a maintainer resumes.",
    ),
}
_STATUSES = {
    "queued": Word("Queued", "gray", ":material/schedule:", "Waiting for its turn."),
    "running": Word("Running", "blue", ":material/autorenew:", "In progress."),
    "succeeded": Word("Succeeded", "green", ":material/check_circle:", "Every step is done."),
    "failed": Word("Failed", "red", ":material/error:", "Ended with an error."),
    "cancelled": Word("Cancelled", "gray", ":material/cancel:", "Cancelled by somebody."),
}
_KINDS = {
    "training": Word(
        "Training",
        "blue",
        ":material/model_training:",
        "Candidates are trained; the best meets the gate.",
    ),
    "live": Word(
        "Live training", "blue", ":material/tune:", "A model learns epoch by epoch while somebody steers it."
    ),
    "dataset": Word("Storing", "violet", ":material/database:", "An uploaded file is stored as a version."),
    "evaluation": Word(
        "Evaluation", "green", ":material/balance:", "Versions are compared on the same rows."
    ),
    "profile": Word("Profile", "orange", ":material/query_stats:", "A dataset version is described."),
    "drift": Word(
        "Drift", "red", ":material/ssid_chart:", "Recent inputs are compared with the training data."
    ),
}
_VERDICTS = {
    "promote": Word("Promote", "green", ":material/check_circle:", "The challenger is better."),
    "hold": Word("Hold", "orange", ":material/pause_circle:", "There is no proof either way."),
    "reject": Word("Reject", "red", ":material/block:", "The challenger is worse, or a class is broken."),
}
_TRIGGERS = {
    "score": "Score fell",
    "manual": "Started manually",
    "upload": "New data",
    "drift": "Inputs drifted",
    "initial": "First training",
}
_LEDGER = {
    "promotion": Word("Promotion", "green", ":material/trending_up:", "A version was promoted."),
    "rollback": Word("Rollback", "orange", ":material/undo:", "The stage went back to an earlier version."),
    "adoption": Word("Adoption", "violet", ":material/swap_horiz:", "An alias moved manually was adopted."),
}
_STEPS = {
    "snapshot": "Taking a snapshot of the data",
    "validate": "Checking the data",
    "split": "Splitting off validation and test rows",
    "search": "Searching for candidates",
    "gate": "At the gate",
    "compile": "Compiling the model",
    "register": "Registering the version",
    "smoke": "Smoke-testing the version",
    "promote": "Promoting the version",
    "alias": "Updating the alias",
    "prepare": "Preparing the table",
    "load": "Loading the rows",
    "train": "Learning epoch by epoch",
    "version": "Storing the version",
    "warehouse": "Writing the tables to the warehouse",
    "assess": "Evaluating the versions",
    "profile": "Profiling every column",
    "compare_inputs": "Comparing recent inputs with the training data",
}
_DRIFT = {
    "drift": Word("Drift", "red", ":material/ssid_chart:", "Recent inputs or answers differ from training."),
    "no_drift": Word("No drift", "green", ":material/check_circle:", "No feature moved enough to count."),
    "no_verdict": Word(
        "No verdict",
        "gray",
        ":material/hourglass_empty:",
        "Neither drift nor its absence: there is too little to compare.",
    ),
}
_METRICS = {
    "accuracy": ("Accuracy", "The share of right answers."),
    "balanced_accuracy": (
        "Balanced accuracy",
        "The share of right answers within each class, averaged: rare classes count as much as others.",
    ),
    "f1": ("F1", "The balance of precision and recall, averaged over the classes."),
    "roc_auc": (
        "ROC AUC",
        "How well the probabilities rank: 0.5 is guessing, 1 is perfect. Suits unequal classes.",
    ),
    "average_precision": (
        "Average precision",
        "Precision averaged over every level of recall. Suits rare classes.",
    ),
    "log_loss": (
        "Log loss",
        "How good the probabilities are: being sure and wrong costs most. Smaller is better.",
    ),
    "mae": ("Mean absolute error", "How far off the answers are on average. Smaller is better."),
    "rmse": (
        "Root mean squared error",
        "How far off the answers are, large errors counting more. Smaller is better.",
    ),
    "r2": ("R²", "The share of the target's variance that the answers explain; 1 is perfect."),
}
NOT_RECOGNISED = "Not recognised"
_IGNORED = ": no input of the model, ignored"
_DATASET_STATES = {
    "proposed": Word("To be confirmed", "orange", ":material/edit_note:", "Its columns need confirming."),
    "storing": Word("Being stored", "blue", ":material/autorenew:", "It is being stored in the background."),
    "ready": Word("Ready", "green", ":material/check_circle:", "Models can be trained on it."),
    "failed": Word("Failed", "red", ":material/error:", "It could not be stored."),
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


def drift(name: str | None) -> Word:
    """Return the word for the verdict of a drift report."""
    return _DRIFT.get(name or "") or _unknown(name)


def ledger(kind: str | None) -> Word:
    """Return the word for the kind of a ledger entry."""
    return _LEDGER.get(kind or "") or _unknown(kind)


def trigger(name: str | None) -> str:
    """Return in a few words why a run was started."""
    return _TRIGGERS.get(name or "") or title(name or "Unknown")


def step(name: str | None) -> str:
    """Return what a run is doing."""
    return _STEPS.get(name or "") or title(name or "Starting")


def metric(name: str) -> str:
    """Return the name of a metric as people write it."""
    return _METRICS[name][0] if name in _METRICS else title(name)


def metric_meaning(name: str) -> str:
    """Return what a metric means in one sentence, or nothing if it is unknown."""
    return _METRICS[name][1] if name in _METRICS else ""


def dataset_state(name: str | None) -> Word:
    """Return the word for the state of a dataset."""
    return _DATASET_STATES.get(name or "") or _unknown(name)


def settings(candidate: Mapping[str, Any] | None) -> str:
    """Return a candidate's hyperparameters in one line, those of its vectorizer first."""
    found = candidate or {}
    vectorizer = found.get("vectorizer")
    parts = []
    if vectorizer:
        named, params = (
            (vectorizer.get("name"), vectorizer.get("params") or {})
            if isinstance(vectorizer, Mapping)
            else (vectorizer, {})
        )
        parts.append(" ".join([str(named), *([f"({_listed(params)})"] if params else [])]))
    if params := found.get("params") or {}:
        parts.append(_listed(params))
    return ", ".join(parts) or "–"


def answer(prediction: Mapping[str, Any]) -> str:
    """Return what was predicted, in one word or number."""
    label = prediction.get("label")
    if label is None and is_of_a_face(prediction):
        return NOT_RECOGNISED
    return str(label) if label is not None else number(prediction.get("value"))


def is_of_a_face(prediction: Mapping[str, Any]) -> bool:
    """Say whether an answer is about a face in a picture: these alone name their threshold."""
    return prediction.get("threshold") is not None


def nearness(prediction: Mapping[str, Any]) -> str:
    """Return how near a call it was whose face is in a picture, or nothing for what is no such answer.

    `distance 0.31, within the threshold of 0.62 · confidence 91 %`
    """
    distance, threshold = prediction.get("distance"), prediction.get("threshold")
    if distance is None or threshold is None:
        return ""
    side = "within" if distance <= threshold else "beyond"
    sure = f" · confidence {percent(prediction.get('confidence'))}"
    return f"distance {number(distance, 3)}, {side} the threshold of {number(threshold, 3)}{sure}"


def certainty(prediction: Answer) -> str:
    """Return how probable the answered label is, or nothing when the model does not say."""
    share = (prediction.get("probabilities") or {}).get(prediction.get("label") or "")
    return "" if share is None else percent(share)


def feedback(given: GivenFeedback | FeedbackRequest) -> str:
    """Return what a person said of a prediction."""
    if given["correct"]:
        return "Right"
    truth, value = given.get("label"), given.get("value")
    if truth is None and value is not None:
        truth = value if isinstance(value, str) else number(value)
    return "Wrong" if truth is None else f"Wrong, it is {truth}"


def oddities(flags: Sequence[str]) -> list[str]:
    """Return the flags that say what was unusual in an input."""
    return [flag for flag in flags if not flag.endswith(_IGNORED)]


def ignored(flags: Sequence[str]) -> list[str]:
    """Return the columns that were sent and are no inputs of the model, which the other flags name."""
    return [flag.removesuffix(_IGNORED) for flag in flags if flag.endswith(_IGNORED)]


def flag(text: str) -> str:
    """Return what was unusual in an input as a phrase: `workclass: missing` → `Workclass: left empty`."""
    column, colon, oddity = text.partition(": ")
    return f"{title(column)}: {'left empty' if oddity == 'missing' else oddity}" if colon else title(text)


def _listed(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{title(name).lower()} {_value(value)}" for name, value in params.items())


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " and ".join(map(_value, value))
    if isinstance(value, Mapping):
        return title(str(value.get("estimator") or "…")).lower()
    return number(value) if isinstance(value, float) else str(value)


def _unknown(name: str | None) -> Word:
    return Word(title(name or "Unknown"), "gray", ":material/help:", "")
