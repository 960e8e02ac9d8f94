"""A model's policy as a form: each number with its name, its range and what it does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from streamlit_ui.contract.types import TaskDescription

Kind = Literal["share", "whole", "number", "choice", "switch"]
Answer = Literal["label", "value"]


@dataclass(frozen=True)
class PolicyField:
    """One number of a policy."""

    name: str
    label: str
    help: str
    kind: Kind
    minimum: float = 0
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False
    answer: Answer | None = None
    """Needed only by tasks that answer with this; none: by every task."""


def share(name: str, label: str, meaning: str, **more: Any) -> PolicyField:
    """Describe a share from 0 to 1."""
    return PolicyField(name, label, meaning, "share", 0.0, 1.0, **more)


def level(name: str, label: str, meaning: str) -> PolicyField:
    """Describe a level of significance, which is neither 0 nor 1."""
    return PolicyField(name, label, meaning, "share", 0.0001, 0.9999)


def whole(name: str, label: str, meaning: str, low: int, high: int | None = None, **more: Any) -> PolicyField:
    """Describe a whole number."""
    return PolicyField(name, label, meaning, "whole", low, high, **more)


GROUPS: dict[str, tuple[PolicyField, ...]] = {
    "Score": (
        share("threshold", "Threshold", "The model is retrained when its score falls below this."),
        whole(
            "window",
            "Window",
            "How many predictions with feedback the score looks back over.",
            20,
            10_000,
        ),
        whole(
            "min_feedback",
            "Minimum feedback",
            "Predictions with feedback needed before the score decides anything.",
            10,
            10_000,
        ),
        share(
            "ask_rate",
            "Ask rate",
            "The random share of predictions on which feedback is asked for.",
        ),
        share(
            "max_rater_share",
            "Maximum share of one rater",
            "The largest part of what counts that one person or key may contribute, unless trusted.",
        ),
        whole(
            "min_raters",
            "Minimum raters",
            "How many people and keys must have given feedback before that maximum applies; until then what "
            "depends on labels that are not trusted waits for a maintainer.",
            1,
        ),
        PolicyField(
            "use_pinned",
            "Use feedback on chosen versions",
            "Let feedback count where the caller chose the version that answered.",
            "switch",
        ),
        PolicyField(
            "tolerance",
            "Tolerance",
            "The largest error with which an answer still counts as right.",
            "number",
            answer="value",
        ),
        PolicyField(
            "unseen_category",
            "Unseen category",
            "Answer an input with a category that training never saw and flag it, or reject it.",
            "choice",
            choices=("flag", "reject"),
        ),
    ),
    "When to retrain": (
        whole(
            "check_every",
            "Check every",
            "The controller evaluates the score each time this much new feedback is in.",
            1,
            10_000,
        ),
        PolicyField(
            "trigger_z",
            "Trigger z",
            "Width, in standard deviations, of the interval that decides.",
            "number",
            1,
            6,
        ),
        share(
            "recovery_margin",
            "Recovery margin",
            "How far above the threshold the score must rise to be healthy again.",
        ),
        PolicyField(
            "cooldown_s",
            "Cooldown (s)",
            "Seconds between the end of one run and the start of the next.",
            "number",
        ),
        whole(
            "min_new_labels",
            "Minimum new labels",
            "Labelled rows, newer than the champion's data, that a run needs.",
            1,
        ),
        whole(
            "breaker_after",
            "Pause after",
            "Rejected or failed runs in a row after which no more are started.",
            1,
            100,
        ),
    ),
    "Drift": (
        whole(
            "drift_every",
            "Compare every",
            "Predictions after which recent inputs are compared with the training data; daily in any case.",
            100,
            1_000_000,
        ),
        whole("drift_window", "Recent predictions", "How many of them are compared, at most.", 100, 20_000),
        PolicyField(
            "drift_run",
            "Retrain on drift",
            "Let drift open a training run when new labels are there; the gate decides as always.",
            "switch",
        ),
    ),
    "Search": (
        PolicyField(
            "budget_s",
            "Budget (s)",
            "Seconds that the search over hyperparameters may take.",
            "number",
            1,
            86_400,
        ),
        PolicyField(
            "selection_metric",
            "Selection metric",
            "What candidates are ranked by; empty: the task's default.",
            "choice",
            optional=True,
        ),
        share(
            "recent_share",
            "Weight of recent rows",
            "The share of the total weight that recent rows may be given.",
        ),
    ),
    "Gate and promotion": (
        PolicyField(
            "auto_promote",
            "Promote automatically",
            "Promote a version that passed the gate without waiting for a maintainer.",
            "switch",
        ),
        level(
            "gate_alpha", "Gate level", "The level of significance shared by all gates against one champion."
        ),
        share(
            "max_recall_loss",
            "Maximum recall loss",
            "The most recall a class may lose before it counts as broken.",
            answer="label",
        ),
        whole(
            "min_class_rows",
            "Rows per class",
            "Test rows that a class needs before its recall is compared.",
            1,
            answer="label",
        ),
        share(
            "max_reference_loss",
            "Maximum loss on holdout rows",
            "The most that a challenger may lose on the holdout rows; empty: not checked.",
            optional=True,
        ),
    ),
    "Watch": (
        level(
            "watch_alpha",
            "Watch level",
            "The level of significance at which a better predecessor is put back.",
        ),
        share(
            "max_unlabelled_share",
            "Maximum share without a label",
            "If more of the feedback than this has no true label, the watch only alerts.",
        ),
    ),
}


def fields_for(task: TaskDescription | None, policy: Mapping[str, Any]) -> dict[str, list[PolicyField]]:
    """Return the fields that a policy has and its model's task needs, by group; of an unknown task, all."""
    found = {
        heading: [
            _with_metrics(field, task, policy[field.name]) if field.name == "selection_metric" else field
            for field in group
            if field.name in policy and (task is None or field.answer in (None, task["answer"]))
        ]
        for heading, group in GROUPS.items()
    }
    return {heading: group for heading, group in found.items() if group}


def changed(policy: Mapping[str, Any], entered: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was entered differently from what holds."""
    return {name: value for name, value in entered.items() if value != policy.get(name)}


def _with_metrics(field: PolicyField, task: TaskDescription | None, now: str | None) -> PolicyField:
    return replace(field, choices=tuple(task["metrics"]) if task else (now,) if now else ())
