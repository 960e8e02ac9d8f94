"""What the gateway answers about live runs, for a fake one to give."""

import math
from typing import Any

from canned import ago, run
from canned_training import parameter

RATE = parameter("learning_rate", "number", 0.01, low=0.000001, high=10, log=True)
ADJUSTABLE = [
    RATE,
    parameter("batch_size", "integer", 256, low=1, high=8192, log=True),
    parameter("schedule", "choice", "constant", choices=["constant", "inverse-scaling", "step"]),
    parameter("alpha", "number", 0.0001, low=0, high=10),
    parameter("class_weight", "choice", "none", choices=["none", "balanced"]),
    parameter("patience", "integer", None, low=1, high=100_000, nullable=True),
]
NETWORK = [
    *ADJUSTABLE,
    parameter("momentum", "number", 0.9, low=0, high=0.999),
    parameter("optimizer", "choice", "adam", choices=["adam", "sgd"]),
    parameter("hidden_units", "integer", 32, low=1, high=512, log=True),
]
ESTIMATORS: list[dict[str, Any]] = [
    {
        "name": "sgd",
        "title": "Linear model",
        "help": "A weighted sum of the columns.",
        "hyperparameters": ADJUSTABLE,
        "adjustable": [one["name"] for one in ADJUSTABLE],
    },
    {
        "name": "mlp",
        "title": "Neural network",
        "help": "A small network with one hidden layer.",
        "hyperparameters": NETWORK,
        "adjustable": [one["name"] for one in NETWORK[:7]],
    },
]
LISTED: dict[str, Any] = {
    "step": "learn",
    "champion": None,
    "version": None,
    "leaderboard": [],
    "gate": None,
    "steps": [],
}


def live(name: str, estimator: dict[str, Any] = ESTIMATORS[0], **changes: Any) -> dict[str, Any]:
    default = {
        "id": name,
        "model": "census-income",
        "status": "running",
        "state": "running",
        "why": None,
        "estimator": estimator["name"],
        "vectorizer": None,
        "hyperparameters": {one["name"]: one["default"] for one in estimator["hyperparameters"]},
        "adjustable": estimator["adjustable"],
        "declared": estimator["hyperparameters"],
        "epoch": 0,
        "epochs": 50,
        "metric": None,
        "lower_is_better": False,
        "best": None,
        "changes": [],
        "pending": [],
        "diverged": None,
        "parent": None,
        "parent_epoch": None,
        "paused_until": None,
        "kept_by": [],
        "last_seq": 1,
        "subject": "erin",
        "created_at": ago(minutes=2),
    }
    return {**default, **changes}


def listed(one: dict[str, Any]) -> dict[str, Any]:
    """Return a live run as one of all runs."""
    ended = one["state"] == "ended"
    return run(
        one["id"],
        kind="live",
        model=one["model"],
        trigger="manual",
        status=one["status"],
        progress=one["epoch"] / one["epochs"],
        reason="",
        subject=one["subject"],
        created_at=one["created_at"],
        finished_at=ago() if ended else None,
        **LISTED,
    )


def epoch(number: int, rate: float = 0.01, loss: float | None = None, **changes: Any) -> dict[str, Any]:
    """Return what was measured after an epoch: of a loss that falls, unless one is given."""
    reached = 0.3 + 0.5 * math.exp(-number / 12) if loss is None else loss
    default = {
        "seq": number + 1,
        "epoch": number,
        "at": ago(seconds=1000 - number),
        "seconds": 0.031,
        "learning_rate": rate,
        "training_loss": reached,
        "validation_loss": reached + 0.02,
        "training_metric": 1 - reached / 3,
        "validation_metric": 0.99 - reached / 3,
        "gradient_norm": 2 * reached,
        "weight_norm": 3 - reached,
    }
    return {**default, **changes}
