"""What the routes of live runs take and answer."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from data_processor.features.hyperparameters import Hyperparameter, Value
from data_processor.training.schemas import RunStatus

MOST_EPOCHS = 100_000
Epochs = Annotated[int, Field(ge=1, le=MOST_EPOCHS)]
Set = Annotated[
    dict[Annotated[str, Field(max_length=100)], Value],
    Field(max_length=50, description="Hyperparameters by name, as `GET /v1/tasks` declares them."),
]
LiveState = Literal["waiting", "preparing", "running", "paused", "ended"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LiveRunRequest(_Strict):
    """A live run to start; every hyperparameter has a default."""

    estimator: str = Field("sgd", max_length=100)
    hyperparameters: Set = {}
    vectorizer: str | None = Field(None, max_length=100, description="How texts become numbers.")
    epochs: Epochs = Field(50, description="It ends after so many.")
    paused: bool = Field(False, description="It waits, paused, before its first epoch.")
    reason: str = Field("", max_length=1000, description="Why it is started.")


class HyperparameterChange(RootModel[Set]):
    """Hyperparameters to change while a live run learns; the others stay as they are."""


class StepRequest(_Strict):
    """How far to go before the run pauses again."""

    epochs: Epochs = 1


class ForkRequest(_Strict):
    """Where a new live run leaves another one, and what it does differently.

    Neither `epoch` nor `change` given: after its best epoch; for a replay, where it began.
    """

    epoch: int | None = Field(None, ge=0, le=MOST_EPOCHS, description="After so many epochs.")
    change: int | None = Field(None, ge=1, description="Just before the change of this number.")
    hyperparameters: Set = {}
    epochs: Epochs | None = Field(
        None, description="It ends after so many in all; null: as many as the other."
    )
    paused: bool = False
    replay: bool = Field(
        False,
        description="Repeat every later change where it was made, up to the same end; compare the weights.",
    )


class KeepRequest(_Strict):
    """Which epoch's weights become a version, if the gate says so."""

    epoch: int | None = Field(None, ge=0, le=MOST_EPOCHS, description="null: the best one.")


class BestEpoch(BaseModel):
    """The epoch with the best value of the metric on the validation rows."""

    epoch: int
    value: float


class Change(BaseModel):
    """One change of hyperparameters, where and by whom."""

    number: int
    seq: int | None = Field(description="The number of the event that tells of it.")
    at: datetime
    subject: str
    epoch: int = Field(description="Whole epochs that the run had learnt.")
    row: int = Field(description="Rows of the next epoch that it had learnt.")
    changes: dict[str, Any] = Field(description="By hyperparameter: `from` and `to`.")


class Pending(BaseModel):
    """What somebody told the run, and it has not done yet."""

    kind: str
    subject: str
    at: datetime
    changes: dict[str, Any]


class ForkOffer(BaseModel):
    """Where to go on from after a divergence."""

    epoch: int
    learning_rate: float


class Divergence(BaseModel):
    """Why a run cannot learn on."""

    epoch: int
    reason: str
    fork: ForkOffer


class LiveRun(BaseModel):
    """Where a live run stands."""

    id: str
    model: str
    status: RunStatus
    state: LiveState
    why: str | None = Field(description="Why it paused or ended.")
    estimator: str
    vectorizer: str | None
    hyperparameters: dict[str, Value] = Field(description="Those in force.")
    adjustable: list[str] = Field(description="Those that may be changed while it runs.")
    declared: list[Hyperparameter]
    epoch: int = Field(description="Epochs learnt.")
    epochs: int = Field(description="It ends after so many.")
    metric: str | None = Field(description="What epochs are compared by.")
    lower_is_better: bool
    best: BestEpoch | None
    changes: list[Change]
    pending: list[Pending]
    diverged: Divergence | None
    parent: str | None = Field(description="The live run that it was forked from.")
    parent_epoch: int | None
    paused_until: datetime | None = Field(description="When a paused run is stopped.")
    kept_by: list[str] = Field(description="The training runs that took its weights to the gate.")
    last_seq: int = Field(description="The number of its last event.")
    subject: str
    created_at: datetime


class Epoch(BaseModel):
    """What was measured after one epoch; null: not finite."""

    seq: int
    epoch: int
    at: datetime
    seconds: float = Field(description="What its learning took, without what was measured.")
    learning_rate: float = Field(description="In force at its end.")
    training_loss: float | None
    validation_loss: float | None
    training_metric: float | None
    validation_metric: float | None
    gradient_norm: float | None
    weight_norm: float | None


class LiveCurves(BaseModel):
    """The epochs of a live run, as many as a drawing needs."""

    metric: str | None
    epochs: list[Epoch]
    count: int = Field(description="How many epochs were measured in all.")
    thinned: bool = Field(description="Some are left out: peaks and ends never are.")


class Branch(BaseModel):
    """One live run in a tree of forks."""

    id: str
    parent: str | None
    parent_epoch: int | None
    status: RunStatus
    state: LiveState
    estimator: str
    hyperparameters: dict[str, Value]
    epoch: int
    best: BestEpoch | None
    changes: int = Field(description="How many changes of hyperparameters it saw.")
    subject: str
    created_at: datetime
    kept_by: list[str]


class Branches(BaseModel):
    """The whole tree that a live run belongs to, best first."""

    metric: str | None
    lower_is_better: bool
    runs: list[Branch]
