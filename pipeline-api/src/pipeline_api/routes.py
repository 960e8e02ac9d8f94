"""Which operations of the data-processor are public, and which role each requires. Everything else is 404.

The WebSocket and the Open Inference Protocol have code of their own (`events.py`, `oip/`).
"""

from dataclasses import dataclass

from pipeline_api.roles import Role

DATASETS = "/v1/datasets"


@dataclass(frozen=True, slots=True)
class Operation:
    """One public operation, passed on to the same path of the data-processor."""

    method: str
    path: str
    role: Role
    timeout_s: float = 30
    """How long the answer may take, including its body."""
    fast: bool = False
    """Uses the fast path: connections kept for predictions, which no slow call delays."""
    keyed: bool = False
    """Stores its answer under an `Idempotency-Key`: with one, it may be sent twice. Others never get one."""
    forgets: bool = False
    """Forgets somebody: what is kept here of answers, which may name them, is deleted when it succeeded."""
    upload: bool = False
    """The body is passed on as it arrives, however large; `timeout_s` restarts with each piece of it."""


OPERATIONS: tuple[Operation, ...] = (
    Operation("POST", "/v1/models/{model}/predictions", Role.USER, fast=True, keyed=True),
    Operation("GET", "/v1/models", Role.USER),
    Operation("GET", "/v1/models/{model}", Role.USER),
    Operation("GET", "/v1/models/{model}/predictions", Role.USER),
    Operation("GET", "/v1/models/{model}/score", Role.USER),
    Operation("GET", "/v1/models/{model}/score/history", Role.USER),
    Operation("GET", "/v1/predictions/{prediction_id}", Role.USER),
    # The first explanation in a while starts the process that computes them.
    Operation("GET", "/v1/predictions/{prediction_id}/explanation", Role.USER, timeout_s=60),
    Operation("POST", "/v1/predictions/{prediction_id}/feedback", Role.USER, keyed=True),
    Operation("GET", "/v1/models/{model}/versions", Role.USER),
    # The processor reads the whole file before it answers, which takes half an hour at most.
    Operation("POST", DATASETS, Role.ENGINEER, timeout_s=1860, upload=True),
    Operation("PUT", "/v1/datasets/{dataset}/reading", Role.ENGINEER, timeout_s=1860),
    Operation("GET", DATASETS, Role.ENGINEER),
    Operation("GET", "/v1/datasets/{dataset}", Role.ENGINEER),
    Operation("DELETE", "/v1/datasets/{dataset}", Role.ENGINEER),
    Operation("PUT", "/v1/datasets/{dataset}/schema", Role.ENGINEER),
    # A quick model is fitted some dozens of times before it answers.
    Operation("GET", "/v1/datasets/{dataset}/holdout", Role.ENGINEER, timeout_s=120),
    Operation("GET", "/v1/datasets/{dataset}/versions", Role.ENGINEER),
    Operation("GET", "/v1/datasets/{dataset}/profile", Role.ENGINEER),
    Operation("POST", "/v1/datasets/{dataset}/profile", Role.ENGINEER),
    Operation("GET", "/v1/datasets/{dataset}/profile.html", Role.ENGINEER),
    Operation("POST", "/v1/models", Role.ENGINEER),
    Operation("PATCH", "/v1/models/{model}", Role.ENGINEER),
    Operation("POST", "/v1/models/{model}/runs", Role.ENGINEER),
    Operation("POST", "/v1/models/{model}/evaluations", Role.ENGINEER, timeout_s=300),
    Operation("GET", "/v1/models/{model}/drift-reports", Role.ENGINEER),
    Operation("POST", "/v1/models/{model}/drift-reports", Role.ENGINEER),
    Operation("GET", "/v1/models/{model}/drift-reports/{report}", Role.ENGINEER),
    Operation("GET", "/v1/models/{model}/drift-reports/{report}.html", Role.ENGINEER, timeout_s=120),
    Operation("POST", "/v1/face-box", Role.USER),
    Operation("POST", "/v1/image-processing/crop", Role.USER),
    Operation("POST", "/v1/image-processing/black-and-white", Role.USER),
    # Who may add to whom is for the processor to say: users only to those they enrolled themselves.
    Operation("POST", "/v1/models/{model}/persons", Role.USER),
    Operation("POST", "/v1/models/{model}/persons/{person}/pictures", Role.USER),
    Operation("POST", "/v1/models/{model}/training-pictures", Role.USER),
    Operation("GET", "/v1/models/{model}/persons", Role.ENGINEER),
    Operation("GET", "/v1/models/{model}/persons/{person}", Role.ENGINEER),
    Operation("PATCH", "/v1/models/{model}/persons/{person}", Role.ENGINEER),
    Operation("DELETE", "/v1/models/{model}/persons/{person}", Role.ENGINEER, forgets=True),
    Operation("GET", "/v1/models/{model}/persons/{person}/pictures/{picture}", Role.ENGINEER),
    Operation("DELETE", "/v1/models/{model}/persons/{person}/pictures/{picture}", Role.ENGINEER),
    Operation("GET", "/v1/models/{model}/reviews", Role.ENGINEER),
    Operation("POST", "/v1/pictures", Role.USER),
    Operation("PUT", "/v1/pictures/query-images/{file}", Role.USER, timeout_s=120, upload=True),
    Operation("PUT", "/v1/pictures/train-images/{label}/{file}", Role.USER, timeout_s=120, upload=True),
    # Who may look at them may also look at the galleries.
    Operation("GET", "/v1/pictures/query-images/{file}", Role.ENGINEER),
    Operation("GET", "/v1/pictures/train-images/{label}/{file}", Role.ENGINEER),
    Operation("GET", "/v1/tasks", Role.ENGINEER),
    Operation("GET", "/v1/runs", Role.ENGINEER),
    Operation("GET", "/v1/runs/{run}", Role.ENGINEER),
    Operation("GET", "/v1/runs/{run}/logs", Role.ENGINEER, timeout_s=300),
    Operation("POST", "/v1/runs/{run}/cancel", Role.ENGINEER),
    Operation("POST", "/v1/models/{model}/live-runs", Role.ENGINEER),
    Operation("GET", "/v1/runs/{run}/live", Role.ENGINEER),
    Operation("PATCH", "/v1/runs/{run}/hyperparameters", Role.ENGINEER),
    Operation("POST", "/v1/runs/{run}/pause", Role.ENGINEER),
    Operation("POST", "/v1/runs/{run}/resume", Role.ENGINEER),
    Operation("POST", "/v1/runs/{run}/step", Role.ENGINEER),
    Operation("POST", "/v1/runs/{run}/stop", Role.ENGINEER),
    Operation("POST", "/v1/runs/{run}/fork", Role.ENGINEER),
    Operation("POST", "/v1/runs/{run}/keep", Role.ENGINEER),
    Operation("GET", "/v1/runs/{run}/curves", Role.ENGINEER),
    Operation("GET", "/v1/runs/{run}/branches", Role.ENGINEER),
    # Loading fetches and checks the version before it answers.
    Operation("POST", "/v1/models/{model}/versions/{version}/load", Role.ENGINEER, timeout_s=120),
    Operation("POST", "/v1/models/{model}/versions/{version}/unload", Role.ENGINEER),
    Operation("GET", "/v1/models/{model}/traffic", Role.ENGINEER),
    Operation("GET", "/v1/logs", Role.ENGINEER),
    Operation("GET", "/v1/notifications/destinations", Role.ENGINEER),
    Operation("GET", "/v1/notifications/deliveries", Role.ENGINEER),
    # An address of Apprise is checked in a process of its own before it is accepted.
    Operation("POST", "/v1/notifications/destinations", Role.MAINTAINER, timeout_s=90),
    Operation("PATCH", "/v1/notifications/destinations/{destination}", Role.MAINTAINER, timeout_s=90),
    Operation("DELETE", "/v1/notifications/destinations/{destination}", Role.MAINTAINER),
    Operation("POST", "/v1/notifications/destinations/{destination}/test", Role.MAINTAINER),
    Operation("GET", "/v1/models/{model}/promotions", Role.MAINTAINER),
    # A promotion loads and checks the version before it answers.
    Operation("POST", "/v1/models/{model}/promotions", Role.MAINTAINER, timeout_s=120),
    Operation("POST", "/v1/models/{model}/rollback", Role.MAINTAINER, timeout_s=120),
    Operation("POST", "/v1/models/{model}/resume", Role.MAINTAINER),
    Operation("DELETE", "/v1/models", Role.MAINTAINER),
    Operation("DELETE", "/v1/models/{model}", Role.MAINTAINER),
    Operation("DELETE", "/v1/models/{model}/versions", Role.MAINTAINER),
    Operation("DELETE", "/v1/models/{model}/versions/{version}", Role.MAINTAINER),
)
