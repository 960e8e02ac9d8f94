"""A model's own numbers: when to retrain, what the gate requires, how often to ask for feedback.

The defaults are those of the platform's statistics; `docs/` explains where each comes from.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from data_processor.features.preparation import Preparation
from data_processor.statistics.measures import SelectionMetric

Share = Annotated[float, Field(ge=0, le=1)]
Level = Annotated[float, Field(gt=0, lt=1)]

FORMER_NAMES = {"max_person_share": "max_rater_share", "few_voices": "min_raters"}
"""Fields that once had another name: policies and requests that use it are still read."""

log = structlog.get_logger(__name__)


class Policy(BaseModel):
    """Everything a maintainer can set for one model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: Share = 0.80
    """The score below which the model must be retrained."""
    window: int = Field(200, ge=20, le=10_000)
    """How many predictions with feedback the score looks back over."""
    min_feedback: int = Field(50, ge=10, le=10_000)
    """Predictions with feedback that are needed before the score decides anything."""
    check_every: int = Field(50, ge=1, le=10_000)
    """The controller evaluates the score whenever this many more predictions have feedback."""
    trigger_z: float = Field(3.0, ge=1, le=6)
    """Width, in standard normal deviations, of the interval that decides."""
    recovery_margin: Share = 0.02
    """How far above the threshold the score must rise for `degraded` to clear."""
    cooldown_s: float = Field(3600, ge=0)
    """Seconds between the end of one run and the opening of the next."""
    min_new_labels: int = Field(25, ge=1)
    """Labelled rows, newer than the champion's snapshot, that a run needs."""
    breaker_after: int = Field(3, ge=1, le=100)
    """Rejected or failed runs in a row that open the circuit breaker."""
    max_rater_share: Share = 0.2
    """The most that one rater may supply of what is counted, trained on or compared.

    It applies to raters who are not trusted, once `min_raters` have given feedback.
    """
    min_raters: int = Field(5, ge=1)
    """How many raters must have given feedback before `max_rater_share` applies.

    While fewer who are not trusted have, a promotion that depends on their labels waits for a maintainer.
    """
    use_pinned: bool = False
    """Let feedback on predictions with a pinned version score, train and test as other feedback does."""
    ask_rate: Share = 0.0
    """The random share of predictions on which people are asked for feedback."""
    tolerance: float = Field(0.0, ge=0)
    """Regression: the absolute error up to which an answer counts as right."""
    unseen_category: Literal["flag", "reject"] = "flag"
    """What to do with a category never seen in training."""
    selection_metric: SelectionMetric | None = None
    """What candidates are ranked by; none: log loss for classes, ROC AUC for texts, RMSE for regression."""
    preparation: Preparation = Preparation()
    """How the columns are prepared, in every run."""
    budget_s: float = Field(30, ge=1, le=86_400)
    """The seconds that the search over hyperparameters may take."""
    recent_share: Share = 0.9
    """The weight that all recent rows together may get: one of three options if the score opened the run."""
    gate_alpha: Level = 0.05
    """The level that all gates against one champion share."""
    max_recall_loss: Share = 0.15
    """The most recall a class may lose before it counts as broken."""
    min_class_rows: int = Field(20, ge=1)
    """Rows that a class needs before the gate compares its recall."""
    max_reference_loss: Share | None = None
    """If set: the most that the challenger may lose on the holdout rows."""
    watch_alpha: Level = 0.01
    """The level at which a predecessor that answers better takes its place back."""
    watch_looks: tuple[PositiveInt, ...] = Field((50, 100, 200, 400), min_length=1, max_length=20)
    """The numbers of labelled predictions after a promotion at which the watch checks it."""
    drift_every: int = Field(500, ge=100, le=1_000_000)
    """Predictions after which recent inputs are compared with the training data again; daily in any case."""
    drift_window: int = Field(1000, ge=100, le=20_000)
    """How many recent predictions are compared, at most."""
    drift_run: bool = False
    """Let drift open a training run, under the same conditions as a fallen score."""
    max_unlabelled_share: Share = 0.2
    """Above this share of feedback without a label, the watch only alerts."""
    auto_promote: bool = True
    """Promote to the stage users see without waiting for a maintainer."""

    @model_validator(mode="before")
    @classmethod
    def _read_former_names(cls, given: Any) -> Any:
        return with_present_names(given) if isinstance(given, Mapping) else given


def with_present_names(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy's fields under their present names; a field given under both keeps the present one."""
    present = {name: value for name, value in given.items() if name not in FORMER_NAMES}
    for former, name in FORMER_NAMES.items():
        if former in given:
            _report_former_name(former, name)
            present.setdefault(name, given[former])
    return present


@cache
def _report_former_name(former: str, name: str) -> None:
    """Say once in a process that a policy uses a former name."""
    log.warning("policy_field_renamed", former=former, name=name)
