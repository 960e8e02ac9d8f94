"""What differs from one kind of problem to another; all else in this house serves every one of them alike.

    tasks/registry.py ──▶ Task: what every process asks of it; imports nothing heavy, because `serve` reads it
                          ├── PictureTask: takes pictures
                          └── RowTask: takes rows of tables
                              ├── learner ──▶ Learner: fits, searches, compiles; for a training run's child
                              └── explainer ──▶ Explainer: takes answers apart; for the child that explains

A task for rows that is registered is proposed for tables, confirmed, trained, judged by the gate, served,
explained, scored and shown on the pages, without a line about it elsewhere. A task may take pictures instead
(`TaskDescription.takes`): models of it have a gallery where others have a table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, computed_field

from data_processor.features.hyperparameters import Estimator, Hyperparameter, LiveEstimator
from data_processor.features.packing import Numbers, Packed
from data_processor.features.schema import Column, Kind, Schema
from data_processor.statistics.measures import LOWER_IS_BETTER, SelectionMetric

if TYPE_CHECKING:  # a second of imports that only training waits for
    from sklearn.pipeline import Pipeline

    from data_processor.features.split import Rows, Split
    from data_processor.tasks.candidates import Candidate
    from data_processor.tasks.space import SearchRequest, Space

Floats = NDArray[np.float64]

Takes = Literal["rows", "pictures"]
FEW = 20
"""A numeric target with more different values is a quantity, and no class."""


class Suitable(BaseModel):
    """What a table must be like for a task to be the one that is meant."""

    model_config = ConfigDict(frozen=True)

    target: Literal["classes", "quantity"] = Field(
        description="quantity: a numeric column with more than 20 different values; classes: any other."
    )
    inputs: tuple[Kind, ...] | None = Field(
        None, description="The kinds of its inputs, each once; null: whatever they are."
    )


class TaskDescription(BaseModel):
    """One task: what it can be measured by, what can be tried, what can be set, and what pages need."""

    model_config = ConfigDict(frozen=True)

    task: str
    title: str
    label: str = Field(description="What kind of problem it is, in a word or two.")
    meaning: str = Field(description="What it is for, in one sentence.")
    takes: Takes = Field("rows", description="What it answers: rows of a table, or pictures.")
    answer: Literal["label", "value"] = Field(
        description="What it answers with: one of the target's classes, or a number."
    )
    suits: Suitable | None = Field(
        description="Which tables it is proposed for, the most particular task wins; null: none."
    )
    metrics: tuple[SelectionMetric, ...]
    default_metric: SelectionMetric = Field(description="What candidates are ranked by if nothing is said.")
    estimators: tuple[Estimator, ...]
    vectorizers: tuple[Estimator, ...] = Field((), description="How texts become numbers; [] for tables.")
    live_estimators: tuple[LiveEstimator, ...] = Field(
        (), description="What can be trained in a live run; [] for pictures."
    )
    preparation: tuple[Hyperparameter, ...] = Field(
        (), description="What is done to the columns before an estimator sees them."
    )

    @computed_field(  # type: ignore[prop-decorator] # pydantic's way: mypy knows no decorated property
        description="Of its metrics, those of which less is better; of the others more is.",
    )
    @property
    def lower_is_better(self) -> tuple[SelectionMetric, ...]:
        """Return the metrics that measure errors."""
        return tuple(metric for metric in self.metrics if metric in LOWER_IS_BETTER)


class Target(NamedTuple):
    """What is known of the column that is to be predicted, when a person confirms a table."""

    name: str
    kind: Kind
    """What the person says it is."""
    numeric: bool
    """Whether its values are numbers."""
    distinct: int

    @property
    def is_quantity(self) -> bool:
        """Whether its values are quantities rather than classes, as far as anybody can tell."""
        return self.numeric and self.kind != "categorical" and self.distinct > FEW


class Problem(NamedTuple):
    """What keeps a table from being used for a task, and the input it is about; none: the target."""

    message: str
    column: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A person's feedback on one answer: whether it was right, and what is true."""

    correct: bool
    label: str | None = None
    value: float | None = None


class FeedbackRefusedError(ValueError):
    """Feedback that contradicts itself or the model; `field` is the part of it that does."""

    def __init__(self, field: str, message: str) -> None:
        """Name the field and say what is wrong with it."""
        super().__init__(message)
        self.field = field


class Engine(Protocol):
    """Answers packed rows."""

    def predict(self, numeric: Numbers, strings: NDArray[np.object_]) -> Numbers:
        """Return probabilities (rows, classes) in the order of the schema's classes, or values (rows, 1)."""


class Task(Protocol):
    """One kind of problem."""

    @property
    def description(self) -> TaskDescription:
        """What people may choose of it; `GET /v1/tasks` shows it."""

    def first_policy(self, target: Column) -> dict[str, Any]:
        """Return the fields of a new model's policy that follow from its target."""

    def counts_right_answers(self, tolerance: float) -> bool:
        """Say whether an answer is right or wrong, so that the gate can count right answers."""

    def understand(
        self, said: Said, output: Mapping[str, Any], *, classes: Sequence[str], tolerance: float
    ) -> Said:
        """Return feedback with what it implies; raises `FeedbackRefusedError`."""


class PictureTask(Task, Protocol):
    """One kind of problem whose inputs are pictures; its models make their data themselves, a gallery."""

    @property
    def gallery_schema(self) -> Schema:
        """The schema of a gallery as a dataset: a picture, and what is recognised in it."""


class RowTask(Task, Protocol):
    """One kind of problem whose inputs are rows of a table."""

    @property
    def target_kind(self) -> Kind:
        """What its target is kept as."""

    @property
    def default_models(self) -> tuple[str, ...]:
        """The estimators of which the first dataset of this task gets a model each."""

    @property
    def learner(self) -> "Learner":
        """What fits, searches and compiles; importing it takes a second."""

    @property
    def explainer(self) -> "type[Explainer]":
        """What takes answers apart; importing it takes seconds."""

    def target_problem(self, target: Target) -> str | None:
        """Say what keeps a column from being predicted, if anything does."""

    def input_problems(self, inputs: Mapping[str, Kind], target: Target) -> list[Problem]:
        """Return what keeps a table's inputs from being learnt from."""

    def answers(self, outputs: Numbers, schema: Schema) -> list[bytes]:
        """Return the JSON of each answer; `outputs` is what an engine returned."""

    def trained_engine(self, pipeline: Any, schema: Schema) -> Engine:
        """Return an engine that asks the trained scikit-learn pipeline."""


class Prepared(NamedTuple):
    """Rows as numbers, for an estimator that learns batch by batch."""

    columns: Any
    """The fitted step that makes them."""
    features: Any
    """What it made of the rows that are learnt from, shape (rows, features), dense or sparse."""
    rows: "Rows"
    """Those rows."""


class Learner(Protocol):
    """How a task learns from rows, and how what it learnt is compiled."""

    compares_latency: bool
    """Whether the trained form may answer faster than the compiled one, so that both are measured."""
    parallel_fits: bool
    """Whether the fits of a search may be done at the same time, here or on other machines."""

    def fit(self, candidate: "Candidate", rows: "Rows", schema: Schema, seed: int) -> "Pipeline":
        """Fit a candidate on rows; raises `TooFewRowsError`."""

    def prepare(self, candidate: "Candidate", rows: "Rows", schema: Schema) -> "Prepared":
        """Fit what stands before an estimator that learns batch by batch; raises `TooFewRowsError`."""

    def assemble(self, prepared: "Prepared", estimator: Any, offset: float) -> "Pipeline":
        """Return a fitted pipeline of what was prepared and a fitted estimator.

        Of values the estimator answers distances from `offset`.
        """

    def space(self, split: "Split", request: "SearchRequest") -> "Space":
        """Return what a search tries; raises `UnknownCandidateError` or `TooFewRowsError`."""

    def prepared(
        self, pipeline: "Pipeline", candidate: "Candidate", rows: "Rows", schema: Schema
    ) -> dict[str, Any]:
        """Describe what fitting made of the columns' preparation."""

    def convert(self, pipeline: "Pipeline", schema: Schema) -> Any:
        """Return one fitted pipeline, not a blend, as an ONNX model; raises whatever skl2onnx raises."""


@dataclass(frozen=True)
class Explained:
    """One answer, taken apart."""

    method: str
    evaluations: int
    """How many rows the version was asked for it."""
    background_rows: int
    baseline: float
    value: float
    contributions: dict[str, float]
    """By input, in table order; with the baseline they add up to the value."""
    words: list[dict[str, Any]] | None = None
    """Of a model for texts: how far its words moved the answer (`texts/explanation.py: Part`)."""


class Explainer(Protocol):
    """Explains the answers of one version."""

    def __init__(self, engine: Engine, schema: Schema, background: Packed) -> None:
        """Get ready; `background` are rows that the version was fitted to."""

    def explain(self, inputs: dict[str, Any], place: int) -> Explained:
        """Take the answer to one input apart; `place` is the output that is explained."""
