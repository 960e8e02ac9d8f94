"""The gateway's answers to whoever makes models, as far as the pages read them; fields may be added."""

from typing import Any, Literal, NotRequired, TypedDict

Kind = Literal["numeric", "categorical", "text", "datetime", "identifier", "ignored"]
DatasetState = Literal["proposed", "storing", "ready", "failed"]


class Column(TypedDict, total=False):
    """One column of a file, and what it seems to be."""

    name: str
    kind: Kind
    reason: str
    type: str
    missing: int
    distinct: int
    examples: list[Any]
    counts: dict[str, int]
    """How often each value is there; empty if there are many."""
    minimum: float | None
    maximum: float | None
    mean: float | None
    renamed: str | None
    """What the version before calls it."""


class Caution(TypedDict):
    """One thing to know of a file before training."""

    code: str
    column: str | None
    message: str


class Difference(TypedDict, total=False):
    """How a file differs from the version before it."""

    version: int
    rows: dict[str, int]
    added: list[str]
    removed: list[str]
    changed: list[dict[str, Any]]


class Proposal(TypedDict, total=False):
    """What an uploaded file seems to hold."""

    name: str
    state: DatasetState
    rows: int
    columns: list[Column]
    target: str | None
    warnings: list[Caution]
    source: dict[str, Any]
    difference: Difference | None


class DatasetSummary(TypedDict, total=False):
    """A dataset in the list; the state is that of its newest file."""

    name: str
    state: DatasetState
    version: int | None
    rows: int
    task: str | None
    target: str | None
    created_at: str


class Dataset(DatasetSummary, total=False):
    """A dataset with everything that is known of it."""

    classes: dict[str, int]
    columns: list[dict[str, str]]
    warnings: list[Caution]
    proposal: Proposal | None
    tables: list[str]
    models: list[str]
    error: str | None
    run: str | None
    """The run that stores the newest file, or did."""


class DatasetVersion(TypedDict, total=False):
    """One immutable version of a dataset."""

    version: int
    kind: str
    rows: int
    revision: str
    created_at: str
    difference: Difference | None


class Declaration(TypedDict, total=False):
    """One hyperparameter or preparation choice: enough to draw its field."""

    name: str
    title: str
    help: str
    kind: Literal["number", "integer", "choice", "flag"]
    default: Any
    low: float | None
    high: float | None
    log: bool
    choices: list[Any] | None
    nullable: bool


class Declared(TypedDict):
    """An estimator or a vectorizer with its hyperparameters."""

    name: str
    title: str
    help: str
    hyperparameters: list[Declaration]


class Task(TypedDict):
    """What can be trained for one kind of problem."""

    task: str
    title: NotRequired[str]
    metrics: list[str]
    default_metric: str
    estimators: list[Declared]
    vectorizers: list[Declared]
    preparation: list[Declaration]


class Candidate(TypedDict, total=False):
    """One thing to try; hyperparameters that are not in `params` are searched."""

    estimator: str
    params: dict[str, Any]
    vectorizer: dict[str, Any]


class Curves(TypedDict):
    """How well the probability of one class tells it from the others; lists of points (x, y)."""

    label: str
    roc_auc: float
    average_precision: float
    roc: list[tuple[float, float]]
    precision_recall: list[tuple[float, float]]
    calibration: list[tuple[float, float]]


class EvaluatedVersion(TypedDict):
    """How one version did; `confusion` has a line for each true class."""

    version: str
    metrics: dict[str, float]
    confusion: list[list[int]] | None
    curves: list[Curves]


class VersionDifference(TypedDict):
    """By how much a version differs from another on the same rows."""

    version: str
    against: str
    metric: str
    difference: float
    low: float | None
    high: float | None
    level: float


class Evaluation(TypedDict):
    """Several versions on the same labelled rows."""

    model: str
    rows: dict[str, Any]
    classes: list[str]
    versions: list[EvaluatedVersion]
    differences: list[VersionDifference]
