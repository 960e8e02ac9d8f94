"""A model's policy as a form: each number with its name, its range and what it does."""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["share", "whole", "number", "choice", "switch"]


@dataclass(frozen=True)
class PolicyField:
    """One number of a policy."""

    name: str
    label: str
    help: str
    kind: Kind
    minimum: float = 0
    maximum: float | None = None
    choices: tuple[str | None, ...] = ()
    optional: bool = False


def share(name: str, label: str, said: str, *, optional: bool = False, level: bool = False) -> PolicyField:
    """Describe a share from 0 to 1; a level is neither 0 nor 1."""
    low, high = (0.0001, 0.9999) if level else (0.0, 1.0)
    return PolicyField(name, label, said, "share", low, high, optional=optional)


def whole(name: str, label: str, said: str, low: int, high: int | None = None) -> PolicyField:
    """Describe a whole number."""
    return PolicyField(name, label, said, "whole", low, high)


GROUPS: dict[str, tuple[PolicyField, ...]] = {
    "Score": (
        share("threshold", "Threshold", "The score below which the model must be retrained."),
        whole("window", "Window", "How many judged predictions the score looks back over.", 20, 10_000),
        whole(
            "min_feedback",
            "Minimum feedback",
            "Judged predictions needed before the score decides.",
            10,
            10_000,
        ),
        share("ask_rate", "Ask rate", "The random share of predictions that people are asked to judge."),
        share(
            "max_rater_share",
            "Maximum share of one rater",
            "The largest part of the window's feedback that counts from one rater.",
        ),
        whole(
            "min_raters",
            "Minimum raters",
            "How many raters must have given feedback before that maximum applies.",
            1,
        ),
        PolicyField(
            "tolerance", "Tolerance", "Regression: the error up to which an answer counts as right.", "number"
        ),
        PolicyField(
            "unseen_category",
            "Category never seen",
            "Answer and flag it, or reject the input.",
            "choice",
            choices=("flag", "reject"),
        ),
    ),
    "When to retrain": (
        whole(
            "check_every",
            "Look every",
            "The controller looks each time so many new judgements are in.",
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
            "Seconds between the end of one run and the opening of the next.",
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
            "Rejected or failed runs in a row after which no more are opened.",
            1,
            100,
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
            "What candidates are ranked by; empty: what suits the task.",
            "choice",
            choices=(None, "accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss", "mae", "rmse", "r2"),
        ),
        share("recent_share", "Weight of recent rows", "The weight that recent rows may be given together."),
    ),
    "Gate and promotion": (
        PolicyField(
            "auto_promote",
            "Promote by itself",
            "Put a proven version in place without a maintainer.",
            "switch",
        ),
        share("gate_alpha", "Gate level", "The level that all gates against one champion share.", level=True),
        share(
            "max_recall_loss",
            "Most recall lost",
            "The most recall a class may lose before it counts as broken.",
        ),
        whole(
            "min_class_rows",
            "Rows per class",
            "Deciding rows that a class needs before its recall is compared.",
            1,
        ),
        share(
            "max_reference_loss",
            "Most lost on reference rows",
            "The most that a challenger may lose on the reference rows; empty: not looked at.",
            optional=True,
        ),
    ),
    "Watch": (
        share(
            "watch_alpha",
            "Watch level",
            "The level at which a better predecessor takes its place back.",
            level=True,
        ),
        share(
            "max_unlabelled_share",
            "Most without a label",
            "Above this share without a label the watch only alerts.",
        ),
    ),
}


def changed(policy: dict[str, Any], entered: dict[str, Any]) -> dict[str, Any]:
    """Return what was entered differently from what holds."""
    return {name: value for name, value in entered.items() if value != policy.get(name)}
