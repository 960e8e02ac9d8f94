"""What the routes of models, versions and promotions take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from data_processor.features.preparation import Preparation
from data_processor.feedback.controller import ModelState
from data_processor.feedback.schemas import ModelScore
from data_processor.models.manifest import EngineName, Lineage
from data_processor.models.policy import Policy
from data_processor.statistics.measures import SelectionMetric
from data_processor.tasks.task import Takes
from data_processor.training.schemas import CandidateRequest

RESERVED = frozenset({"face-box", "image-processing", "pictures"})
"""Services on pictures: over MQTT their names stand where those of models do."""


def _is_free(name: str) -> str:
    if name in RESERVED:
        raise ValueError(f"{name!r} is the name of a service on pictures: give the model another one")
    return name


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$"), AfterValidator(_is_free)]
Stage = Literal["staging", "main"]
Reason = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


class ModelRequest(BaseModel):
    """A model to create from a dataset."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    dataset: str | None = Field(
        None,
        max_length=256,
        description="What it learns from; required but for a task that takes pictures, whose models make a "
        "dataset of their own, with the model's name.",
    )
    task: str | None = Field(None, description="If given, it must be the task of the dataset.")
    selection_metric: SelectionMetric | None = None
    candidates: list[CandidateRequest] | None = Field(
        None, min_length=1, max_length=32, description="What the first run tries instead of every estimator."
    )
    policy: dict[str, Any] = Field({}, description="Fields of the policy that differ from the defaults.")
    preparation: Preparation | None = Field(
        None,
        description="How its columns are prepared, in every run; if left out, as confirmed for the dataset.",
    )


class ModelCreated(BaseModel):
    """A new model and the run that trains its first version."""

    name: str
    task: str
    dataset: str
    run: str


class PolicyChange(BaseModel):
    """Fields of a model's policy to change; the others stay."""

    model_config = ConfigDict(extra="forbid")

    policy: dict[str, Any] = Field(min_length=1)


class PolicyChanged(BaseModel):
    """A model's policy after a change."""

    name: str
    policy: Policy


class PromotionRequest(BaseModel):
    """A version for a stage to serve."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(min_length=1, max_length=256)
    stage: Stage
    reason: Reason
    expected_version: str | None = Field(
        None, description="If given, refuse unless the stage serves this version now; null: no version."
    )
    override: bool = Field(False, description="Promote without a receipt; the reason says why.")


class RollbackRequest(BaseModel):
    """A stage to return to the version it served before."""

    model_config = ConfigDict(extra="forbid")

    stage: Stage
    reason: Reason


class PromotionEntry(BaseModel):
    """One entry of the ledger."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    model: str
    stage: str
    seq: int
    version: str
    previous: str | None = Field(description="The version the stage served before.")
    kind: Literal["promotion", "rollback", "adoption"]
    subject: str
    reason: str
    receipt: dict[str, Any] | None
    run: str | None
    trace_id: str | None = Field(description="The trace it was made in, 32 hex digits.")
    at: datetime


class VersionShort(BaseModel):
    """One trained version."""

    version: str
    created_at: datetime
    metrics: dict[str, float] = Field(description="On the holdout rows.")
    candidate: dict[str, Any]
    preparation: dict[str, Any] = Field(
        description="The options, what fitting made of them for each column, and the columns left out."
    )
    engine: EngineName
    lineage: Lineage
    receipt: dict[str, Any] | None
    stages: list[str] = Field(description="The stages that serve it now.")
    barred: str | None = Field(description="Why the platform may not promote it automatically, if so.")
    loaded: bool = Field(description="Whether it is kept in memory, whatever the stage serves.")
    problem: str | None = Field(
        None,
        description="Why it is not loaded, whoever asks, and the remedy: it is not signed by this stage.",
    )


class VersionMemory(BaseModel):
    """Whether a version is kept in memory, and how much room is left for others."""

    model: str
    version: str
    loaded: bool
    places: int = Field(
        description="How many versions of all models may be in memory beside the stage's own."
    )
    taken: int = Field(description="How many of these places are taken.")


class VersionsDeleted(BaseModel):
    """The versions that were deleted: all that nothing needed."""

    deleted: list[str]


class ModelsDeleted(BaseModel):
    """The models that were deleted, and why the others were kept."""

    deleted: list[str]
    kept: dict[str, str]


class ModelShort(BaseModel):
    """One model in a list."""

    name: str
    task: str
    takes: Takes = Field(description="What it answers: rows of a table, or pictures.")
    built_in: bool = Field(description="A default model of the platform: it cannot be deleted.")
    version: str | None = Field(
        description="The version that the stage serves; null before the first promotion."
    )
    stage: str
    score: ModelScore | None
    state: ModelState


class AliasRefusal(BaseModel):
    """A version that the stage's alias was moved to in MLflow, and that the stage did not adopt."""

    model_config = ConfigDict(from_attributes=True)

    version: str
    reason: str
    times: int = Field(description="How often the alias was moved there.")
    at: datetime = Field(description="The last time.")


class ModelDetail(ModelShort):
    """One model with everything that its form and its pages need."""

    model_config = ConfigDict(protected_namespaces=(), populate_by_name=True)

    dataset: str
    schema_: dict[str, Any] = Field(alias="schema", description="The JSON Schema of one input.")
    columns: list[str] = Field(description="The names of the inputs, in the table's order.")
    target: str
    classes: list[str]
    policy: Policy
    versions: list[VersionShort]
    ready: bool = Field(
        description="Whether it answers predictions: false until its first version is trained and loaded."
    )
    refusals: list[AliasRefusal] = Field(
        [], description="Aliases that were moved in MLflow and moved back, the last first."
    )
    problem: str | None = Field(
        description="Why the version that the ledger names is not being served, or why none is."
    )
