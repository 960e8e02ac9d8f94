"""What the routes of datasets take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from data_processor.features.reading import Reading
from data_processor.features.schema import Holdout, Kind

DatasetState = Literal["proposed", "storing", "ready", "failed"]
DatasetName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class UnreadableCell(BaseModel):
    """A cell that cannot be read as the rest of its column."""

    row: int = Field(description="Counted from 1 below the header.")
    text: str


class PossibleReading(BaseModel):
    """One way to read a column's cells."""

    reading: Reading
    unreadable: int = Field(description="Cells that cannot be read so.")
    cells: list[UnreadableCell] = Field(description="The first of them.")
    texts: dict[str, int] = Field(
        {}, description="How many of them hold each text, the most frequent ones first."
    )


class ProposedColumn(BaseModel):
    """One column, and what it seems to be."""

    name: str
    kind: Kind
    reason: str = Field(description="Why this kind is proposed.")
    type: str = Field(description="What its values are: integer, number, boolean, datetime or text.")
    missing: int
    distinct: int = Field(description="Distinct values, missing ones not counted.")
    examples: list[Any]
    counts: dict[str, int] = Field(description="How often each value occurs; empty if there are many.")
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    renamed: str | None = Field(None, description="What the previous version calls it.")
    reading: Reading | None = Field(None, description="How its cells are read.")
    readings: list[PossibleReading] = Field(
        [], description="Every way that its cells can be read, the proposed one first."
    )
    nullable: bool | None = Field(None, description="Whether predictions may leave it out, if confirmed.")
    marks: dict[str, int] = Field(
        {}, description="How many cells hold each text that usually stands for a missing value."
    )


class DatasetWarning(BaseModel):
    """A data-quality warning: something to know before training."""

    code: str
    column: str | None
    message: str


class ReadingChoice(BaseModel):
    """Another way to read the file."""

    field: str = Field(description="The field of the upload's form that chooses it.")
    taken: bool | int | str | None = Field(description="Its value for this reading; null if detected.")
    value: bool | int | str | None = Field(
        description="Its value for the other reading; null to have it detected."
    )
    label: str = Field(description="What the other reading does.")


class FileSource(BaseModel):
    """How the file was read."""

    format: Literal["csv", "parquet", "xlsx", "json"]
    header: bool
    encoding: str | None
    delimiter: str | None
    decimal: str | None
    notes: list[str] = Field(description="What was recognised and what was left out.")
    choices: list[ReadingChoice] = Field([], description="Other ways to read it.")


class DatasetDifference(BaseModel):
    """How a file differs from the previous version."""

    version: int = Field(description="The version it is compared with.")
    rows: dict[str, int]
    added: list[str] = Field(description="Columns that are new.")
    removed: list[str] = Field(description="Columns that are gone.")
    changed: list[dict[str, Any]] = Field(description="What differs in a column, before and after.")


class ProposedBy(BaseModel):
    """A column that may decide which rows are held out."""

    by: Literal["group", "time"]
    column: str


class HoldoutMeasured(ProposedBy):
    """What holding out by a column does to the loss of a quick model."""

    metric: Literal["rmse", "log_loss"]
    row_split: float = Field(description="Its loss where single rows are held out.")
    this_split: float = Field(description="Its loss where whole groups, or later rows, are held out.")
    low: float = Field(description="Lower end of the 95 % interval of the relative difference.")
    high: float
    flagged: bool = Field(description="The loss grows by at least 10 %, and not by chance.")


class ProposedHoldout(BaseModel):
    """What the leak audit found: whether rows of the file belong together."""

    target: str | None = Field(description="The target that it was measured for.")
    suggested: ProposedBy | None = Field(description="What to hold out by; null: single rows will do.")
    audit: list[HoldoutMeasured]
    reason: str


class DatasetProposal(BaseModel):
    """What an uploaded file seems to contain."""

    name: str
    state: DatasetState
    rows: int
    columns: list[ProposedColumn]
    target: str | None = Field(description="The column that is probably to be predicted.")
    warnings: list[DatasetWarning] = Field(description="Those about the target assume the proposed one.")
    source: FileSource
    difference: DatasetDifference | None
    holdout: ProposedHoldout | None = Field(
        None, description="What the leak audit found; null for files that were read before there was one."
    )


class DatasetStoring(BaseModel):
    """A confirmed dataset that is being stored."""

    name: str
    state: Literal["storing"]
    run: str = Field(description="The run that stores it.")


class DatasetColumn(BaseModel):
    """One column of a stored dataset."""

    name: str
    kind: Kind


class DatasetShort(BaseModel):
    """One dataset in a list."""

    name: str
    state: DatasetState = Field(description="State of the newest file; meanwhile `version` can be used.")
    version: int | None = Field(description="The newest stored version.")
    rows: int
    task: str | None
    target: str | None
    created_at: datetime


class DatasetDetail(DatasetShort):
    """One dataset with everything that is known about it."""

    classes: dict[str, int] = Field(description="How many rows each class has; empty for a regression.")
    columns: list[DatasetColumn] = Field(description="As confirmed; before that, as proposed.")
    holdout: Holdout | None = Field(
        None, description="What decides which rows are held out; null before that."
    )
    warnings: list[DatasetWarning]
    proposal: DatasetProposal | None = Field(description="The proposal for the newest file.")
    tables: list[str] = Field(description="Its tables in the warehouse.")
    models: list[str] = Field(description="The models that use it.")
    error: str | None = Field(description="Why the newest file could not be stored, if so.")
    run: str | None = Field(description="The run that stores or stored the newest file; null before that.")


class DatasetVersion(BaseModel):
    """One immutable version of a dataset."""

    version: int
    kind: Literal["upload", "snapshot"]
    rows: int
    revision: str
    created_at: datetime
    difference: DatasetDifference | None = Field(description="From the previous upload, if there was one.")
